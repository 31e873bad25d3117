"""The access token as this site reads it: whose signature, for whom, until when (RFC 9068, section 4)."""

import time
from dataclasses import dataclass
from typing import Any

import jwt

from app.relying_party.issuer import Issuer
from app.relying_party.verdict import Verdict

TYPES = ("at+jwt", "application/at+jwt")
CLAIMS = ("iss", "aud", "sub", "sid", "jti", "opened", "iat", "exp")
LONGEST = 4096


@dataclass(frozen=True, slots=True)
class Bearer:
    """What a good token says. *opened*: the position in the issuer's log at which its session began."""

    sub: str
    sid: str
    jti: str
    opened: int
    exp: int

    @property
    def subjects(self) -> tuple[str, str, str]:
        return self.sid, self.sub, self.jti


def read(token: str, issuer: Issuer) -> Bearer | Verdict:
    """Return what *token* says, or why it says nothing here. Raises Unheard where its key cannot be had."""
    try:
        claims = _verify(token, issuer)
        bearer = Bearer(**{name: claims[name] for name in Bearer.__slots__}) if claims else None
    except (jwt.InvalidTokenError, ValueError):
        bearer = None
    if bearer is None or not _is_typed(bearer):
        return Verdict(401, "This is no token of our issuer for us.", "the token itself")
    if bearer.exp <= time.time():
        return Verdict(401, "It has expired.", "its expiry")
    return bearer


def _verify(token: str, issuer: Issuer) -> dict[str, Any] | None:
    header = jwt.get_unverified_header(token) if len(token) <= LONGEST else {}
    kid = header.get("kid")
    if header.get("typ") not in TYPES or not isinstance(kid, str) or "crit" in header:
        return None
    key = issuer.key(kid)
    if key is None:
        return None
    options: Any = {
        "require": list(CLAIMS),
        "verify_exp": False,
        "verify_iat": False,
    }  # the expiry has words of its own
    found: dict[str, Any] = jwt.decode(
        token, key, algorithms=["ES256"], issuer=issuer.url, audience=issuer.audience, options=options
    )
    return found


def _is_typed(bearer: Bearer) -> bool:
    return all(type(word) is str for word in bearer.subjects) and type(bearer.opened) is type(bearer.exp) is int
