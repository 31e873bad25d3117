"""Client authentication by exactly one method, the one the client is registered for (RFC 6749, section 2.3)."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from urllib.parse import unquote_plus

from authlib.oauth2 import OAuth2Error
from authlib.oauth2.rfc6749 import InvalidRequestError
from authlib.oauth2.rfc6749.errors import InvalidClientError

from app import context
from app.capacity.throttle import PlaceThrottle
from app.config import settings
from app.identity.session import SITE
from app.network import address
from app.oauth import assertion, clients
from app.oauth.clients import Registered
from app.telemetry import security_log

_guesses = PlaceThrottle("client secrets", "50 per 10 minutes")


class BadClient(InvalidClientError):
    """Client authentication failed: always 401, with a challenge if a header was used (RFC 6749, section 5.2)."""

    status_code = 401

    def __init__(self, description: str = "") -> None:
        super().__init__(description or "Client authentication failed.")

    def get_headers(self) -> list[tuple[str, str]]:
        headers: list[tuple[str, str]] = OAuth2Error.get_headers(self)
        has_header = context.request().headers.get("Authorization")
        return [*headers, ("WWW-Authenticate", 'Basic realm="oauth"')] if has_header else headers


@dataclass(frozen=True)
class Credentials:
    """The credentials of a request."""

    client_id: str | None
    secret: str | None = None
    assertion: str | None = None

    def prove(self, client: Registered) -> None:
        """Authenticate *client*. Raises BadClient."""
        if settings().is_fapi and client.jwks is None and client.id != SITE:
            raise BadClient("This site asks every client for private_key_jwt.")
        if client.jwks is not None:
            self._prove_by_key(client.id, client.jwks)
        elif self.assertion is not None or not self._has_secret_of(client):
            raise BadClient

    def _has_secret_of(self, client: Registered) -> bool:
        if client.is_public:
            return self.secret is None
        return self.secret is not None and client.check_client_secret(self.secret)

    def _prove_by_key(self, client_id: str, jwks: str) -> None:
        if self.assertion is None:
            raise BadClient("This client has to send a client_assertion.")
        problem = assertion.check(self.assertion, client_id, jwks)
        if problem is not None:
            raise BadClient(problem)


def authenticate(form: Mapping[str, str], methods: Collection[str]) -> Registered:
    """Return the authenticated client. Raises OAuth2Error and TooManyRequests."""
    given = _read(form)
    try:
        found = clients.read(given.client_id) if given.client_id else None
        if found is None or (found.is_public and "none" not in methods):
            raise BadClient
        given.prove(found)
    except BadClient:
        # Only failures count: a guesser at the same address cannot lock out a client that has its secret.
        _guesses.check()
        _guesses.count()
        security_log.line("client_refused", address=address.here())
        raise
    return found


def _read(form: Mapping[str, str]) -> Credentials:
    """Read the credentials; refuse more than one method. Raises OAuth2Error."""
    client_id, secret = form.get("client_id"), form.get("client_secret")
    has_header = bool(context.request().environ.get("HTTP_AUTHORIZATION"))
    has_assertion = "client_assertion" in form or "client_assertion_type" in form
    if sum((has_header, secret is not None, has_assertion)) > 1:
        raise InvalidRequestError("More than one way of client authentication.")
    if has_assertion:
        return _read_assertion(client_id, form.get("client_assertion"), form.get("client_assertion_type"))
    if has_header:
        return _read_basic(client_id)
    return Credentials(client_id, secret)


def _read_assertion(client_id: str | None, given: str | None, kind: str | None) -> Credentials:
    if given is None or kind != assertion.TYPE:
        raise InvalidRequestError("A client_assertion needs the client_assertion_type of RFC 7523.")
    subject = assertion.subject(given)
    if subject is not None and client_id not in (None, subject):
        raise InvalidRequestError("Two client ids that differ.")
    return Credentials(subject, assertion=given)


def _read_basic(client_id: str | None) -> Credentials:
    basic = context.request().authorization
    if basic is None or basic.type != "basic":
        raise BadClient
    named = unquote_plus(basic.username or "")
    if client_id not in (None, named):
        raise InvalidRequestError("Two client ids that differ.")
    # An empty secret is none (RFC 6749, section 2.3.1): public clients send it.
    return Credentials(named, unquote_plus(basic.password or "") or None)
