"""Acts on a stored run, worked out before the transaction: no other writer waits while a story is played."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

from app.lab import log, parties, visitors
from app.lab.log import Ended
from app.lab.run import Run
from app.lab.visitors import Visitor

Change = Callable[[Run], Any]


def act(name: str, turn: AbstractContextManager[Visitor | None], change: Change, *, anew: bool = False) -> Any:
    """Do a *change* to the run of the visitor of this id, who may not be there yet, or to one that begins *anew*.

    Keep it in the *turn* to write, which locks the visitor; if another act came first, work it out again. Return what the
    change returned: None if there is no run, or if the form was acted on before.
    """
    visitor = visitors.find(name)
    known = name, visitor.run if visitor else None
    run, ended, result = _work_out(*known, change, anew)
    with turn as visitor:
        if visitor is None or visitor.has_acted():
            return None
        if known != (visitor.id, visitor.run):
            run, ended, result = _work_out(visitor.id, visitor.run, change, anew)
        if run:
            visitor.run = run.to_json()
        if ended:
            log.append(ended)
        return result


def _work_out(name: str, stored: str | None, change: Change, anew: bool) -> tuple[Run | None, Ended | None, Any]:
    """Return the run after the change, its entry in the lab's log if the change has ended it, and the result."""
    run = Run(name, opened=log.opened()) if anew else Run.from_json(stored)
    if run is None:
        return None, None, None
    was, result = parties.over(run), change(run)
    return run, parties.ended(run) if parties.over(run) != was else None, result
