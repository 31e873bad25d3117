"""Authlib's authorization server, with its mistakes corrected."""

import json
from collections.abc import Callable, Collection
from functools import partial
from typing import Any
from urllib.parse import parse_qsl

from authlib.integrations.flask_oauth2 import AuthorizationServer
from authlib.oauth2 import OAuth2Error
from authlib.oauth2.rfc6749 import InvalidRequestError, OAuth2Request
from authlib.oauth2.rfc6749.requests import BasicOAuth2Payload
from flask import Response

from app import context
from app.identity.dpop.presented import Unproved
from app.oauth import authentication, clients, grants
from app.oauth.clients import Registered
from app.oauth.endpoints import Introspection, Pushing, Revocation
from app.revocation import log
from app.store import prebuilt

_KIND = "application/x-www-form-urlencoded"


class Request(OAuth2Request):
    """The request as Authlib reads it: the parameters of its body, never of its query. None may be given twice (RFC 6749,
    section 3.2), and one without a value counts as left out. Raises OAuth2Error.

    Whether TLS is needed was decided at the start, by SITE_URL, not by a header.
    """

    def __init__(self) -> None:
        asked = context.request()
        super().__init__(asked.method, "https://authlib.invalid")
        if asked.mimetype != _KIND:
            raise InvalidRequestError(f"The body must be {_KIND}.")
        given = parse_qsl(asked.get_data(as_text=True), keep_blank_values=True)
        form = dict(given)
        if len(form) < len(given):
            raise InvalidRequestError("A parameter is given twice.")
        self._form = {name: value for name, value in form.items() if value}
        self.payload = BasicOAuth2Payload(self._form)

    @property
    def form(self) -> dict[str, str]:
        return self._form


class Server(AuthorizationServer):
    """Client authentication by exactly one method (RFC 6749, section 2.3), and a request that is read once."""

    def create_oauth2_request(self, request: Any) -> Any:
        return Request()

    def exchange(self) -> Response:
        """Answer as the token endpoint."""
        return self._answer(self.create_token_response)

    def answer(self, endpoint: str) -> Response:
        """Answer as the endpoint of this name."""
        return self._answer(partial(self.create_endpoint_response, endpoint))

    def _answer(self, respond: Callable[[], Any]) -> Response:
        try:
            with prebuilt.reading():
                answer: Response = respond()
                return answer
        except OAuth2Error as error:  # a malformed request: what the log holds would not change the answer
            return self.handle_response(*error())
        except Unproved as problem:
            return self.handle_error_response(None, OAuth2Error(problem.description, error=problem.error))

    def handle_error_response(self, request: Any, error: OAuth2Error) -> Response:
        """Refuse what was judged. Raises LogCut: with a cut log, the code, the token or the client may be lost too."""
        log.head()
        return self.handle_response(*error())

    def handle_response(self, status_code: int, payload: Any, headers: Any) -> Response:
        return Response(json.dumps(payload), status_code, headers)

    def get_token_grant(self, request: OAuth2Request) -> Any:
        if not request.form.get("grant_type"):
            raise InvalidRequestError("Parameter grant_type is missing.")
        return super().get_token_grant(request)

    def authenticate_client(
        self, request: OAuth2Request, methods: Collection[str], endpoint: str = "token"
    ) -> Registered:
        return authentication.authenticate(request.form, methods)


server = Server(query_client=clients.find, save_token=lambda token, request: None)


for grant in grants.EVERY:
    server.register_grant(grant)
for endpoint in (Revocation, Introspection, Pushing):
    server.register_endpoint(endpoint)
