"""A process's memory of the log: a checker, and the position up to which it has read."""

import logging
import sqlite3
from collections.abc import Callable
from typing import Any

import psycopg

from app import clock
from app.revocation.checkers.base import AllOf, Checker
from app.revocation.checkers.cutoff import Cutoff
from app.revocation.checkers.denylist import Denylist
from app.revocation.entries import Bearer, Entry, Kind, Scope
from app.revocation.witness import HeadState, LogCut, Seen, Witness
from app.telemetry import security_log

_HEAD = """
    SELECT size, epoch, cut_from, (SELECT hash FROM log_leaves WHERE position = {0}),
        (SELECT hash FROM log_leaves WHERE position = log_head.size),
        (SELECT max(signed.size) FROM log_checkpoints AS signed WHERE signed.epoch = log_head.epoch)
    FROM log_head"""
_CUT = """
    UPDATE log_head SET cut_from = {0} WHERE epoch = {0} AND cut_from IS NULL AND (size < {0}
        OR EXISTS (SELECT 1 FROM log_leaves WHERE position = {0} AND hash <> {0}))"""
_NEWS = "SELECT position, scope, subject, opened, until FROM log_entries WHERE kind = 'revoked'"


class Memory:
    """A checker that has read every revocation up to *position* in the log of *epoch*. *now*: Unix seconds."""

    def __init__(self, epoch: str, now: Callable[[], int] = clock.now) -> None:
        self.epoch = epoch
        self._now = now
        self.position = 0
        denylist, cutoff = Denylist(), Cutoff()
        self.checker: Checker = AllOf(denylist, cutoff)
        self.checker.forget(now())  # what has expired need not be read
        # Send each entry only to the checker that it concerns: a joining node may replay a million.
        self._appliers = {
            "token": (Scope.TOKEN, denylist.apply),
            "session": (Scope.SESSION, denylist.apply),
            "user": (Scope.USER, cutoff.apply),
        }

    def learn(self, size: int, rows: Any) -> None:
        """Apply *rows*, the revocations after `position` in order. *size* was read before them."""
        position = 0
        for position, name, subject, opened, until in rows:
            scope, apply = self._appliers[name]
            apply(Entry(position, Kind.REVOKED, scope, subject, opened, until, 0, None, None))
        self.position = max(size, position)
        self.checker.forget(self._now())


def decide(bearer: Bearer, memory: Memory | None, otherwise: Callable[[Bearer], bool]) -> bool:
    """Return whether the token lives: memory decides while it is current, and *otherwise* where it cannot know.

    Memory cannot know once its lease is over, for a session that opened after its last read, and for a token so old
    that its entries may be forgotten.
    """
    if memory is None or bearer.opened > memory.position or bearer.exp <= memory.checker.horizon:
        return otherwise(bearer)
    return memory.checker.allows(bearer)


Ask = Callable[..., Any]
_log = logging.getLogger("signed_out.log")


def read(
    known: Memory | None, ask: Ask, placeholder: str, witness: Witness, now: Callable[[], int] = clock.now
) -> Memory:
    """Return a memory of everything committed before this call: *known*, or a new one for another epoch.

    *ask* runs each statement in its own snapshot. The head is read first, so an entry committed in between
    is read now or the next time, never skipped. Raises LogCut.
    """
    size, epoch, last = _head(ask, placeholder, witness)
    memory = known if known and known.epoch == epoch else Memory(epoch, now)
    news = f"{_NEWS} AND position > {placeholder} AND until > {placeholder} ORDER BY position"
    memory.learn(size, ask(news, (memory.position, memory.checker.horizon)))
    witness.note(Seen(epoch, memory.position, last if memory.position == size else None))
    return memory


def _head(ask: Ask, placeholder: str, witness: Witness) -> tuple[int, str, bytes | None]:
    known = witness.known
    row = ask(_HEAD.format(placeholder), (known.position,)).fetchone()
    if row is None:
        raise LogCut(0, known.position)
    *head, last, signed = row
    found = HeadState(*head)
    known.check(found)
    if signed and signed > found.size:
        raise LogCut(found.size, signed, Seen(found.epoch, signed, None))
    return found.size, found.epoch, last


def mark(problem: LogCut, ask: Ask, placeholder: str, witness: Witness) -> None:
    """Mark the log as cut, for every other process. If that fails, this one alone refuses, until its next look."""
    if problem.seen is None:
        return
    epoch, size, last = problem.seen
    try:
        is_first = ask(_CUT.format(placeholder), (size, epoch, size, size, last)).rowcount == 1
    except (sqlite3.Error, psycopg.Error) as trouble:
        _log.error("the log cannot be marked as cut: %s", trouble)
        is_first = True
    if is_first and witness.is_news(problem):
        security_log.line("log_cut", epoch=epoch, known=size, found=problem.size)
