"""Acts on a stored run, worked out before the transaction: no other writer waits while a story is played."""

from collections.abc import Callable
from typing import Any, NamedTuple

from app.lab import abroad, log
from app.lab.abroad import News
from app.lab.bench import Bench
from app.lab.run import Run

Change = Callable[[Run], Any]


class Done(NamedTuple):
    """The outcome of an act. *run*: to be stored. *news*: for the lab's log, if any. *result*: what the change returned."""

    run: str | None
    news: News | None = None
    result: Any = None

    def write(self, bench: Bench) -> None:
        """Keep it on a *bench* that is locked. Must run inside `db.writing`."""
        bench.run = self.run
        if self.news:
            log.append(**self.news._asdict())


def done(run: Run, result: Any = None) -> Done:
    news = abroad.news(run)
    return Done(run.to_json(), news, result)


class Act:
    """A *change* to a bench's run: worked out on the run of now, and again if another act comes first."""

    def __init__(self, bench: Bench | None, change: Change) -> None:
        self._change, self._known = change, bench.run if bench else None
        self._done = self._work_out()

    @property
    def result(self) -> Any:
        return self._done.result

    def write(self, bench: Bench) -> Any:
        """Keep the change on a *bench* that is locked, and return its result. Must run inside `db.writing`."""
        if bench.run != self._known:
            self._known = bench.run
            self._done = self._work_out()
        self._done.write(bench)
        return self.result

    def _work_out(self) -> Done:
        run = Run.from_json(self._known) if self._known else None
        return done(run, self._change(run)) if run else Done(self._known)
