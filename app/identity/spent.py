"""Things that are good for one use: the use is recorded, so that every node refuses a second one."""

import hashlib
import json

from sqlalchemy import LargeBinary, bindparam, delete, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Mapped, mapped_column

from app import clock
from app.store import prebuilt
from app.store.db import TRIMMED, Model


class Spent(Model):
    """One use, under a SHA-256, until what was used has expired on every node."""

    __tablename__ = "spent_challenges"  # which was all that there was to spend
    hash: Mapped[bytes] = mapped_column(LargeBinary(32), primary_key=True)
    until: Mapped[int] = mapped_column(index=True)


_SPENT = prebuilt.table(Spent)
_OLD = select(_SPENT.c.hash).where(_SPENT.c.until < bindparam("now")).limit(bindparam("most"))
_TRIM = delete(_SPENT).where(_SPENT.c.hash.in_(_OLD.with_for_update(skip_locked=True)))
_SPEND = insert(_SPENT).values(hash=bindparam("hash"), until=bindparam("until")).on_conflict_do_nothing()
_TRIM_AND_SPEND = prebuilt.Together(_TRIM, _SPEND)


def spend(hashed: bytes, *, until: int) -> bool:
    """Record a use, which is kept *until* (Unix seconds); return False if it was recorded before.

    Must run inside `db.writing`.
    """
    return _TRIM_AND_SPEND.write(hash=hashed, until=until, now=clock.now(), most=TRIMMED) == 1


def name(purpose: str, *parts: str) -> bytes:
    """Return the hash of what these *parts* name together, for one purpose."""
    return hashlib.sha256(json.dumps([purpose, *parts]).encode()).digest()
