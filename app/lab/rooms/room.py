"""A room: a teacher, and the visitors who came. None of them can see or touch another's run.

The code is what people type; it opens the door and nothing else. The teacher is the visitor who opened it.
"""

import secrets
from collections.abc import Sequence
from typing import Self

from sqlalchemy import Index, String, select, update
from sqlalchemy.orm import Mapped, mapped_column

from app import clock, names
from app.config import DAY
from app.lab import visitors
from app.lab.visitors import Visitor
from app.store.db import Model, db

LETTERS = "2346789BCDFGHJKMNPQRTVWXY"  # nothing that looks like another, and no vowel to spell a word with
KEPT_SECONDS = 14 * DAY
MOST_ATTENDEES = 200
MOST_ROOMS = 2000  # rooms; beyond, the oldest go


class CannotJoin(Exception):
    """The reason why a visitor cannot join under this nickname, in words for the page."""


class Room(Model):
    """*teacher*: the id of the visitor who opened it. Each change of a room must run inside `db.writing`."""

    __tablename__ = "lab_rooms"
    __table_args__ = (Index("lab_rooms_by_age", "made_at"),)
    code: Mapped[str] = mapped_column(String(12), primary_key=True)
    name: Mapped[str] = mapped_column(String(80))
    teacher: Mapped[str] = mapped_column(String(32), index=True)
    made_at: Mapped[int]

    @classmethod
    def open(cls, name: str, teacher: Visitor) -> Self:
        """Open a room. Delete some that are a fortnight old, or the oldest where there are too many."""
        visitors.forget(Room.code, Room.made_at, KEPT_SECONDS, MOST_ROOMS)
        code = spelled("".join(secrets.choice(LETTERS) for _ in range(6)))
        room = cls(code=code, name=name, teacher=teacher.id, made_at=clock.now())
        db.session.add(room)
        return room

    def close(self) -> None:
        """Put all attendees out, and forget the room."""
        self._change(None, room=None, nickname=None)
        db.session.delete(self)

    def attendees(self) -> Sequence[Visitor]:
        """Return the visitors in here, by nickname."""
        found = db.session.scalars(select(Visitor).where(Visitor.room == self.code))
        return sorted(found, key=lambda visitor: names.folded(visitor.nickname or ""))

    def join(self, visitor: Visitor, nickname: str) -> None:
        """Let *visitor* in; it leaves the room it was in before. The room must be locked. Raises CannotJoin."""
        others = select(Visitor.nickname).where(Visitor.room == self.code, Visitor.id != visitor.id)
        taken = [names.folded(name or "") for name in db.session.scalars(others)]
        if names.folded(nickname) in taken:
            raise CannotJoin("Another attendee has this nickname already. Choose another.")
        if len(taken) >= MOST_ATTENDEES:
            raise CannotJoin(f"This room is full: {MOST_ATTENDEES} people are in it.")
        visitor.room, visitor.nickname = self.code, nickname

    def reset(self, visitor: str | None = None) -> None:
        """Clear the run and the answers of one attendee, or of all."""
        self._change(visitor, run=None, answers="{}", moved_at=clock.now())

    def remove(self, visitor: str) -> None:
        """Put one attendee out of the room. What they have done stays theirs."""
        self._change(visitor, room=None, nickname=None)

    def _change(self, visitor: str | None, **values: str | int | None) -> None:
        change = update(Visitor).where(Visitor.room == self.code).values(**values)
        db.session.execute(change if visitor is None else change.where(Visitor.id == visitor))


def find(code: str) -> Room | None:
    """Return the room of a code, unless it is too old."""
    room = db.session.get(Room, code)
    return room if room and room.made_at > clock.now() - KEPT_SECONDS else None


def lock(code: str) -> Room | None:
    """Return the room as it is now, locked until the transaction ends, so that no nickname is taken twice."""
    return db.session.get(Room, code, with_for_update=True, populate_existing=True)


def of(visitor: Visitor | None) -> Room | None:
    """Return the room that *visitor* is in."""
    return find(visitor.room) if visitor and visitor.room else None


def taught_by(visitor: Visitor | None) -> Sequence[Room]:
    """Return the rooms that *visitor* has opened, the latest first."""
    if visitor is None:
        return ()
    mine = Room.teacher == visitor.id, Room.made_at > clock.now() - KEPT_SECONDS
    return db.session.scalars(select(Room).where(*mine).order_by(Room.made_at.desc(), Room.code)).all()


def spelled(code: str) -> str:
    """Return a code as it is kept, however it was typed."""
    letters = "".join(letter for letter in code.upper() if letter in LETTERS)[:8]
    return f"{letters[:3]}-{letters[3:]}"
