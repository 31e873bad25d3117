"""The grants that a client can exchange for tokens: one class for each."""

from dataclasses import dataclass
from typing import Any, cast

from authlib.oauth2.rfc6749 import InvalidGrantError, InvalidRequestError, TokenMixin, UnauthorizedClientError
from authlib.oauth2.rfc6749.grants import RefreshTokenGrant, TokenEndpointMixin

from app import clock
from app.identity import demand, id_token, proof, refresh_token
from app.identity.chains import LinkRow
from app.identity.refresh_token import Tokens
from app.identity.session import SITE
from app.oauth import code
from app.oauth.clients import METHODS, REFRESH, Registered
from app.oauth.dpop import ProvingGrant


class CodeGrant(ProvingGrant, TokenEndpointMixin):
    """An authorization code for the first tokens of a chain in an app's session (RFC 6749, section 4.1.3).

    Authlib's own would save and retire in two steps and ignore the tokens of a reused code; here the exchange is one
    transaction of `code`. The other half, the consent, is a page: `authorization` reads its request.
    """

    GRANT_TYPE = "authorization_code"
    TOKEN_ENDPOINT_AUTH_METHODS = METHODS

    def validate_token_request(self) -> None:
        self.request.client = self.authenticate_token_endpoint_client()
        if not self.request.client.check_grant_type(self.GRANT_TYPE):
            raise UnauthorizedClientError("This client is not registered for this grant.")
        for name in ("code", "code_verifier"):
            if not self.request.form.get(name):
                raise InvalidRequestError(f"Parameter {name} is missing.")

    def create_token_response(self) -> tuple[int, dict[str, Any], Any]:  # type: ignore[override]
        form, client = self.request.form, cast(Registered, self.request.client)
        granted = code.exchange(
            form["code"],
            client_id=client.id,
            verifier=form["code_verifier"],
            redirect_uri=form.get("redirect_uri"),
            key=self.key,
        )
        if granted is None:
            raise InvalidGrantError
        body = _body(granted.tokens)
        if not client.check_grant_type(REFRESH):
            del body["refresh_token"], body["refresh_token_timeout"]  # no client has seen it, so it is good for nothing
        if "openid" in granted.tokens.claims.scope.split():
            body["id_token"] = id_token.issue(granted.tokens, nonce=granted.nonce)
        return 200, body, self.TOKEN_RESPONSE_HEADER


@dataclass(frozen=True)
class Credential(TokenMixin):
    """A presented refresh token and the session it belongs to, as Authlib asks about them."""

    token: str
    link: LinkRow

    def check_client(self, client: Registered) -> bool:
        return self.link.session.client_id == client.id

    def get_scope(self) -> str:
        return self.link.scope or self.link.session.scope


class RefreshGrant(ProvingGrant, RefreshTokenGrant):
    """A refresh token for its successor and an access token (RFC 6749, section 6).

    Authlib would issue, save and retire in three steps; here the exchange is one transaction of `refresh_token`.
    """

    TOKEN_ENDPOINT_AUTH_METHODS = METHODS

    def authenticate_refresh_token(self, refresh_token_string: str) -> Credential | None:  # type: ignore[override]
        found = refresh_token.find(refresh_token_string)
        return Credential(refresh_token_string, found) if found else None

    def authenticate_user(self, credential: Credential) -> Any:
        return credential.link.session.user_id

    def issue_token(self, user: Any, credential: Credential) -> dict[str, Any]:  # type: ignore[override]
        link, scope = credential.link, self.request.form.get("scope")
        session = link.session
        # The guard demands it of the site's own sessions. Here it would hide from the receipt whether a token is over.
        if session.client_id != SITE and demand.refuses(session.user_id, proof.as_words(link.proof.how)):
            raise InvalidGrantError("A second factor is demanded: send the user to sign in again.")
        tokens = refresh_token.rotate(
            credential.token, client_id=session.client_id, scope=scope, found=link, key=self.key
        )
        if tokens is None:
            raise InvalidGrantError
        return _body(tokens)

    def revoke_old_credential(self, credential: Credential) -> None:  # type: ignore[override]
        """Do nothing: the exchange has retired it."""


EVERY = CodeGrant, RefreshGrant


def _body(tokens: Tokens) -> dict[str, Any]:
    """Return the answer of the token endpoint (RFC 6749, section 5.1; how long all of it is good for is of a draft,
    OAuth 2.0 Refresh Token and Authorization Expiration)."""
    now, session = clock.now(), tokens.session
    return ({"refresh_token": tokens.refresh} if tokens.refresh else {}) | {
        "access_token": tokens.access,
        "token_type": tokens.claims.token_type,
        "expires_in": tokens.claims.exp - now,
        "refresh_token_timeout": min(session.ends_at, tokens.longest) - now,
        "authorization_expires_in": tokens.longest - now,
        "scope": tokens.claims.scope,
    }
