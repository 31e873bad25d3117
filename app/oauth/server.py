"""Authlib's authorization server, with its mistakes corrected."""

from collections.abc import Callable, Collection
from functools import cached_property, partial
from typing import Any

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
from flask import request
from werkzeug.datastructures import CombinedMultiDict, ImmutableMultiDict

from app.identity.dpop.presented import Unproved
from app.oauth import authentication, clients, grants
from app.oauth.clients import Registered
from app.oauth.endpoints import Introspection, Pushing, Revocation


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
            return self.handle_error_response(Request(), OAuth2Error(problem.description, error=problem.error))

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
        return authentication.authenticate(request, methods)


server = Server(query_client=clients.find, save_token=lambda token, request: None)


for grant in grants.EVERY:
    server.register_grant(grant)
for endpoint in (Revocation, Introspection, Pushing):
    server.register_endpoint(endpoint)


def _check_parameters() -> None:
    if request.mimetype != "application/x-www-form-urlencoded":
        raise InvalidRequestError("The body must be application/x-www-form-urlencoded.")
    if any(len(values) > 1 for _, values in request.form.lists()):
        raise InvalidRequestError("A parameter is given twice.")
