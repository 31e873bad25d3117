"""Client authentication by a key: `private_key_jwt` (RFC 7523, section 3; OpenID Connect Core, section 9)."""

import math
from typing import Any

import jwt

from app import clock
from app.config import settings
from app.crypto.jwk import LONGEST_JWT, read_header
from app.identity import spent
from app.identity.session import CLOCKS_DIFFER_SECONDS
from app.oauth import client_keys
from app.revocation import delivery
from app.store.db import writing

TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
MOST_SECONDS = 60 * 60  # of its life, as Authlib's have
AHEAD_SECONDS = 10  # that the clock of a client may be (FAPI 2.0 Security Profile, section 5.3.2.1)
_LONGEST_ID = 255
_TYPES = (None, "JWT", "client-authentication+jwt")
_UNJUDGED = dict.fromkeys(
    ("verify_exp", "verify_nbf", "verify_iat", "verify_aud", "verify_iss", "verify_sub", "verify_jti"), False
)
_PURPOSE = "client assertion"


def subject(assertion: str) -> str | None:
    """Return the client id that the assertion names, unverified."""
    try:
        claims = jwt.decode(assertion, options={"verify_signature": False}) if len(assertion) <= LONGEST_JWT else {}
    except (jwt.InvalidTokenError, ValueError, TypeError, RecursionError):
        return None
    found = claims.get("sub")
    return found if isinstance(found, str) and found.isprintable() else None  # no database takes a lone surrogate


def check(assertion: str, client_id: str, jwks: str) -> str | None:
    """Check that one of these keys signed this for us, now, and use it up; return what is wrong with it, if anything.

    Only the holder of the key gets words: without its signature, they are empty. Raises ClockApart.
    """
    claims = _signed(assertion, jwks)
    if claims is None:
        return ""
    delivery.check_clock()
    problem = next((words for words, is_right in _judged(claims, client_id) if not is_right), None)
    if problem:
        return problem
    name = spent.name(_PURPOSE, client_id, claims["jti"])
    with writing():
        is_new = spent.spend(name, until=int(claims["exp"]) + 2 * CLOCKS_DIFFER_SECONDS)
    return None if is_new else "This jti was used before."


def _signed(assertion: str, jwks: str) -> dict[str, Any] | None:
    """Return the claims, if one of the keys has signed them. Only registered keys count, never those in the header."""
    header = read_header(assertion)
    if not header or header.get("typ") not in _TYPES:
        return None
    wanted = header.get("kid")
    keys = (named.key for named in client_keys.read(jwks) if wanted is None or named.kid in (None, wanted))
    return next((claims for key in keys if (claims := key.read_claims(assertion, **_UNJUDGED)) is not None), None)


def _judged(claims: dict[str, Any], client_id: str) -> list[tuple[str, bool]]:
    """Return each requirement, in words, and whether it is met."""
    issuer, jti = settings().site_url, claims.get("jti")
    begins = [claims[name] for name in ("iat", "nbf") if name in claims]
    return [
        ("iss and sub have to be the client_id.", claims.get("iss") == claims.get("sub") == client_id),
        # Alone: with the address of an endpoint, another server could have asked for it (RFC 7523bis).
        ("aud has to be the issuer, and nothing else.", claims.get("aud") in (issuer, [issuer])),
        (f"exp has to be within the next {MOST_SECONDS} seconds.", 0 < _until(claims.get("exp")) <= MOST_SECONDS),
        ("iat and nbf have to be in the past.", all(_until(at) <= AHEAD_SECONDS for at in begins)),
        ("jti has to be a text.", isinstance(jti, str) and 0 < len(jti) <= _LONGEST_ID),
    ]


def _until(at: object) -> float:
    """Return in how many seconds this is; infinity if it is no time."""
    return at - clock.now() if isinstance(at, int | float) and not isinstance(at, bool) else math.inf
