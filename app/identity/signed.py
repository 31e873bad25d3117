"""A JWT that this site has signed: one check for each kind of it."""

from collections.abc import Callable, Collection
from typing import Any

import jwt

from app.config import settings
from app.crypto.jwk import KeySet

LONGEST_TOKEN = 4096  # characters; our tokens have about 600


def read(
    token: str, kind: str, keys: Callable[[str], KeySet[Any]], claims: Collection[str], *, audience: str | None
) -> dict[str, Any] | None:
    """Return what a token of this *kind* (its `typ`) says, by one of its *keys*; None if it is not ours.

    *claims* have to be there. The caller judges whether it has expired, and its audience if *audience* is None (RFC
    8725, section 3).
    """
    try:
        header = jwt.get_unverified_header(token) if len(token) <= LONGEST_TOKEN else {}
        kid = header.get("kid")
        if header.get("typ") != kind or not isinstance(kid, str) or "crit" in header:
            return None
        key = keys(kid).keys.get(kid)
        if key is None:
            return None
        unjudged: Any = {
            "verify_exp": False,
            "verify_iat": False,
            "verify_nbf": False,
            "verify_aud": audience is not None,
        }
        options: Any = {"require": list(claims), **unjudged}
        found: dict[str, Any] = jwt.decode(
            token,
            key.public,
            algorithms=[key.algorithm],
            issuer=settings().site_url,
            audience=audience,
            options=options,
        )
        return found
    except (jwt.InvalidTokenError, ValueError, TypeError):
        return None
