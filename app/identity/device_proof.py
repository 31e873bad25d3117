"""The proof of a device's key, as in Device Bound Session Credentials (W3C draft): a JWT, signed with ES256. Pure."""

from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from app.crypto.jwk import PublicKey, read_header

TYPE = "dbsc+jwt"
_ALGORITHM = "ES256"
_UNCOMPRESSED = b"\x04"
# No time or audience claim is needed: the challenge is for one session, and for minutes.
_OPTIONS: Any = {"require": ["jti"], **dict.fromkeys(("verify_exp", "verify_iat", "verify_nbf", "verify_aud"), False)}


def register(token: str) -> tuple[bytes, str] | None:
    """Return the key that a registration brings, and the challenge that it answers, signed by that key; else None."""
    key = _key(read_header(token).get("jwk"))
    challenge = answer(token, key) if key else None
    return (key, challenge) if key and challenge is not None else None


def answer(token: str, key: bytes) -> str | None:
    """Return the challenge that a proof answers; None if it is not a proof by this *key*, as `register` gave it."""
    if read_header(token).get("typ") != TYPE:
        return None
    try:
        said = jwt.decode(token, _public(key), algorithms=[_ALGORITHM], options=_OPTIONS)
    except (jwt.InvalidTokenError, ValueError, TypeError):
        return None
    challenge = said["jti"]
    return challenge if isinstance(challenge, str) else None


def _key(jwk: Any) -> bytes | None:
    """Return both coordinates of a public key on P-256; None if it is another key, or private."""
    found = PublicKey.read(jwk)
    if found is None or found.algorithms != (_ALGORITHM,):
        return None
    point: bytes = found.key.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
    return point.removeprefix(_UNCOMPRESSED)


def _public(key: bytes) -> ec.EllipticCurvePublicKey:
    return ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), _UNCOMPRESSED + key)
