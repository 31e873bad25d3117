"""Acts on a stored run, worked out before the transaction: no other writer waits while a story is played."""

from collections.abc import Callable
from typing import Any

from app.lab import log, parties
from app.lab.run import Run
from app.lab.visitors import Visitor

Change = Callable[[Run], Any]


class Act:
    """A *change* to a visitor's run, or to one that begins *anew*: worked out now, and again if another act comes first.

    *name*: the id of the visitor, who may not be there yet. *result*: what the change returned, if there is a run.
    """

    result: Any

    def __init__(self, name: str, visitor: Visitor | None, change: Change, *, anew: bool = False) -> None:
        self._change, self._anew = change, anew
        self._work_out(name, visitor.run if visitor else None)

    def write(self, visitor: Visitor) -> Any:
        """Keep the change for a *visitor* who is locked, and the end of the run in the lab's log. Return the result.

        Must run inside `db.writing`."""
        if self._known != (visitor.id, visitor.run):
            self._work_out(visitor.id, visitor.run)
        if self._run:
            visitor.run = self._run.to_json()
        if self._ended:
            log.append(self._ended)
        return self.result

    def _work_out(self, name: str, known: str | None) -> None:
        self._known, stored = (name, known), Run.from_json(known) if known else None
        self._run = Run(name, opened=log.opened()) if self._anew else stored
        self.result = self._change(self._run) if self._run else None
        self._ended = parties.ended(self._run) if self._run else None
