"""Acts on a stored run, worked out before the transaction: no other writer waits while a story is played."""

from collections.abc import Callable
from typing import Any

from app.lab import log, parties
from app.lab.log import Ended
from app.lab.run import Run
from app.lab.visitors import Visitor

Change = Callable[[Run], Any]


class Act:
    """A *change* to a visitor's run: worked out on the run of now, and again if another act comes first.

    *result*: what the change returned, if there is a run.
    """

    def __init__(self, visitor: Visitor | None, change: Change) -> None:
        self._change, self._known = change, visitor.run if visitor else None
        self._work_out()

    def write(self, visitor: Visitor) -> Any:
        """Keep the change for a *visitor* who is locked, and return its result. Must run inside `db.writing`."""
        if visitor.run != self._known:
            self._known = visitor.run
            self._work_out()
        if self._run:
            write(visitor, self._run, self._ended)
        return self.result

    def _work_out(self) -> None:
        self._run = Run.from_json(self._known) if self._known else None
        self.result = self._change(self._run) if self._run else None
        self._ended = parties.ended(self._run) if self._run else None


def write(visitor: Visitor, run: Run, ended: Ended | None) -> None:
    """Keep a run for a *visitor* who is locked, and its end in the lab's log. Must run inside `db.writing`."""
    visitor.run = run.to_json()
    if ended:
        log.append(ended)
