"""The revocation log: append-only, gapless, exact. Each checker is a memory of it; `app/__init__.py` lists what listens to it."""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from sqlalchemy import (
    CheckConstraint,
    ColumnElement,
    FromClause,
    String,
    bindparam,
    func,
    insert,
    select,
    text,
    update,
)
from sqlalchemy.orm import Mapped, Session, mapped_column, scoped_session

from app import clock, context
from app.revocation import merkle, tree, witness
from app.revocation.entries import Bearer, Entry, Kind, Scope
from app.revocation.witness import NOTHING, HeadState, Known, LogCut, Seen, Witness
from app.store import prebuilt
from app.store.db import Model, after_commit, analyze, check_durable, db, held, partial_index


class Head(Model):
    """One row: how many entries there are, and the random epoch in which they were written.

    *cut_from*: a process had read this many and then found fewer. From then on the log takes no entry and decides nothing.
    """

    __tablename__ = "log_head"
    id: Mapped[int] = mapped_column(primary_key=True)
    size: Mapped[int]
    epoch: Mapped[str] = mapped_column(String(32))
    cut_from: Mapped[int | None]


SMALL = 1024  # entries; for fewer, any query plan will do
# A constant: with a parameter, a partial index may not be used, and SQLite plans the statement each time.
IS_REVOKED = text("kind = 'revoked'")


