"""The challenge that a passkey signs: given to one browser, for five minutes and one signature.

Making one writes nothing: it is derived from a secret in the browser's cookie and a stamp that its page sends
back. Its use is recorded, so every node refuses a second one.
"""

import hashlib
import hmac
import json
import secrets
from typing import Any

from sqlalchemy import CursorResult, LargeBinary, delete, select, text
from sqlalchemy.orm import Mapped, mapped_column

from app import clock, seal
from app.config import settings
from app.db import Model, db
from app.identity.session import CLOCKS_DIFFER_SECONDS

SECONDS = 5 * 60
KEPT_SECONDS = SECONDS + 2 * CLOCKS_DIFFER_SECONDS  # no node takes it for longer, nor forgets its use before
PURGED = 50  # rows at a time
_SPEND = text("INSERT INTO spent_challenges (hash, until) VALUES (:hash, :until) ON CONFLICT (hash) DO NOTHING")


class SpentChallenge(Model):
    """A challenge that was signed, by its SHA-256, until it has expired on every node."""

    __tablename__ = "spent_challenges"
    hash: Mapped[bytes] = mapped_column(LargeBinary(32), primary_key=True)
    until: Mapped[int] = mapped_column(index=True)


def new_secret() -> str:
    """Return a secret for a browser's cookie."""
    return secrets.token_urlsafe(32)


def new_stamp() -> str:
    """Return a stamp, which tells apart a browser's challenges and says when one expires."""
    return f"{clock.now() + SECONDS}.{secrets.token_urlsafe(16)}"


def of(secret: str | None, stamp: str, purpose: str) -> bytes | None:
    """Return the challenge of this secret and stamp for one purpose, or None if it has expired.

    A stamp with another time makes another challenge, which no key has signed.
    """
    if not secret or not _is_fresh(stamp):
        return None
    key = seal.derive(settings().secret_key, "challenges of passkeys")
    return hmac.digest(key, json.dumps([purpose, secret, stamp]).encode(), hashlib.sha256)


def spend(challenge: bytes) -> bool:
    """Record that it was signed; return False if it was before. Must run inside `db.writing`."""
    _purge()
    kept = {"hash": hashlib.sha256(challenge).digest(), "until": clock.now() + KEPT_SECONDS}
    done: CursorResult[Any] = db.session.execute(_SPEND, kept)  # type: ignore[assignment]
    return done.rowcount == 1


def _is_fresh(stamp: str) -> bool:
    until, latest = stamp.partition(".")[0], clock.now() + SECONDS + CLOCKS_DIFFER_SECONDS
    return until.isascii() and until.isdigit() and len(until) < 20 and clock.now() < int(until) <= latest


def _purge() -> None:
    """Delete some expired rows, so that `flask purge` finds few."""
    old = select(SpentChallenge.hash).where(SpentChallenge.until < clock.now()).limit(PURGED)
    db.session.execute(delete(SpentChallenge).where(SpentChallenge.hash.in_(old.with_for_update(skip_locked=True))))
