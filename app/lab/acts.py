"""Acts on a stored run, worked out before the transaction: no other writer waits while a story is played."""

from collections.abc import Callable
from typing import Any, NamedTuple

from app.lab import log, parties
from app.lab.log import Ended
from app.lab.run import Run
from app.lab.visitors import Visitor

Change = Callable[[Run], Any]


class Done(NamedTuple):
    """The outcome of an act. *run*: to be stored. *ended*: for the lab's log, if it ended the session. *result*: what the change returned."""

    run: str | None
    ended: Ended | None = None
    result: Any = None

    def write(self, visitor: Visitor) -> None:
        """Keep it for a *visitor* who is locked. Must run inside `db.writing`."""
        visitor.run = self.run
        if self.ended:
            log.append(self.ended)


def done(run: Run, result: Any = None) -> Done:
    ended = parties.ended(run)  # notes in the run that it was told
    return Done(run.to_json(), ended, result)


class Act:
    """A *change* to a visitor's run: worked out on the run of now, and again if another act comes first."""

    def __init__(self, visitor: Visitor | None, change: Change) -> None:
        self._change, self._known = change, visitor.run if visitor else None
        self._done = self._work_out()

    @property
    def result(self) -> Any:
        return self._done.result

    def write(self, visitor: Visitor) -> Any:
        """Keep the change for a *visitor* who is locked, and return its result. Must run inside `db.writing`."""
        if visitor.run != self._known:
            self._known = visitor.run
            self._done = self._work_out()
        self._done.write(visitor)
        return self.result

    def _work_out(self) -> Done:
        run = Run.from_json(self._known) if self._known else None
        return done(run, self._change(run)) if run else Done(self._known)
