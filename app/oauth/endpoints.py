"""The endpoints beside the token endpoint: one class for each."""

from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Protocol

from authlib.consts import default_json_headers
from authlib.oauth2.rfc6749 import InvalidRequestError
from authlib.oauth2.rfc6749.requests import OAuth2Request
from authlib.oauth2.rfc6749.token_endpoint import TokenEndpoint
from authlib.oauth2.rfc7009 import RevocationEndpoint
from authlib.oauth2.rfc7662 import IntrospectionEndpoint
from werkzeug.datastructures import MultiDict

from app import context
from app.config import settings
from app.identity import access_token, activity, bearer, demand, proof, refresh_token, session_row
from app.identity.access_token import CACHED, Claims
from app.identity.chains import LinkRow
from app.identity.session import SITE, Reason
from app.oauth import authorization, dpop, pushed
from app.oauth.clients import CONFIDENTIAL, INTROSPECT, METHODS, Registered
from app.revocation import log
from app.store.db import writing
from app.telemetry import security_log

_ENDS_SITE = Reason.SIGNED_OUT, "signed_out"
_ENDS_APP = Reason.REVOKED, "session_ended"
# In the WSGI environment, out of reach for headers: the transaction that ends a session calls it.
NOTE = "signed_out.note"
_NOT_IN_ANSWER = ("opened", "link", "jkt")  # claims that mean nothing elsewhere, or that the answer has in another form
_IN_ANSWER = [name for name in Claims._fields if name not in _NOT_IN_ANSWER]


class PresentedToken(Protocol):
    """Our token that a client presented."""

    @property
    def client_id(self) -> str: ...

    def revoke(self) -> None:
        """End what hangs on it."""

    def describe(self) -> dict[str, Any] | None:
        """Return its claims (RFC 7662, section 2.2) while it is good, else None. Raises StoreUnavailable."""

    def may_be_seen_by(self, client: Registered) -> bool:
        """Return whether *client* may ask about it."""


class Revocation(RevocationEndpoint):
    """Token revocation (RFC 7009). What is ended follows from the token itself; a hint changes nothing.

    A token that is unknown, already ended, or another client's gets the same answer as a success, and nothing is done:
    the client cannot learn whether it exists.
    """

    CLIENT_AUTH_METHODS = METHODS

    def authenticate_token(self, request: OAuth2Request, client: Registered) -> PresentedToken | None:
        found = _presented(request, client)
        if found is None or found.client_id != client.id:
            log.head()  # in a cut log, a live token may be unknown. Raises LogCut
            # A look and a line in either case, as each takes time.
            is_known = found or refresh_token.is_known(request.form["token"])
            security_log.line("foreign_token_presented" if is_known else "unknown_token_presented", client=client.id)
            return None
        return found

    def revoke_token(self, token: PresentedToken, request: OAuth2Request) -> None:
        token.revoke()


class Introspection(IntrospectionEndpoint):
    """Token introspection (RFC 7662), for clients with a secret or a key. A hint changes nothing.

    A token that is unknown, over, or hidden from this client is just not active.
    """

    CLIENT_AUTH_METHODS = CONFIDENTIAL

    def authenticate_token(self, request: OAuth2Request, client: Registered) -> dict[str, Any] | None:
        found = _presented(request, client)
        if found is None or not found.may_be_seen_by(client):
            log.head()  # in a log that was cut, a token that lives may be unknown. Raises LogCut
            return None
        return found.describe()

    def create_introspection_payload(self, token: dict[str, Any] | None) -> dict[str, Any]:
        return {"active": True, **token} if token else {"active": False}