class LogEntry(Model):
    """An entry as stored. Database triggers forbid changing, removing or replacing one, and leaving a gap."""

    __tablename__ = "log_entries"
    __table_args__ = (
        CheckConstraint("kind IN ('opened', 'revoked')", name="log_entries_kind"),
        partial_index("log_entries_revoked", "subject", "position", where=IS_REVOKED),
        partial_index("log_entries_until", "until", where=IS_REVOKED),
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
    # Kept for ever: a proof commits to it, so an entry cannot be guessed from its hash.
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


Asked = Session | scoped_session[Any]


class Fact(NamedTuple):
    """A fact to append. *opened*: None for the entry's own position."""

    kind: Kind
    scope: Scope
    subject: str
    until: int
    opened: int | None = None
    reason: str | None = None
    actor: str | None = None


def open_session(sid: str, *, until: int) -> Entry:
    """Append that the session *sid* began. Must run inside `db.writing`."""
    (entry,) = _append([Fact(Kind.OPENED, Scope.SESSION, sid, until)])
    return entry


def revoke(
    scope: Scope, subject: str, *, until: int, reason: str, opened: int | None = None, actor: str | None = None
) -> Entry:
    """Append that all of *subject* opened so far has ended. Must run inside `db.writing`."""
    (entry,) = _append([Fact(Kind.REVOKED, scope, subject, until, opened, reason, actor)])
    return entry


def revoke_each(facts: Sequence[Fact]) -> list[Entry]:
    """Append *facts* in this order, with as few statements as for one. Must run inside `db.writing`."""
    return _append(facts) if facts else []


def allows(bearer: Bearer, session: Asked = db.session) -> bool:
    """Return whether the log lets the token live. A token of another log, such as a newer copy of this one, does
    not."""
    size, _, ended = _ask(_COVERING, session, **_asked((bearer.jti, bearer.sid, bearer.sub), bearer.opened))
    return bearer.opened <= size and ended is None


def size() -> int:
    """Return how many entries there are. Raises LogCut."""
    return head()[0]


def head() -> tuple[int, str]:
    """Return how many entries there are, and in which epoch. Raises LogCut."""
    size, epoch = _ask(_HEAD)
    return size, epoch


def stored_head() -> tuple[int, str, int | None]:
    """Return the head as stored, with the mark of a log that lost entries."""
    size, epoch, cut_from = db.session.execute(select(Head.size, Head.epoch, Head.cut_from)).one()
    return size, epoch, cut_from


def commitments(start: int, count: int) -> list[bytes]:
    """Return what the public log holds for *count* entries after the position *start*."""
    rows = select(LogEntry).where(LogEntry.position > start, LogEntry.position <= start + count)
    return [row.entry().commitment(row.nonce) for row in db.session.scalars(rows.order_by(LogEntry.position))]


def begin_epoch() -> None:
    """Begin a new epoch: every node forgets what it knew, and the mark of a cut log goes. Must run inside `db.writing`."""
    db.change(update(Head).values(epoch=secrets.token_hex(16), cut_from=None))


def is_over(bearer: Bearer) -> bool:
    """Return, from the log itself, whether the token, its session, or its user's sessions were ended."""
    return covering((bearer.jti, bearer.sid, bearer.sub), bearer.opened) is not None


def covering(subjects: tuple[str, ...], opened: int) -> int | None:
    """Return the position of the first entry that revokes any of *subjects* at or after the position *opened*.

    One index look-up. Every node that has read this entry refuses what it covers. Raises LogCut.
    """
    return covering_beside(_COVERING, subjects, opened)[0]


def beside(table: FromClause, is_it: ColumnElement[bool], *columns: ColumnElement[Any]) -> prebuilt.Statement:
    """Return a statement for `covering_beside` that also reads these *columns* of a row of *table*, if there is one."""
    return _COVERING.add_columns(*columns).outerjoin_from(_LOG, table, is_it)


def covering_beside(
    statement: prebuilt.Statement, subjects: tuple[str, ...], opened: int, **values: Any
) -> tuple[int | None, Sequence[Any]]:
    """Return what `covering` does, and what else *statement* reads at that moment. Raises LogCut."""
    _, _, position, *row = _ask(statement, **_asked(subjects, opened), **values)
    return position, row


def latest(subject: str) -> int | None:
    """Return the position of the last entry that revokes *subject*. Raises LogCut."""
    *_, position = _ask(_LATEST, subject=subject)
    found: int | None = position
    return found


def _head() -> tuple[Any, ...]:
    anchor = select(_LEAVES.c.hash).where(_LEAVES.c.position == bindparam("known")).scalar_subquery()
    return _LOG.c.size, _LOG.c.epoch, _LOG.c.cut_from, anchor


def _first_covering() -> Any:
    named = _ENTRIES.c.subject.in_([bindparam(name) for name in _SUBJECTS])
    revoked = IS_REVOKED, named, _ENTRIES.c.position >= bindparam("opened")
    return select(func.min(_ENTRIES.c.position)).where(*revoked).scalar_subquery()


def _last_revoking() -> Any:
    revoked = IS_REVOKED, _ENTRIES.c.subject == bindparam("subject")
    return select(func.max(_ENTRIES.c.position)).where(*revoked).scalar_subquery()


_LOG, _ENTRIES, _LEAVES = prebuilt.table(Head), prebuilt.table(LogEntry), prebuilt.table(tree.Leaf)
_SUBJECTS = "subject", "another", "third"  # the token, its session and its user
_HEAD = select(*_head())
_COVERING = select(*_head(), _first_covering())
_LATEST = select(*_head(), _last_revoking())
_GROW = update(_LOG).where(_LOG.c.cut_from.is_(None)).values(size=_LOG.c.size + bindparam("count")).returning(*_head())
_APPEND = prebuilt.Together(
    insert(_ENTRIES).values({column.name: bindparam(f"new_{column.name}") for column in _ENTRIES.c}), tree.ADD
)


def _asked(subjects: tuple[str, ...], opened: int) -> dict[str, Any]:
    """Return the parameters of `_COVERING`; the first subject stands in for missing ones."""
    first, *more = subjects
    return dict(zip(_SUBJECTS, (first, *more, first, first), strict=False)) | {"opened": opened}


def _ask(statement: prebuilt.Statement, session: Asked = db.session, **values: Any) -> tuple[Any, ...]:
    """Return the size and the epoch of the log, then what else *statement* selects. Raises LogCut."""
    if session is db.session and not prebuilt.is_in_transaction():
        known = _witness().known
        row = prebuilt.look(statement, known=known.position, **values)
    else:
        one = held(session)
        known = witness.known_to(one.pooled)
        row = prebuilt.ask_on(one, statement, known=known.position, **values)
    if row is None:
        raise _lost(known, session)
    size, epoch, cut_from, anchor, *answers = row
    known.check(HeadState(size, epoch, cut_from, anchor))
    return size, epoch, *answers


def _lost(known: Known, session: Asked = db.session) -> LogCut:
    """Return the error for a log that is marked as cut, or has no head."""
    size, cut_from = session.execute(select(Head.size, Head.cut_from)).one_or_none() or (0, None)
    return LogCut(size, known.position if cut_from is None else cut_from)


def follow_growth(entries: Sequence[Entry]) -> None:
    """Refresh the database's statistics whenever the log has doubled, so query plans fit the size of the tables."""
    before, size = entries[0].position - 1, entries[-1].position
    if size >= SMALL and size.bit_length() > before.bit_length():
        after_commit(analyze)


def _append(facts: Sequence[Fact]) -> list[Entry]:
    check_durable()
    db.flush()  # the projections read the rows
    first, epoch = _next(len(facts))
    entries = [_entry(position, fact) for position, fact in enumerate(facts, first)]
    rows = [_columns(entry) for entry in entries]
    _APPEND.add(rows)
    tree.fill(first, len(entries))
    after_commit(_Note(_witness()), once=_Note).seen = Seen(epoch, entries[-1].position, rows[-1]["new_hash"])
    for write in context.app().extensions["projections"]:
        write(entries)
    return entries


def _entry(position: int, fact: Fact) -> Entry:
    opened = position if fact.opened is None else fact.opened
    return Entry(
        position, fact.kind, fact.scope, fact.subject, opened, fact.until, clock.now(), fact.reason, fact.actor
    )


def _columns(entry: Entry) -> dict[str, Any]:
    """Return the values of `_APPEND`: the entry, its nonce, and the hash of both."""
    nonce = secrets.token_bytes(16)
    stored = entry._asdict() | {"kind": entry.kind.value, "scope": entry.scope.value, "nonce": nonce}
    return {f"new_{name}": value for name, value in stored.items()} | {
        "new_hash": merkle.leaf_hash(entry.commitment(nonce))
    }


@dataclass
class _Note:
    """Records after the commit how long this process has made the log."""

    witness: Witness
    seen: Seen = NOTHING

    def __call__(self) -> None:
        self.witness.note(self.seen)


def _next(count: int) -> tuple[int, str]:
    """Take *count* positions. Return the first and the epoch. Raises LogCut.

    The head's row is locked until the commit, so positions have no gaps and follow the order of the commits.
    (A sequence would leave gaps; max()+1 would give duplicates.)
    """
    known = witness.known_to(held().pooled)
    row = prebuilt.ask(_GROW, count=count, known=known.position)
    if row is None:
        raise _lost(known)
    size, epoch, _, anchor = row
    known.check(HeadState(size - count, epoch, None, anchor))
    return size - count + 1, epoch


def _witness() -> Witness:
    found: Witness = context.app().extensions["witness"]
    return found
