"""The ID token: tells an app who signed in, when and how (OpenID Connect Core, section 2). Signed with RS256."""

import base64
import hashlib
from dataclasses import dataclass

import jwt

from app import clock
from app.config import settings
from app.identity.session import Session
from app.keys import identity_keys

TYPE = "JWT"
LONGEST = 4096  # characters


@dataclass(frozen=True)
class Hint:
    """What an ID token of ours said, expired or not: to which client, about whom and which of its sessions."""

    client_id: str
    sub: str
    sid: str


def issue(session: Session, access: str, *, nonce: str | None = None) -> str:
    """Sign an ID token about the person of an app's *session*, for that app, beside its access token."""
    now = clock.now()
    key = identity_keys().signing(now)
    claims = {
        "iss": settings().site_url,
        "aud": session.client_id,
        "sub": session.user_id,
        "sid": session.id,
        "iat": now,
        "exp": min(now + settings().access_token_seconds, session.ends_at),
        "auth_time": session.last_auth_at,
        "amr": ["pwd"],
        "at_hash": _half(access),
    }
    content = claims | ({"nonce": nonce} if nonce else {})
    return jwt.encode(content, key.private, key.algorithm, {"typ": TYPE, "kid": key.kid})


def read(token: str) -> Hint | None:
    """Return what an ID token of ours says, whenever it was issued; None if it is not one of ours.

    Good as a hint only (RP-Initiated Logout, section 2): it may have expired, and its session may be over.
    """
    try:
        header = jwt.get_unverified_header(token) if len(token) <= LONGEST else {}
        key = identity_keys(str(header.get("kid"))).keys.get(str(header.get("kid")))
        if header.get("typ") != TYPE or key is None:
            return None
        found = jwt.decode(
            token,
            key.public,
            algorithms=[key.algorithm],
            issuer=settings().site_url,
            options={"require": ["iss", "aud", "sub", "sid", "iat"], "verify_exp": False, "verify_aud": False},
        )
    except (jwt.InvalidTokenError, ValueError, TypeError):
        return None
    return Hint(str(found["aud"]), str(found["sub"]), str(found["sid"]))


def _half(access: str) -> str:
    """Return the left half of a token's SHA-256, as `at_hash` has it (section 3.1.3.6)."""
    return base64.urlsafe_b64encode(hashlib.sha256(access.encode()).digest()[:16]).rstrip(b"=").decode()
