"""Authlib's authorization server, with what it gets wrong put right."""

from collections.abc import Callable, Collection
from functools import cached_property, partial
from typing import Any
from urllib.parse import unquote_plus

from authlib.integrations.flask_oauth2 import AuthorizationServer
from authlib.integrations.flask_oauth2.requests import (
    FlaskOAuth2Payload,
    FlaskOAuth2Request,
)
from authlib.oauth2 import OAuth2Error
from authlib.oauth2.rfc6749 import (
    InvalidRequestError,
    OAuth2Request,
    UnsupportedGrantTypeError,
)
from authlib.oauth2.rfc6749.errors import InvalidClientError
from flask import Flask, request
from werkzeug.datastructures import CombinedMultiDict, ImmutableMultiDict

from app import address, security_log
from app.identity.dpop.presented import Unproved
from app.oauth import client as clients
from app.oauth import dpop
from app.oauth.client import Registered
from app.oauth.endpoints import Introspection, Pushing, Revocation
from app.oauth.grants import CodeGrant, RefreshGrant
from app.throttle import PlaceThrottle

_guesses = PlaceThrottle("client secrets", "50 per 10 minutes")


class BadClient(InvalidClientError):
    """Client authentication failed: always 401, with a challenge if a header was used (RFC 6749, section 5.2)."""

    status_code = 401
    description = "Client authentication failed."

    def get_headers(self) -> list[tuple[str, str]]:
        headers: list[tuple[str, str]] = OAuth2Error.get_headers(self)
        return (
            [*headers, ("WWW-Authenticate", 'Basic realm="oauth"')] if request.headers.get("Authorization") else headers
        )


class BadGrantType(UnsupportedGrantTypeError):
    """As Authlib's, without repeating what was sent (its characters may not stand in an error description)."""

    def get_error_description(self) -> str:
        return "This grant type is not supported."


class Form(FlaskOAuth2Payload):
    """Parameters from the body alone, never the query; a parameter without a value counts as left out."""

    @cached_property
    def form(self) -> ImmutableMultiDict[str, str]:
        return ImmutableMultiDict([(name, value) for name, value in request.form.items(multi=True) if value])

    @property
    def data(self) -> CombinedMultiDict[str, str]:
        return CombinedMultiDict([self.form])


class Request(FlaskOAuth2Request):
    """The request as Authlib reads it. Whether TLS is needed was decided at the start, by SITE_URL, not by a header."""

    def __init__(self) -> None:
        OAuth2Request.__init__(self, request.method, f"https://authlib.invalid{request.path}")
        self.headers: Any = request.headers
        self._request = request
        self.payload: Form = Form(request)

    @property
    def form(self) -> ImmutableMultiDict[str, str]:
        return self.payload.form


class Server(AuthorizationServer):
    """Client authentication by exactly one method; no parameter given twice (RFC 6749, sections 2.3 and 3.2)."""

    def create_oauth2_request(self, request: Any) -> Request:
        return Request()

    def create_token_response(self, request: Any = None) -> Any:
        return self._answer(super().create_token_response)

    def create_endpoint_response(self, name: str, request: Any = None) -> Any:
        return self._answer(partial(super().create_endpoint_response, name))

    def _answer(self, respond: Callable[[], Any]) -> Any:
        try:
            _check_parameters()
            return respond()
        except OAuth2Error as error:
            return self.handle_error_response(Request(), error)
        except Unproved as problem:
            return self.handle_error_response(Request(), dpop.refusal(problem))

    def get_token_grant(self, request: OAuth2Request) -> Any:
        if not request.form.get("grant_type"):
            raise InvalidRequestError("Parameter grant_type is missing.")
        try:
            return super().get_token_grant(request)
        except UnsupportedGrantTypeError as error:
            raise BadGrantType(error.grant_type) from error

    def authenticate_client(
        self, request: OAuth2Request, methods: Collection[str], endpoint: str = "token"
    ) -> Registered:
        client_id, secret = _credentials(request)
        found = clients.read(client_id) if client_id else None
        if found is None or not _proves(found, secret) or (found.is_public and "none" not in methods):
            # Failures alone are held off: nobody can lock out a client that has its secret and shares the address.
            _guesses.check()
            _guesses.count()
            security_log.line("client_refused", address=address.here())
            raise BadClient
        return found


server = Server(query_client=clients.find, save_token=lambda token, request: None)


def init_app(app: Flask) -> None:
    """Give *app* its authorization server."""
    server.init_app(app)


for grant in (CodeGrant, RefreshGrant):
    server.register_grant(grant)
for endpoint in (Revocation, Introspection, Pushing):
    server.register_endpoint(endpoint)


def _proves(client: Registered, secret: str | None) -> bool:
    if client.is_public:
        return secret is None
    return secret is not None and client.check_client_secret(secret)


def _credentials(oauth_request: OAuth2Request) -> tuple[str | None, str | None]:
    in_body = oauth_request.form.get("client_id"), oauth_request.form.get("client_secret")
    if not request.headers.get("Authorization"):
        return in_body
    if in_body[1] is not None:
        raise InvalidRequestError("More than one way of client authentication.")
    basic = request.authorization
    if basic is None or basic.type != "basic":
        raise BadClient
    client_id = unquote_plus(basic.username or "")
    if in_body[0] not in (None, client_id):
        raise InvalidRequestError("Two client ids that differ.")
    # An empty secret is none (RFC 6749, section 2.3.1): so a public client says who it is.
    return client_id, unquote_plus(basic.password or "") or None


def _check_parameters() -> None:
    if request.mimetype != "application/x-www-form-urlencoded":
        raise InvalidRequestError("The body must be application/x-www-form-urlencoded.")
    if any(len(values) > 1 for _, values in request.form.lists()):
        raise InvalidRequestError("A parameter is given twice.")
