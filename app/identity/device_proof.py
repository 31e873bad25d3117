"""The proof of a device's key, as in Device Bound Session Credentials (W3C draft): a JWT, signed with ES256. Pure."""

import re
from base64 import urlsafe_b64decode
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import ec

LONGEST_PROOF = 4096  # characters; a browser's has about 400
TYPE = "dbsc+jwt"
_ALGORITHM = "ES256"
_COORDINATE = re.compile(r"[A-Za-z0-9_-]{43}")  # 32 bytes
_UNCOMPRESSED = b"\x04"
# No time or audience claim is needed: the challenge is for one session, and for minutes.
_OPTIONS: Any = {"require": ["jti"], **dict.fromkeys(("verify_exp", "verify_iat", "verify_nbf", "verify_aud"), False)}


def register(token: str) -> tuple[bytes, str] | None:
    """Return the key that a registration brings, and the challenge that it answers, signed by that key; else None."""
    key = _key(_header(token).get("jwk"))
    challenge = answer(token, key) if key else None
    return (key, challenge) if key and challenge is not None else None


def answer(token: str, key: bytes) -> str | None:
    """Return the challenge that a proof answers; None if it is not a proof by this *key*, as `register` gave it."""
    if _header(token).get("typ") != TYPE:
        return None
    try:
        said = jwt.decode(token, _public(key), algorithms=[_ALGORITHM], options=_OPTIONS)
    except (jwt.InvalidTokenError, ValueError, TypeError):
        return None
    challenge = said["jti"]
    return challenge if isinstance(challenge, str) else None


def _header(token: str) -> dict[str, Any]:
    """Return the header, unverified; empty where the token is too long or needs extensions (RFC 7515, section 4.1.11)."""
    try:
        found = jwt.get_unverified_header(token) if len(token) <= LONGEST_PROOF else {}
    except (jwt.InvalidTokenError, ValueError, TypeError):
        return {}
    return {} if "crit" in found else found


def _key(jwk: Any) -> bytes | None:
    """Return both coordinates of a public key on P-256; None if it is another key, or private."""
    if not isinstance(jwk, dict) or (jwk.get("kty"), jwk.get("crv")) != ("EC", "P-256") or "d" in jwk:
        return None
    parts = [jwk.get("x"), jwk.get("y")]
    if not all(isinstance(part, str) and _COORDINATE.fullmatch(part) for part in parts):
        return None
    key = b"".join(urlsafe_b64decode(f"{part}=") for part in parts)
    try:
        _public(key)
    except ValueError:  # not on the curve
        return None
    return key


def _public(key: bytes) -> ec.EllipticCurvePublicKey:
    return ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), _UNCOMPRESSED + key)
