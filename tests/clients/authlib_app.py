"""An app on Authlib."""

import secrets
from typing import Any

from authlib.integrations.requests_client import OAuth2Session, OAuthError
from authlib.oauth2.rfc7523 import PrivateKeyJWT
from authlib.oidc.core import CodeIDToken
from joserfc import jwt
from joserfc.jwk import ECKey, KeySet

from tests.clients.library import SCOPE, App, InProcess, Refused, check


class Authlib(InProcess):
    """*jwk*: the private key by which it authenticates, in place of a secret."""

    def __init__(self, app: App, jwk: dict[str, Any] | None = None) -> None:
        self._app = app
        self._nonce, self._verifier = secrets.token_urlsafe(16), secrets.token_urlsafe(48)
        self._session = OAuth2Session(
            app.id, app.secret, scope=SCOPE, redirect_uri=app.redirect_uri, code_challenge_method="S256"
        )
        if jwk:
            self._session.client_secret = ECKey.import_key(jwk)
            self._session.token_endpoint_auth_method = "private_key_jwt"
            self._session.revocation_endpoint_auth_method = "private_key_jwt"
            self._session.register_client_auth_method(PrivateKeyJWT(app.issuer, alg="ES256"))

    def ask(self) -> str:
        self._site = self._read(f"{self._app.issuer}/.well-known/openid-configuration")
        address, self._state = self._session.create_authorization_url(
            self._site["authorization_endpoint"], code_verifier=self._verifier, nonce=self._nonce
        )
        return str(address)

    def arrive(self, callback: str) -> dict[str, Any]:
        check(callback)
        tokens = self._session.fetch_token(
            self._site["token_endpoint"],
            authorization_response=callback,
            state=self._state,
            code_verifier=self._verifier,
        )
        keys = KeySet.import_key_set(self._read(self._site["jwks_uri"]))
        found = jwt.decode(tokens["id_token"], keys, algorithms=self._site["id_token_signing_alg_values_supported"])
        known = {"client_id": self._app.id, "nonce": self._nonce, "access_token": tokens["access_token"]}
        claims = CodeIDToken(found.claims, found.header, {"iss": {"values": [self._site["issuer"]]}}, known)
        claims.validate()
        return dict(claims)

    def refresh(self) -> None:
        try:
            self._session.refresh_token(self._site["token_endpoint"])
        except OAuthError as problem:
            raise Refused(problem.error) from problem

    def is_active(self) -> bool:
        access = self._session.token["access_token"]
        answer = self._session.introspect_token(self._site["introspection_endpoint"], access)
        return bool(answer.json()["active"])

    def revoke(self) -> None:
        answer = self._session.revoke_token(
            self._site["revocation_endpoint"], self._session.token["refresh_token"], "refresh_token"
        )
        answer.raise_for_status()

    def close(self) -> None:
        self._session.close()

    def _read(self, address: str) -> Any:
        return self._session.get(address, withhold_token=True).json()
