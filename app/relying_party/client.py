"""This site as a client of the issuer: what it asks there on behalf of its visitors."""

from collections.abc import Callable
from contextlib import contextmanager
from typing import Any
from urllib.parse import quote, urlencode

import httpx
from authlib.oauth2 import OAuth2Error
from authlib.oauth2.client import OAuth2Client

from app.relying_party.attempts import Attempt
from app.relying_party.issuer import Issuer
from app.relying_party.verdict import Unheard

SCOPE = "openid profile"  # no more than its pages show
SIGN_IN_SECONDS = 5.0


class CodeRefused(Exception):
    """The issuer answered, and gives nothing."""


class Client:
    """A confidential client (RFC 6749, section 2.1) of *issuer*. *url*: the public address of this site."""

    def __init__(self, issuer: Issuer, client_id: str, secret: str, url: str) -> None:
        self._issuer = issuer
        self._patient = issuer.reach(SIGN_IN_SECONDS)
        self.id = client_id
        self._callback = f"{url}/callback"
        self._signed_out = f"{url}/signed-out"
        self._auth = httpx.BasicAuth(quote(client_id, safe=""), quote(secret, safe=""))  # section 2.3.1

    def authorize(self, attempt: Attempt) -> str:
        """Return the address at which the issuer asks its visitor. Raises Unheard."""
        address, _ = self._flow().create_authorization_url(
            self._issuer.endpoint("authorization_endpoint"), attempt.state, attempt.verifier, nonce=attempt.nonce
        )
        return address

    def exchange(self, code: str, verifier: str) -> dict[str, Any]:
        """Return the tokens for *code*. Raises CodeRefused and Unheard."""
        url = self._issuer.endpoint("token_endpoint")
        with _heard():
            found: dict[str, Any] = self._flow().fetch_token(
                url, grant_type="authorization_code", code=code, code_verifier=verifier, auth=self._auth
            )
        if not all(isinstance(found.get(name), str) for name in ("access_token", "refresh_token", "id_token")):
            raise CodeRefused
        return found

    def person(self, access: str) -> dict[str, Any]:
        """Return what the issuer says of the person (OpenID Connect Core, section 5.3). Raises Unheard."""
        url = self._issuer.endpoint("userinfo_endpoint")
        return self._object(lambda: self._patient.get(url, headers={"Authorization": f"Bearer {access}"}))

    def is_active(self, refresh: str) -> bool:
        """Ask whether the session behind a refresh token goes on (RFC 7662). Raises Unheard."""
        url, flow = self._issuer.endpoint("introspection_endpoint"), self._flow(self._issuer.client)
        found = self._object(lambda: flow.introspect_token(url, refresh, "refresh_token", auth=self._auth))
        return found.get("active") is True

    def revoke(self, refresh: str) -> None:
        """End the session behind a refresh token (RFC 7009). Raises Unheard."""
        url = self._issuer.endpoint("revocation_endpoint")
        with _heard():
            self._flow().revoke_token(url, refresh, "refresh_token", auth=self._auth).raise_for_status()

    def end_session(self, id_token: str, state: str) -> str:
        """Return the address at which the issuer asks whether to sign out there, too. Raises Unheard."""
        url = self._issuer.endpoint("end_session_endpoint")
        asked = {"id_token_hint": id_token, "post_logout_redirect_uri": self._signed_out, "state": state}
        return f"{url}?{urlencode(asked)}"

    def _flow(self, http: httpx.Client | None = None) -> OAuth2Client:
        """One for each use, as it remembers what it did last."""
        return OAuth2Client(
            http or self._patient,
            self.id,
            scope=SCOPE,
            redirect_uri=self._callback,
            code_challenge_method="S256",
        )

    def _object(self, ask: Callable[[], Any]) -> dict[str, Any]:
        with _heard():
            found = ask().raise_for_status().json()
        if not isinstance(found, dict):
            raise Unheard("what the issuer answers makes no sense")
        return found


@contextmanager
def _heard() -> Any:
    try:
        yield
    except OAuth2Error as problem:
        raise CodeRefused from problem
    except (httpx.HTTPError, httpx.InvalidURL, ValueError) as problem:
        raise Unheard("the issuer does not answer") from problem