class Pushing(TokenEndpoint):
    """Pushed authorization requests (RFC 9126), judged as they would be at the authorization endpoint."""

    ENDPOINT_NAME = "pushed_authorization_request"
    CLIENT_AUTH_METHODS = METHODS

    def create_endpoint_response(self, request: OAuth2Request) -> tuple[int, dict[str, Any], Any]:
        client: Registered = self.server.authenticate_client(request, self.CLIENT_AUTH_METHODS, self.ENDPOINT_NAME)
        pushed.check(client)
        key = dpop.named(request.form)
        bound = {"dpop_jkt": key.jkt} if key else {}
        given: MultiDict[str, str] = MultiDict({**request.form, "client_id": client.id, **bound})
        authorization.check(given)
        known = {name: given[name] for name in authorization.PARAMETERS if name in given}
        with writing(durable=False):  # after a crash its user begins again
            if key:
                key.spend()
            name = pushed.keep(client, known)
        return 201, {"request_uri": name, "expires_in": pushed.SECONDS}, default_json_headers


@dataclass(frozen=True)
class RefreshOf:
    """A refresh token, used or not: its whole session ends."""

    link: LinkRow

    @property
    def client_id(self) -> str:
        return self.link.session.client_id

    def may_be_seen_by(self, client: Registered) -> bool:
        return self.client_id == client.id

    def describe(self) -> dict[str, Any] | None:
        session, link = self.link.session, self.link
        if not session.goes_on() or not link.is_newest:
            return None
        if demand.refuses(session.user_id, proof.as_words(link.proof.how)):
            return None
        until = min(session.ends_at, refresh_token.longest(session, link.ends_at))
        issued = {"iss": settings().site_url, "exp": until, "iat": session.began_at, "sub": session.user_id}
        return issued | {"client_id": self.client_id, "scope": link.scope or session.scope, "sid": session.id}

    def revoke(self) -> None:
        # No lock is taken for a dead token. The row only hints that it is dead, and the log decides.
        found = self.link.session
        if found.ended_entry is not None and found.await_end():
            return
        with writing():
            session = found if self.link.is_current else session_row.lock(found.id)
            if session is None:  # a purge has removed it
                return
            reason, event = _ENDS_SITE if session.client_id == SITE else _ENDS_APP
            if session.end(reason, actor=session.id):
                activity.record(event, session.user_id, session)
                _note(session.id)


@dataclass(frozen=True)
class Access:
    """An access token: it alone ends (section 2.1 leaves its refresh token to the server's policy)."""

    claims: Claims

    @property
    def client_id(self) -> str:
        return self.claims.client_id

    def may_be_seen_by(self, client: Registered) -> bool:
        return self.client_id == client.id or INTROSPECT in client.scope.split()

    def describe(self) -> dict[str, Any] | None:
        claims = access_token.judge(self.claims)
        if not isinstance(claims, Claims) or bearer.is_refused(claims) or demand.refuses(claims.sub, claims.amr):
            return None
        return _described(claims)

    def revoke(self) -> None:
        if access_token.await_end(self.claims):
            return
        with writing():
            if session_row.lock(self.claims.sid):
                access_token.revoke(self.claims, reason=Reason.REVOKED)


@lru_cache(CACHED)
def _described(claims: Claims) -> dict[str, Any]:
    """Return what the answer tells of a token, made once for each: it repeats the claims, which the caller has judged."""
    said = {name: value for name in _IN_ANSWER if (value := getattr(claims, name)) is not None}
    return said | access_token.acr(claims) | access_token.cnf(claims) | {"token_type": claims.token_type}


def _note(sid: str) -> None:
    note = context.request().environ.get(NOTE)
    if note:
        note(sid)


def _presented(request: OAuth2Request, client: Registered) -> PresentedToken | None:
    """Return the token of this request, if it is an access token or *client*'s own; its hint is not looked at. Raises
    InvalidRequestError where there is none."""
    token = request.form.get("token")
    if not token:
        raise InvalidRequestError("Parameter token is missing.")
    claims = access_token.read(token) if "." in token else None  # which no refresh token has
    if claims:
        return Access(claims)
    found = refresh_token.find_of(client.id, token)
    return RefreshOf(found) if found else None
