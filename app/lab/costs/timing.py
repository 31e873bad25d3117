"""What one check takes: measured on this machine, at this moment."""

import secrets
import timeit
from collections.abc import Callable
from dataclasses import asdict
from functools import lru_cache
from typing import NamedTuple

import jwt
from cryptography.hazmat.primitives.asymmetric import ec

from app.identity.access_token import Claims, VerifiedTokens
from app.revocation import log
from app.revocation.checkers.base import AllOf
from app.revocation.checkers.cutoff import Cutoff
from app.revocation.checkers.denylist import Denylist
from app.revocation.entries import Entry, Kind, Scope

REVOKED = 1000  # sessions that the checker knows of
TRIES = 5  # the best counts: what else the machine does is not what is asked about
FAR = 10**11


class Times(NamedTuple):
    """Seconds for one of each."""

    signature: float
    query: float
    cached: float
    checker: float


def measure() -> Times:
    """Take every time again. Raises StoreUnavailable."""
    claims, token, key = _example()
    known, keys, checker = VerifiedTokens(), secrets.token_urlsafe(32), _checker()
    known.put(known.name(token, keys), claims)
    return Times(
        signature=_time(lambda: jwt.decode(token, key, ["ES256"], audience=claims.aud), 4),
        query=_time(lambda: log.is_over(claims), 4),
        cached=_time(lambda: known.get(known.name(token, keys)), 200),
        checker=_time(lambda: checker.allows(claims), 200),
    )


def _time(action: Callable[[], object], times: int) -> float:
    return min(timeit.repeat(action, repeat=TRIES, number=times)) / times


@lru_cache(maxsize=1)
def _example() -> tuple[Claims, str, ec.EllipticCurvePublicKey]:
    """Sign a token as long as the site's own, with a key that opens nothing here."""
    key = ec.generate_private_key(ec.SECP256R1())
    one, two, three = (secrets.token_urlsafe(16) for _ in range(3))
    site = "https://issuer.example"
    claims = Claims(site, site, one, "site", "openid", two, three, opened=1, iat=0, exp=FAR)
    return claims, jwt.encode(asdict(claims), key, "ES256"), key.public_key()


@lru_cache(maxsize=1)
def _checker() -> AllOf:
    checker = AllOf(Denylist(), Cutoff())
    for position in range(2, 2 * REVOKED + 2, 2):
        checker.apply(Entry(position, Kind.REVOKED, Scope.SESSION, "", position, FAR, 0, None, None))
    return checker
