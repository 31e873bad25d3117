"""The nonce that a proof has to contain: it shows that the proof was made now, and not long ago for later (RFC 9449, section 8).

It holds the time, and a MAC shows that one of our nodes made it. So nothing is stored, and every node accepts it.
"""

import hashlib
import hmac

from jwt.utils import base64url_encode

from app import clock
from app.config import settings
from app.crypto import seal
from app.identity.session import CLOCKS_DIFFER_SECONDS

SECONDS = 120
KEPT_SECONDS = SECONDS + 2 * CLOCKS_DIFFER_SECONDS  # no node takes it for longer
_MAX_LENGTH = 64  # characters


def new() -> str:
    """Return a nonce that is good from now on."""
    return _of(clock.now())


def made_at(nonce: str) -> int | None:
    """Return when a nonce was made; None if it is too old, or not ours."""
    at = nonce.partition(".")[0]
    if not (nonce.isascii() and at.isdigit() and len(nonce) <= _MAX_LENGTH):
        return None
    is_ours = hmac.compare_digest(nonce.encode(), _of(int(at)).encode())
    return int(at) if is_ours and -CLOCKS_DIFFER_SECONDS <= clock.now() - int(at) < SECONDS else None


def _of(at: int) -> str:
    key = seal.derive(settings().secret_key, "nonces of DPoP")
    mac = hmac.digest(key, str(at).encode(), hashlib.sha256)
    return f"{at}.{base64url_encode(mac).decode()}"
