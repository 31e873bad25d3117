"""What is good for one use: the use is recorded, so that every node refuses a second one."""

import hashlib
import json
from typing import Any

from sqlalchemy import CursorResult, LargeBinary, text
from sqlalchemy.orm import Mapped, mapped_column

from app import clock
from app.db import Model, db, trim

_SPEND = text("INSERT INTO spent_challenges (hash, until) VALUES (:hash, :until) ON CONFLICT (hash) DO NOTHING")


class Spent(Model):
    """One use, under a SHA-256, until what was used has expired on every node."""

    __tablename__ = "spent_challenges"  # which was all that there was to spend
    hash: Mapped[bytes] = mapped_column(LargeBinary(32), primary_key=True)
    until: Mapped[int] = mapped_column(index=True)


def spend(hashed: bytes, *, until: int) -> bool:
    """Record a use, which is kept *until* (Unix seconds); return False if it was recorded before.

    Must run inside `db.writing`.
    """
    trim(Spent.hash, Spent.until < clock.now())
    done: CursorResult[Any] = db.session.execute(_SPEND, {"hash": hashed, "until": until})  # type: ignore[assignment]
    return done.rowcount == 1


def name(purpose: str, *parts: str) -> bytes:
    """Return the hash of what these *parts* name together, for one purpose."""
    return hashlib.sha256(json.dumps([purpose, *parts]).encode()).digest()
