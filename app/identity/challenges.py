"""The challenge that a passkey signs: given to one browser, for five minutes and one signature.

Making one writes nothing: it is derived from a secret in the browser's cookie and a stamp that its page sends
back. Its use is recorded, so every node refuses a second one.
"""

import hashlib
import hmac
import json
import secrets

from app import clock
from app.config import settings
from app.crypto import seal
from app.identity import spent
from app.identity.session import CLOCKS_DIFFER_SECONDS

SECONDS = 5 * 60
KEPT_SECONDS = SECONDS + 2 * CLOCKS_DIFFER_SECONDS  # no node takes it for longer, nor forgets its use before


def new_secret() -> str:
    """Return a secret for a browser's cookie."""
    return secrets.token_urlsafe(32)


def new_stamp() -> str:
    """Return a stamp, which tells apart a browser's challenges and says when one expires."""
    return f"{clock.now() + SECONDS}.{secrets.token_urlsafe(16)}"


def of(secret: str | None, stamp: str, purpose: str) -> bytes | None:
    """Return the challenge of this secret and stamp for one purpose, or None if it has expired.

    A stamp with another time makes a challenge that no key has signed.
    """
    if not secret or not _is_fresh(stamp):
        return None
    key = seal.derive(settings().secret_key, "challenges of passkeys")
    return hmac.digest(key, json.dumps([purpose, secret, stamp]).encode(), hashlib.sha256)


def spend(challenge: bytes) -> bool:
    """Record that it was signed; return False if it was before. Must run inside `db.writing`."""
    return spent.spend(hashlib.sha256(challenge).digest(), until=clock.now() + KEPT_SECONDS)


def _is_fresh(stamp: str) -> bool:
    until, latest = stamp.partition(".")[0], clock.now() + SECONDS + CLOCKS_DIFFER_SECONDS
    return until.isascii() and until.isdigit() and len(until) < 20 and clock.now() < int(until) <= latest
