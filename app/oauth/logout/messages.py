"""A logout message: it tells one app that one session is over. It is kept until delivered or given up."""

import secrets
from collections.abc import Collection, Iterable
from typing import NamedTuple

from sqlalchemy import ColumnElement, Index, String, func, insert, select, text
from sqlalchemy.orm import Mapped, mapped_column, synonym

from app.identity import erasure
from app.outbox.outgoing import Outgoing
from app.store import prebuilt
from app.store.db import Model, db, partial_index


class Message(Outgoing, Model):
    """One message. Times are Unix seconds; *entry*: the position in the log that it is about.

    *id*: the `jti` of every token that carries it, so an app that gets it twice can tell. *uri*: where it goes, noted at
    once, as the app may be removed meanwhile.
    """

    __tablename__ = "logout_messages"
    __table_args__ = (
        Index("logout_messages_settled", text("coalesce(delivered_at, given_up_at)")),
        partial_index("logout_messages_undelivered", "made_at", "entry", where=text("delivered_at IS NULL")),
        {"info": {erasure.OUTLIVES: text("next_at IS NOT NULL")}},
    )
    client_id: Mapped[str] = mapped_column(String(64))
    user_id: Mapped[str] = mapped_column(String(64), index=True)
    session_id: Mapped[str] = mapped_column(String(64), index=True)
    uri: Mapped[str] = mapped_column(String(2000))
    may_be_private: Mapped[bool]
    entry: Mapped[int]
    lane = synonym("client_id")


_ADD = insert(prebuilt.table(Message))


class NewMessage(NamedTuple):
    """What to tell one app: which entry, made when, which session and user, and where to send it."""

    entry: int
    made_at: int
    session_id: str
    user_id: str
    client_id: str
    uri: str
    may_be_private: bool


def add(messages: Iterable[NewMessage]) -> bool:
    """Add a message for each ended session; return whether there are any. Must run inside `db.writing`."""
    waiting = {"attempts": 0, "claimed_until": 0}
    rows = [
        {"id": secrets.token_urlsafe(16), "next_at": message.made_at, **waiting, **message._asdict()}
        for message in messages
    ]
    if rows:
        prebuilt.add(_ADD, rows)
    return bool(rows)


def about(session_ids: Collection[str]) -> list[Message]:
    """Return every message about these sessions."""
    if not session_ids:
        return []
    return list(db.session.scalars(select(Message).where(Message.session_id.in_(session_ids)).order_by(Message.entry)))


def by_id(ids: Collection[str]) -> list[Message]:
    """Return the remaining ones of these messages, the oldest first."""
    if not ids:
        return []
    return list(db.session.scalars(select(Message).where(Message.id.in_(ids)).order_by(Message.entry, Message.id)))


def are_tried(ids: Collection[str]) -> bool:
    """Return whether each of these messages was sent at least once, with or without success."""
    return db.session.scalar(select(Message.id).where(Message.id.in_(ids), Message.attempts == 0).limit(1)) is None


def latest(user_id: str, count: int = 50) -> list[Message]:
    """Return the newest messages about a person's sessions, the newest first."""
    found = select(Message).where(Message.user_id == user_id).order_by(Message.made_at.desc(), Message.entry.desc())
    return list(db.session.scalars(found.limit(count)))


def failed(limit: int = 50) -> list[Message]:
    """Return the newest messages that did not arrive, given up or to be tried again, of all users."""
    found = select(Message).where(Message.delivered_at.is_(None), Message.attempts > 0)
    return list(db.session.scalars(found.order_by(Message.made_at.desc(), Message.entry.desc()).limit(limit)))


def settled_before(then: int) -> ColumnElement[bool]:
    """Return the condition that a message was delivered or given up before *then* (Unix seconds)."""
    return func.coalesce(Message.delivered_at, Message.given_up_at) < then
