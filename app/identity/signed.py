"""A JWT that this site has signed: one check for each kind of it."""

from collections.abc import Callable, Collection
from typing import Any

import jwt

from app.config import settings
from app.crypto.jwk import KeySet, read_header


def read(
    token: str, kind: str, keys: Callable[[str], KeySet[Any]], claims: Collection[str], *, audience: str | None
) -> dict[str, Any] | None:
    """Return what a token of this *kind* (its `typ`) says, by one of its *keys*; None if it is not ours.

    *claims* have to be there. The caller judges whether it has expired, and its audience if *audience* is None (RFC
    8725, section 3).
    """
    header = read_header(token)
    kid = header.get("kid")
    key = keys(kid).keys.get(kid) if header.get("typ") == kind and isinstance(kid, str) else None
    if key is None:
        return None
    unjudged: Any = dict.fromkeys(("verify_exp", "verify_iat", "verify_nbf"), False)
    options: Any = {"require": list(claims), "verify_aud": audience is not None, **unjudged}
    try:
        found: dict[str, Any] = jwt.decode(
            token,
            key.public,
            algorithms=[key.algorithm],
            issuer=settings().site_url,
            audience=audience,
            options=options,
        )
    except (jwt.InvalidTokenError, ValueError, TypeError):
        return None
    return found
