"""The revocation log: append-only, gapless, exact. The truth that every checker only remembers."""

import secrets
from collections.abc import Callable

from sqlalchemy import CheckConstraint, Index, String, func, select, text, update
from sqlalchemy.orm import Mapped, mapped_column

from app import clock
from app.db import Model, db
from app.revocation import tree
from app.revocation.entries import Bearer, Entry, Kind, Scope


class Head(Model):
    """One row: how many entries there are, and the random epoch in which they were written."""

    __tablename__ = "log_head"
    id: Mapped[int] = mapped_column(primary_key=True)
    size: Mapped[int]
    epoch: Mapped[str] = mapped_column(String(32))


_REVOKED = text("kind = 'revoked'")


class LogEntry(Model):
    """An entry as stored. Database triggers forbid to change, remove or replace one, or to leave a gap."""

    __tablename__ = "log_entries"
    __table_args__ = (
        CheckConstraint("kind IN ('opened', 'revoked')", name="log_entries_kind"),
        Index("log_entries_revoked", "subject", "position", sqlite_where=_REVOKED, postgresql_where=_REVOKED),
    )
    position: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    kind: Mapped[str] = mapped_column(String(8))
    scope: Mapped[str] = mapped_column(String(8))
    subject: Mapped[str] = mapped_column(String(64))
    opened: Mapped[int]
    until: Mapped[int]
    at: Mapped[int]
    reason: Mapped[str | None] = mapped_column(String(32))
    actor: Mapped[str | None] = mapped_column(String(64))
    # Kept for ever: a proof commits to it, so that nobody can guess an entry from its hash.
    nonce: Mapped[bytes]

    def entry(self) -> Entry:
        return Entry(
            self.position,
            Kind(self.kind),
            Scope(self.scope),
            self.subject,
            self.opened,
            self.until,
            self.at,
            self.reason,
            self.actor,
        )


def open_session(sid: str, *, until: int) -> Entry:
    """Append that the session *sid* began. Must run inside `db.writing`."""
    return _append(Kind.OPENED, Scope.SESSION, sid, until=until)


def revoke(
    scope: Scope, subject: str, *, until: int, reason: str, opened: int | None = None, actor: str | None = None
) -> Entry:
    """Append that everything of *subject* that opened so far is over. Must run inside `db.writing`."""
    return _append(Kind.REVOKED, scope, subject, until=until, opened=opened, reason=reason, actor=actor)


def allows(bearer: Bearer) -> bool:
    """Decide on the token from the log itself; also refuses one of another log, perhaps a newer copy of this one."""
    return bearer.opened <= size() and not is_over(bearer)


def size() -> int:
    """Return how many entries there are."""
    return head()[0]


def head() -> tuple[int, str]:
    """Return how many entries there are, and in which epoch."""
    size, epoch = db.session.execute(select(Head.size, Head.epoch)).one()
    return size, epoch


def commitments(start: int, count: int) -> list[bytes]:
    """Return what the public log holds for *count* entries after the position *start*."""
    rows = select(LogEntry).where(LogEntry.position > start, LogEntry.position <= start + count)
    return [row.entry().commitment(row.nonce) for row in db.session.scalars(rows.order_by(LogEntry.position))]


def begin_epoch() -> None:
    """Have the next entry begin a new epoch: every node forgets what it knew. Must run inside `db.writing`."""
    db.session.info["epoch"] = secrets.token_hex(16)


def is_over(bearer: Bearer) -> bool:
    """Answer exactly, from the log itself, whether the token, its session, or its user's sessions were ended."""
    return covers((bearer.jti, bearer.sid, bearer.sub), bearer.opened)


def covers(subjects: tuple[str, ...], opened: int) -> bool:
    """Return whether any of *subjects* was revoked at or after the position *opened*."""
    return covering(subjects, opened) is not None


def covering(subjects: tuple[str, ...], opened: int) -> int | None:
    """Return the position of the first entry that revokes any of *subjects* at or after the position *opened*.

    One look into one index. Every node that has read this entry refuses what it covers.
    """
    return db.session.scalar(
        select(func.min(LogEntry.position)).where(
            LogEntry.kind == Kind.REVOKED, LogEntry.subject.in_(subjects), LogEntry.position >= opened
        )
    )


def latest(subject: str) -> int | None:
    """Return the position of the last entry that revokes *subject*."""
    revoked = LogEntry.kind == Kind.REVOKED, LogEntry.subject == subject
    return db.session.scalar(select(func.max(LogEntry.position)).where(*revoked))


def _epoch() -> dict[str, str]:
    begun = db.session.info.pop("epoch", None)
    return {"epoch": begun} if begun else {}


_projections: list[Callable[[Entry], None]] = []


def projection(write: Callable[[Entry], None]) -> Callable[[Entry], None]:
    """Have *write* called with every appended entry, inside the transaction that appends it."""
    _projections.append(write)
    return write


def _append(
    kind: Kind,
    scope: Scope,
    subject: str,
    *,
    until: int,
    opened: int | None = None,
    reason: str | None = None,
    actor: str | None = None,
) -> Entry:
    # The row of the head is held until the commit, so positions are gapless and in the order of the commits.
    # (A sequence would leave gaps; max()+1 would give duplicates.)
    position = db.session.scalars(
        update(Head).values(size=Head.size + 1, **_epoch()).returning(Head.size),
        execution_options={"synchronize_session": False},
    ).one()
    row = LogEntry(
        position=position,
        kind=kind,
        scope=scope,
        subject=subject,
        opened=position if opened is None else opened,
        until=until,
        at=clock.now(),
        reason=reason,
        actor=actor,
        nonce=secrets.token_bytes(16),
    )
    db.session.add(row)
    db.session.flush()
    entry = row.entry()
    tree.append(position, entry.commitment(row.nonce))
    for write in _projections:
        write(entry)
    return entry
