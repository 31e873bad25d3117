"""The grants of the token endpoint, each of which is one transaction."""

from typing import Any, cast

from authlib.oauth2.rfc6749 import (
    InvalidGrantError,
    InvalidRequestError,
    InvalidScopeError,
    UnauthorizedClientError,
)
from authlib.oauth2.rfc6749.grants import BaseGrant, TokenEndpointMixin

from app import clock
from app.identity import demand, id_token, proof, refresh_token
from app.identity.dpop.presented import Proved
from app.identity.refresh_token import Tokens
from app.identity.session import SITE
from app.oauth import code, dpop
from app.oauth.clients import CODE, METHODS, REFRESH, Registered


class Grant(BaseGrant, TokenEndpointMixin):
    """A grant that binds its tokens to the key that the client proves. Authlib's own would issue, save and retire in
    three steps."""

    GRANT_TYPE: str
    TOKEN_ENDPOINT_AUTH_METHODS = METHODS
    key: Proved | None

    @property
    def client(self) -> Registered:
        return cast(Registered, self.request.client)

    def validate_token_request(self) -> None:
        self.request.client = self.authenticate_token_endpoint_client()
        self.key = dpop.proved(self.client)
        if not self.client.check_grant_type(self.GRANT_TYPE):
            raise UnauthorizedClientError("This client is not registered for this grant.")

    def create_token_response(self) -> Any:
        return 200, self.exchange(), self.TOKEN_RESPONSE_HEADER

    def exchange(self) -> dict[str, Any]:
        """Return the tokens, with what is known of them (RFC 6749, section 5.1). Raises OAuth2Error."""
        raise NotImplementedError

    def required(self, name: str) -> str:
        """Return the parameter of this name. Raises InvalidRequestError where there is none."""
        if name not in self.request.form:
            raise InvalidRequestError(f"Parameter {name} is missing.")
        return str(self.request.form[name])


class CodeGrant(Grant):
    """An authorization code for the first tokens of a chain in an app's session (RFC 6749, section 4.1.3).

    The other half, the consent, is a page: `authorization` reads its request.
    """

    GRANT_TYPE = CODE

    def exchange(self) -> dict[str, Any]:
        granted = code.exchange(
            self.required("code"),
            client_id=self.client.id,
            verifier=self.required("code_verifier"),
            redirect_uri=self.request.form.get("redirect_uri"),
            key=self.key,
        )
        if granted is None:
            raise InvalidGrantError
        body = _body(granted.tokens)
        if not self.client.check_grant_type(REFRESH):
            del body["refresh_token"], body["refresh_token_timeout"]  # no client has seen it, so it is good for nothing
        if "openid" in granted.tokens.claims.scope.split():
            body["id_token"] = id_token.issue(granted.tokens, nonce=granted.nonce)
        return body


class RefreshGrant(Grant):
    """A refresh token for its successor, and an access token of its scope or a part (RFC 6749, section 6)."""

    GRANT_TYPE = REFRESH

    def exchange(self) -> dict[str, Any]:
        token, asked = self.required("refresh_token"), self.request.form.get("scope", "")
        scope = dict.fromkeys(asked.split())  # each once: nothing else bounds the token's length
        link = refresh_token.find_of(self.client.id, token)
        if link is None:
            raise InvalidGrantError
        session = link.session
        if not scope.keys() <= set((link.scope or session.scope).split()):
            raise InvalidScopeError
        # The guard demands it of the site's own sessions. Here it would hide from the receipt whether a token is over.
        if self.client.id != SITE and demand.refuses(session.user_id, proof.as_words(link.proof.how)):
            raise InvalidGrantError("A second factor is demanded: send the user to sign in again.")
        tokens = refresh_token.rotate(
            token, client_id=self.client.id, scope=" ".join(scope) or None, found=link, key=self.key
        )
        if tokens is None:
            raise InvalidGrantError
        return _body(tokens)


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
