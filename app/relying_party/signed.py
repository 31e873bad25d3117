"""What the issuer has signed: one check for all kinds of token, each with its algorithm and type."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

import jwt

from app.relying_party.issuer import Issuer

MAX_LENGTH = 4096


@dataclass(frozen=True)
class Kind:
    """*types*: what `typ` may say; None is its absence. *claims*: what has to be there."""

    algorithm: str
    types: Collection[str | None]
    claims: Collection[str]
    leeway: float = 0


def read(token: str, issuer: Issuer, kind: Kind, audience: str, *, verify_times: bool = True) -> dict[str, Any] | None:
    """Return the claims of a token of this kind, from this issuer, for *audience*; else None. Raises Unheard."""
    try:
        return _verify(token, issuer, kind, audience, verify_times)
    except (jwt.InvalidTokenError, ValueError, TypeError):
        return None


def _verify(token: str, issuer: Issuer, kind: Kind, audience: str, verify_times: bool) -> dict[str, Any] | None:
    header = jwt.get_unverified_header(token) if len(token) <= MAX_LENGTH else {}
    kid = header.get("kid")
    if header.get("typ") not in kind.types or not isinstance(kid, str) or "crit" in header:
        return None
    key = issuer.key(kid, kind.algorithm)  # found by its algorithm: what the header says of that decides nothing
    if key is None:
        return None
    options: Any = {"require": list(kind.claims), "verify_exp": verify_times, "verify_iat": verify_times}
    found: dict[str, Any] = jwt.decode(
        token,
        key,
        algorithms=[kind.algorithm],
        issuer=issuer.url,
        audience=audience,
        leeway=kind.leeway,
        options=options,
    )
    return found
