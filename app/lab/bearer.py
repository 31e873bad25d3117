"""A token of a run as a verifier reads it, whatever its form."""

import hashlib
from dataclasses import dataclass
from typing import Any

import jwt

from app.config import settings
from app.keys import access_keys
from app.lab.run import Run

CLAIMS = ("iss", "aud", "sub", "sid", "jti", "opened", "iat", "exp", "bench")


@dataclass(frozen=True, slots=True)
class Bearer:
    """What a token says, whatever its form. *bench*: whose run it belongs to."""

    jti: str
    sid: str
    sub: str
    opened: int
    exp: int
    bench: str


def audience() -> str:
    """Return whom lab tokens are meant for: not the site's own API, which refuses them."""
    return f"{settings().site_url}/lab"


def read_jwt(token: str) -> Bearer | None:
    """Verify an access token: who signed it, for whom, and that nothing is missing. No look-up. Its expiry is not judged."""
    try:
        kid = jwt.get_unverified_header(token).get("kid")
        key = access_keys().keys.get(kid) if isinstance(kid, str) else None
        if key is None:
            return None
        found: dict[str, Any] = jwt.decode(
            token,
            key.public,
            algorithms=["ES256"],
            issuer=settings().site_url,
            audience=audience(),
            options={"require": list(CLAIMS), "verify_exp": False, "verify_iat": False},
        )
        return Bearer(**{name: found[name] for name in Bearer.__slots__})
    except jwt.InvalidTokenError:
        return None


def read_opaque(run: Run, token: str) -> Bearer | None:
    """Find what an opaque token stands for: only the server that stores its hash can."""
    name = digest(token)
    for session in run.signed:
        until = {link.opaque_hash: link.access_until for link in session.chain} | {
            session.cookie_hash: session.expires_at
        }
        if name in until:
            return Bearer("", session.sid, run.user, session.opened, until[name], "")
    return None


def digest(token: str) -> str:
    """Return the SHA-256 under which a token is stored."""
    return hashlib.sha256(token.encode()).hexdigest()
