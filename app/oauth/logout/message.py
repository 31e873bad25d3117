"""A logout message: that one app is to be told that one session is over. Kept until it is delivered or given up."""

import secrets
from collections.abc import Collection, Iterable
from typing import Any

from sqlalchemy import ColumnElement, CursorResult, Index, String, func, insert, select, text, update
from sqlalchemy.orm import Mapped, mapped_column

from app import clock
from app.db import Model, db
from app.oauth.client import Client
from app.oauth.logout.answer import Answer, Outcome, next_try
from app.revocation.log import LogEntry

_UNDELIVERED = text("delivered_at IS NULL")
CLAIM_SECONDS = 30  # well beyond the longest attempt: who holds a claim longer is no more


class Message(Model):
    """One message. Times are Unix seconds; *entry*: the position in the log that it is about.

    *id*: the `jti` of every token that carries it, so that who gets it twice can tell. *uri*: where it goes, noted at
    once, as the app may be removed meanwhile. *claimed_until*: a process is sending it. *next_at*: when it is due, None
    once it is *delivered_at* or *given_up_at*. *answer*: what came of the last attempt, after so many *milliseconds*.
    """

    __tablename__ = "logout_messages"
    __table_args__ = (
        Index("logout_messages_settled", text("coalesce(delivered_at, given_up_at)")),
        Index(
            "logout_messages_undelivered", "made_at", "entry", sqlite_where=_UNDELIVERED, postgresql_where=_UNDELIVERED
        ),
    )
    id: Mapped[str] = mapped_column(String(32), primary_key=True)
    client_id: Mapped[str] = mapped_column(String(64))
    user_id: Mapped[str] = mapped_column(String(64), index=True)
    session_id: Mapped[str] = mapped_column(String(64), index=True)
    uri: Mapped[str] = mapped_column(String(2000))
    may_be_private: Mapped[bool]
    entry: Mapped[int]
    made_at: Mapped[int]
    attempts: Mapped[int]
    claimed_until: Mapped[int]
    next_at: Mapped[int | None] = mapped_column(index=True)
    delivered_at: Mapped[int | None]
    given_up_at: Mapped[int | None]
    answer: Mapped[str | None] = mapped_column(String(80))
    milliseconds: Mapped[int | None]

    def note(self, answer: Answer) -> Outcome | None:
        """Write down what came of the attempt for which it was claimed, and return what that makes of the message.

        None if somebody else has claimed it since. Must run inside `db.writing`.
        """
        now, attempts = clock.now(), self.attempts + 1
        outcome, next_at = answer.outcome, None
        if outcome is Outcome.FAILED:
            next_at = next_try(attempts, self.made_at, now)
            outcome = Outcome.FAILED if next_at else Outcome.GIVEN_UP
        noted: CursorResult[Any] = db.session.execute(  # type: ignore[assignment]
            update(Message)
            .where(Message.id == self.id, Message.claimed_until == self.claimed_until)
            .values(
                attempts=attempts,
                claimed_until=0,
                next_at=next_at,
                delivered_at=now if outcome is Outcome.DELIVERED else None,
                given_up_at=now if outcome in (Outcome.REFUSED, Outcome.GIVEN_UP) else None,
                answer=answer.words,
                milliseconds=answer.milliseconds,
            ),
            execution_options={"synchronize_session": False},
        )
        return outcome if noted.rowcount == 1 else None


def add(told: Iterable[tuple[LogEntry, str, str, Client]]) -> bool:
    """Add a message for each session *told*: about which entry, its id, its person's and its app.

    Return whether there are any. Must run inside `db.writing`.
    """
    rows = [
        {
            "id": secrets.token_urlsafe(16),
            "session_id": sid,
            "user_id": user_id,
            "client_id": client.id,
            "uri": client.backchannel_logout_uri,
            "may_be_private": client.may_be_private,
            "entry": entry.position,
            "made_at": entry.at,
            "next_at": entry.at,
            "attempts": 0,
            "claimed_until": 0,
        }
        for entry, sid, user_id, client in told
    ]
    if rows:
        db.session.execute(insert(Message), rows)
    return bool(rows)


def are_due() -> bool:
    """Say whether any message waits to be sent: one look into one index."""
    return db.session.scalar(select(Message.id).where(*_due()).limit(1)) is not None


def claim(busy: Collection[str], room: int) -> list[Message]:
    """Take up to *room* messages that are due, the oldest of each app that is not *busy*. Must run inside `db.writing`.

    Compare and swap: whoever else looks at the same time takes others, and from now on finds these taken.
    """
    claimed: dict[str, Message] = {}
    while len(claimed) < room:
        due = select(Message).where(*_due(), Message.client_id.not_in([*busy, *claimed]))
        oldest = due.order_by(Message.next_at, Message.id).limit(room - len(claimed))
        rows = db.session.scalars(
            oldest.with_for_update(skip_locked=True).execution_options(populate_existing=True)
        ).all()
        if not rows:
            break
        for row in rows:
            claimed.setdefault(row.client_id, row)
    for row in claimed.values():
        row.claimed_until = clock.now() + CLAIM_SECONDS
    return list(claimed.values())


def about(session_ids: Collection[str]) -> list[Message]:
    """Return every message about these sessions."""
    return list(db.session.scalars(select(Message).where(Message.session_id.in_(session_ids)).order_by(Message.entry)))


def by_id(ids: Collection[str]) -> list[Message]:
    """Return those of these messages that there still are, the first made first."""
    return list(db.session.scalars(select(Message).where(Message.id.in_(ids)).order_by(Message.entry, Message.id)))


def are_tried(ids: Collection[str]) -> bool:
    """Say whether each of these messages was sent at least once, whatever came of it."""
    return db.session.scalar(select(Message.id).where(Message.id.in_(ids), Message.attempts == 0).limit(1)) is None


def latest(user_id: str, count: int = 50) -> list[Message]:
    """Return the newest messages about a person's sessions, the newest first."""
    found = select(Message).where(Message.user_id == user_id).order_by(Message.made_at.desc(), Message.entry.desc())
    return list(db.session.scalars(found.limit(count)))


def failed(limit: int = 50) -> list[Message]:
    """Return the newest messages that did not arrive, given up or to be tried again, whoever they are about."""
    found = select(Message).where(Message.delivered_at.is_(None), Message.attempts > 0)
    return list(db.session.scalars(found.order_by(Message.made_at.desc(), Message.entry.desc()).limit(limit)))


def settled_before(then: int) -> ColumnElement[bool]:
    """Return the condition that a message was delivered or given up before *then* (Unix seconds)."""
    return func.coalesce(Message.delivered_at, Message.given_up_at) < then


def _due() -> tuple[Any, ...]:
    return Message.next_at <= clock.now(), Message.claimed_until <= clock.now()
