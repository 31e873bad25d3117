"""The lab's own log of ended runs, for relying parties. It is short, and apart from the site's log."""

import secrets
from typing import Any, NamedTuple

from sqlalchemy import String, delete, select
from sqlalchemy.orm import Mapped, mapped_column

from app.store.db import Model, db

MAX_ENTRIES = 20_000  # entries; beyond, the oldest go


class Head(Model):
    """One row. *announced*: the position of the last entry that those who wait were told of."""

    __tablename__ = "lab_log_head"
    id: Mapped[int] = mapped_column(primary_key=True)
    epoch: Mapped[str] = mapped_column(String(32))
    size: Mapped[int]
    announced: Mapped[int] = mapped_column("told")


class Ended(Model):
    """Everything of *subject*, a session or a user, that opened at or before *position* is over.

    *until*: no token that this concerns is good after then. *pushed*: False if the message of it was lost.
    """

    __tablename__ = "lab_log"
    position: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    subject: Mapped[str] = mapped_column(String(64), index=True)
    until: Mapped[int] = mapped_column(index=True)
    pushed: Mapped[bool]


class State(NamedTuple):
    """The log as it stands."""

    epoch: str
    size: int
    announced: int


def state() -> State:
    return State(*db.session.execute(select(Head.epoch, Head.size, Head.announced).where(Head.id == 0)).one())


def opened() -> int:
    """Return the `opened` of a session that opens now: the position of the next entry. It adds no row."""
    return state().size + 1


def append(ended: Ended) -> None:
    """Append an entry at the next position. Must run inside `db.writing`.

    The row of the head is held until the commit, so positions are gapless and in the order of the commits.
    """
    head = _lock()
    head.size = ended.position = head.size + 1
    if ended.pushed:
        head.announced = head.size
    db.session.add(ended)
    db.session.execute(delete(Ended).where(Ended.position <= head.size - MAX_ENTRIES))


def read(after: int, upto: int, subjects: tuple[str, ...] = (), *, pushed: bool = False) -> list[dict[str, Any]]:
    """Return the entries after a position, up to another; of some *subjects* alone, or those that were *pushed*."""
    rows = select(Ended.position, Ended.subject, Ended.until).where(Ended.position > after, Ended.position <= upto)
    if subjects:
        rows = rows.where(Ended.subject.in_(subjects))
    if pushed:
        rows = rows.where(Ended.pushed)
    return [dict(row._mapping) for row in db.session.execute(rows.order_by(Ended.position))]


def begin_epoch() -> None:
    """Make every relying party start over with this log. Must run inside `db.writing`."""
    _lock().epoch = secrets.token_hex(16)


def _lock() -> Head:
    return db.session.get_one(Head, 0, with_for_update=True, populate_existing=True)
