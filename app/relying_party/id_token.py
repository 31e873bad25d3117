"""The ID token: which user signed in at the issuer for this attempt (OpenID Connect Core, 3.1.3.7)."""

import base64
import hashlib
import hmac
from dataclasses import dataclass
from typing import Any

from app.relying_party import signed
from app.relying_party.issuer import Issuer
from app.relying_party.signed import Kind

KIND = Kind("RS256", ("JWT", None), ("iss", "aud", "sub", "sid", "iat", "exp", "nonce"), leeway=5)


@dataclass(frozen=True)
class Identity:
    """*sid*: the session that the issuer has opened for this site. *iat*: Unix seconds on the issuer's clock."""

    sub: str
    sid: str
    iat: int


def read(token: str, issuer: Issuer, client_id: str, *, nonce: str, access: str) -> Identity | None:
    """Return the user who signed in, or None if the token is not the answer to this attempt. Raises Unheard."""
    found = signed.read(token, issuer, KIND, client_id)
    if found is None or found["aud"] not in (client_id, [client_id]) or not _belongs(found, nonce, access):
        return None
    if not all(isinstance(found[name], str) and found[name] for name in ("sub", "sid")):
        return None
    return Identity(found["sub"], found["sid"], int(found["iat"]))


def _belongs(found: dict[str, Any], nonce: str, access: str) -> bool:
    half = base64.urlsafe_b64encode(hashlib.sha256(access.encode()).digest()[:16]).rstrip(b"=").decode()
    same_nonce = hmac.compare_digest(str(found["nonce"]).encode(), nonce.encode())
    return same_nonce and found.get("at_hash", half) == half
