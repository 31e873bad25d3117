"""What a process remembers of the log: a checker, and how far it has read."""

from collections.abc import Callable, Iterable
from typing import Any

from app import clock
from app.revocation.checkers.base import AllOf, Checker
from app.revocation.checkers.cutoff import Cutoff
from app.revocation.checkers.denylist import Denylist
from app.revocation.entries import Entry, Kind, Scope

_HEAD = "SELECT size, epoch FROM log_head"
_NEWS = "SELECT position, scope, subject, opened, until FROM log_entries WHERE kind = 'revoked'"


class Memory:
    """A checker that has been told every revocation up to *position* in the log of *epoch*."""

    def __init__(self, epoch: str) -> None:
        self.epoch = epoch
        self.position = 0
        denylist, cutoff = Denylist(), Cutoff()
        self.checker: Checker = AllOf(denylist, cutoff)
        self.checker.forget(clock.now())  # what has expired need not be read
        # Each is told what concerns it alone: a log to join may hold a million entries.
        self._told = {
            "token": (Scope.TOKEN, denylist.apply),
            "session": (Scope.SESSION, denylist.apply),
            "user": (Scope.USER, cutoff.apply),
        }

    def goes_on(self, size: int, epoch: str) -> bool:
        """Say whether a log with this head is the one remembered: neither begun anew nor an older copy."""
        return epoch == self.epoch and size >= self.position

    def learn(self, size: int, rows: Iterable[Any]) -> None:
        """Take note of *rows*, revocations after `position`, in order; *size* was read before them."""
        position = 0
        for position, name, subject, opened, until in rows:
            scope, apply = self._told[name]
            apply(Entry(position, Kind.REVOKED, scope, subject, opened, until, 0, None, None))
        self.position = max(size, position)
        self.checker.forget(clock.now())


def read(known: Memory | None, ask: Callable[..., Iterable[Any]], placeholder: str) -> Memory:
    """Return a memory that knows all that was committed before this call: *known*, or another if the log is another.

    *ask* runs a statement, each in a snapshot of its own. The head is read first, so an entry committed in between
    is read now or the next time, never skipped.
    """
    ((size, epoch),) = ask(_HEAD)
    memory = known if known and known.goes_on(size, epoch) else Memory(epoch)
    news = f"{_NEWS} AND position > {placeholder} AND until > {placeholder} ORDER BY position"
    memory.learn(size, ask(news, (memory.position, memory.checker.horizon)))
    return memory
