"""The token endpoint: one function for each grant."""

from typing import Any

from authlib.oauth2 import OAuth2Error
from authlib.oauth2.rfc6749 import (
    InvalidGrantError,
    InvalidRequestError,
    InvalidScopeError,
    UnauthorizedClientError,
)

from app import clock
from app.identity import demand, id_token, proof, refresh_token
from app.identity.dpop.presented import Proved
from app.identity.refresh_token import Tokens
from app.identity.session import SITE
from app.oauth import authentication, code, dpop
from app.oauth.clients import CODE, METHODS, REFRESH, Registered
from app.oauth.server import Body, Form


def issue(form: Form) -> Body:
    """Return the tokens of a grant (RFC 6749, section 5.1). Raises OAuth2Error and Unproved."""
    name = _required(form, "grant_type")
    if name not in EVERY:
        raise OAuth2Error("This grant type is not supported.", error="unsupported_grant_type")
    client = authentication.authenticate(form, METHODS)
    key = dpop.proved(client)
    if not client.check_grant_type(name):
        raise UnauthorizedClientError("This client is not registered for this grant.")
    return EVERY[name](form, client, key)


def exchange_code(form: Form, client: Registered, key: Proved | None) -> Body:
    """Return the first tokens of a chain in an app's session, for an authorization code (section 4.1.3)."""
    granted = code.exchange(
        _required(form, "code"),
        client_id=client.id,
        verifier=_required(form, "code_verifier"),
        redirect_uri=form.get("redirect_uri"),
        key=key,
    )
    if granted is None:
        raise InvalidGrantError
    body = _body(granted.tokens)
    if not client.check_grant_type(REFRESH):
        del body["refresh_token"], body["refresh_token_timeout"]  # no client has seen it, so it is good for nothing
    if "openid" in granted.tokens.claims.scope.split():
        body["id_token"] = id_token.issue(granted.tokens, nonce=granted.nonce)
    return body


def refresh(form: Form, client: Registered, key: Proved | None) -> Body:
    """Return the successor of a refresh token, and an access token of its scope or a part (section 6)."""
    token, scope = _required(form, "refresh_token"), form.get("scope", "").split()
    link = refresh_token.find(token)
    if link is None or link.session.client_id != client.id:
        raise InvalidGrantError
    session = link.session
    if not set(scope) <= set((link.scope or session.scope).split()):
        raise InvalidScopeError
    # The guard demands it of the site's own sessions. Here it would hide from the receipt whether a token is over.
    if client.id != SITE and demand.refuses(session.user_id, proof.as_words(link.proof.how)):
        raise InvalidGrantError("A second factor is demanded: send the user to sign in again.")
    tokens = refresh_token.rotate(token, client_id=client.id, scope=" ".join(scope) or None, found=link, key=key)
    if tokens is None:
        raise InvalidGrantError
    return _body(tokens)


EVERY = {CODE: exchange_code, REFRESH: refresh}


def _required(form: Form, name: str) -> str:
    if name not in form:
        raise InvalidRequestError(f"Parameter {name} is missing.")
    return form[name]


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
