"""An app on requests-oauthlib, which leaves ID tokens to others: PyJWT checks them."""

import secrets
from typing import Any

import jwt
from oauthlib.oauth2 import OAuth2Error, WebApplicationClient
from requests.auth import HTTPBasicAuth
from requests_oauthlib import OAuth2Session

from tests.clients.library import SCOPE, App, InProcess, Refused


class RequestsOAuthlib(InProcess):
    def __init__(self, app: App) -> None:
        self._app = app
        self._nonce = secrets.token_urlsafe(16)
        self._auth = HTTPBasicAuth(app.id, app.secret or "")  # an empty one is what it sends by itself
        self._client = WebApplicationClient(app.id)
        self._session = OAuth2Session(client=self._client, scope=SCOPE, redirect_uri=app.redirect_uri, pkce="S256")

    def ask(self) -> str:
        self._site = self._session.get(
            f"{self._app.issuer}/.well-known/openid-configuration", withhold_token=True
        ).json()
        return str(self._session.authorization_url(self._site["authorization_endpoint"], nonce=self._nonce)[0])

    def arrive(self, callback: str) -> dict[str, Any]:
        try:
            tokens = self._session.fetch_token(
                self._site["token_endpoint"],
                authorization_response=callback,
                auth=self._auth,
            )
        except OAuth2Error as problem:
            raise Refused(problem.error) from problem
        key = jwt.PyJWKClient(self._site["jwks_uri"]).get_signing_key_from_jwt(tokens["id_token"])
        claims: dict[str, Any] = jwt.decode(
            tokens["id_token"],
            key,
            self._site["id_token_signing_alg_values_supported"],
            audience=self._app.id,
            issuer=self._site["issuer"],
        )
        assert claims["nonce"] == self._nonce
        return claims

    def refresh(self) -> None:
        try:
            self._session.refresh_token(self._site["token_endpoint"], auth=self._auth)
        except OAuth2Error as problem:
            raise Refused(problem.error) from problem

    def is_active(self) -> bool:
        answer = self._session.post(
            self._site["introspection_endpoint"],
            {"token": self._session.token["access_token"]},
            auth=self._auth,
            withhold_token=True,
        )
        return bool(answer.json()["active"])

    def revoke(self) -> None:
        address, headers, body = self._client.prepare_token_revocation_request(
            self._site["revocation_endpoint"], self._session.token["refresh_token"], "refresh_token"
        )
        self._session.post(address, body, headers=headers, auth=self._auth, withhold_token=True).raise_for_status()

    def close(self) -> None:
        self._session.close()
