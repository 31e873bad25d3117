"""The ID token: tells an app who signed in, when and how (OpenID Connect Core, section 2). Signed with RS256."""

import hashlib
from dataclasses import dataclass

from jwt.utils import base64url_encode

from app import clock
from app.config import settings
from app.crypto.keys import identity_keys
from app.identity import access_token, signed
from app.identity.refresh_token import Tokens

TYPE = "JWT"


@dataclass(frozen=True)
class Hint:
    """The claims of our ID token, expired or not: the client, the user and the session."""

    client_id: str
    sub: str
    sid: str


def issue(tokens: Tokens, *, nonce: str | None = None) -> str:
    """Sign an ID token about the person of an app's session, for that app, beside its access token."""
    now, session = clock.now(), tokens.session
    claims = {
        "iss": settings().site_url,
        "aud": session.client_id,
        "sub": session.user_id,
        "sid": session.id,
        "iat": now,
        "exp": min(now + settings().access_token_seconds, session.ends_at),
        "auth_time": tokens.claims.auth_time,
        "at_hash": _half(tokens.access),
    }
    how = {"amr": tokens.claims.amr} | access_token.acr(tokens.claims) if tokens.claims.amr else {}
    content = claims | how | ({"nonce": nonce} if nonce else {})
    return identity_keys().signing(now).sign(content, TYPE)


def read(token: str) -> Hint | None:
    """Return what our ID token says, however old it is; None if it is not ours.

    Good as a hint only (RP-Initiated Logout, section 2): it may have expired, and its session may be over.
    """
    found = signed.read(token, TYPE, identity_keys, ("iss", "aud", "sub", "sid", "iat"), audience=None)
    if found is None:
        return None
    return Hint(str(found["aud"]), str(found["sub"]), str(found["sid"]))


def _half(access: str) -> str:
    """Return the left half of a token's SHA-256, as `at_hash` has it (section 3.1.3.6)."""
    return base64url_encode(hashlib.sha256(access.encode()).digest()[:16]).decode()
