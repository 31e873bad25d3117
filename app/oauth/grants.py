"""What a client can exchange for tokens: one class for each grant."""

from dataclasses import dataclass
from typing import Any

from authlib.oauth2.rfc6749 import InvalidGrantError, TokenMixin
from authlib.oauth2.rfc6749.grants import RefreshTokenGrant

from app import clock
from app.identity import refresh_token
from app.identity.session import Session
from app.oauth.client import METHODS, Client


@dataclass(frozen=True)
class Credential(TokenMixin):
    """A presented refresh token and the session it belongs to, as Authlib asks about them."""

    token: str
    session: Session

    def check_client(self, client: Client) -> bool:
        return self.session.client_id == client.id

    def get_scope(self) -> str:
        return self.session.scope


class RefreshGrant(RefreshTokenGrant):
    """A refresh token for its successor and an access token (RFC 6749, section 6).

    Authlib would issue, save and retire in three steps; here the exchange is one transaction of `refresh_token`.
    """

    TOKEN_ENDPOINT_AUTH_METHODS = METHODS

    def authenticate_refresh_token(self, refresh_token_string: str) -> Credential | None:  # type: ignore[override]
        session = refresh_token.owner(refresh_token_string)
        return Credential(refresh_token_string, session) if session else None

    def authenticate_user(self, credential: Credential) -> Any:
        return credential.session.user

    def issue_token(self, user: Any, credential: Credential) -> dict[str, Any]:  # type: ignore[override]
        client_id = credential.session.client_id
        tokens = refresh_token.rotate(credential.token, client_id=client_id, scope=self.request.form.get("scope"))
        if tokens is None:
            raise InvalidGrantError
        return {
            "access_token": tokens.access,
            "token_type": "Bearer",
            "expires_in": tokens.claims.exp - clock.now(),
            "refresh_token": tokens.refresh,
            "scope": tokens.claims.scope,
        }

    def revoke_old_credential(self, credential: Credential) -> None:  # type: ignore[override]
        """Nothing is left to do: the exchange has retired it."""
