"""The proof of an app's key: a JWT that the key has signed for one request (RFC 9449, section 4.2). Pure."""

import hashlib
from dataclasses import dataclass
from typing import Any, get_type_hints

import httpx
from jwt.utils import base64url_encode

from app.crypto.jwk import PublicKey, read_header

TYPE = "dpop+jwt"
APART_SECONDS = 300  # how far an app's clock may be from ours
# The caller judges the times: by our clock, which differs from that of the library.
_OPTIONS: Any = dict.fromkeys(
    ("verify_exp", "verify_iat", "verify_nbf", "verify_aud", "verify_iss", "verify_sub"), False
)


@dataclass(frozen=True)
class Proof:
    """The claims of a proof. *jkt*: the thumbprint of its key (RFC 7638); *jti*: its own id; *htm* and *htu*: method and
    address of its request; *ath*: the hash of the access token beside it."""

    jkt: str
    jti: str
    htm: str
    htu: str
    iat: int | float
    nonce: str | None
    ath: str | None
    nbf: int | float | None
    exp: int | float | None

    def is_for(self, address: str) -> bool:
        """Return whether *address*, which has no query, is the one of its request, however that is spelled."""
        return self.htu == address or _parts(self.htu) == _parts(address)

    def is_with(self, access: str) -> bool:
        """Return whether it was made to go with this access token."""
        return self.ath == base64url_encode(hashlib.sha256(access.encode()).digest()).decode()

    def is_timely(self, now: int) -> bool:
        """Return whether it was made about *now*, and is good now."""
        begins, ends = self.iat if self.nbf is None else self.nbf, now if self.exp is None else self.exp
        return abs(self.iat - now) <= APART_SECONDS and begins <= now + APART_SECONDS and ends >= now - APART_SECONDS


_KINDS: dict[str, Any] = {name: kind for name, kind in get_type_hints(Proof).items() if name != "jkt"}


def read(token: str) -> Proof | None:
    """Return the claims of a proof that its key has signed, else None: section 4.3, checks 2 to 7."""
    header = read_header(token)
    key = PublicKey.read(header.get("jwk"))
    said = key.read_claims(token, **_OPTIONS) if key and header.get("typ") == TYPE else None
    if key is None or said is None or not said.get("jti"):
        return None
    claims: dict[str, Any] = {name: said.get(name) for name in _KINDS}
    whole = all(isinstance(claims[name], kind) and claims[name] is not True for name, kind in _KINDS.items())
    return Proof(key.thumbprint, **claims) if whole else None


def _parts(address: str) -> tuple[str, str, int | None, str] | None:
    """Return the address, normalized (RFC 3986, sections 6.2.2 and 6.2.3), without query and fragment."""
    try:
        found = httpx.URL(address)
    except (httpx.InvalidURL, ValueError):
        return None
    return None if found.userinfo else (found.scheme, found.host, found.port, found.path)
