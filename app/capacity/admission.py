"""Admission: expensive work waits in its own short line, so signing out and reading never wait behind it."""

import math
import os
import threading
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from typing import TypeVar

from flask import Flask, g

from app import context
from app.config import POLLERS, THREADS, settings
from app.store import db

RESERVE = 4  # one thread in four belongs to no line
PATIENCE_SECONDS = 10  # a request that waited longer is told to come back
OWN = 2  # places of one visitor in one line
SHARED = 3  # one place in three of a line may wait for what another request computes

# Each kind of work, and which part of the threads may run it or wait for it. Their sum leaves the reserve.
PARTS = {"passwords": 12, "lab": 7, "acts": 15, "forms": 4, "days": 2, "proofs": 3, "endings": 2}
# At once, where that is not one for each processor. Requests of the lab take turns at the interpreter's lock; the others
# wait for something else.
PLACES = {"acts": 1, "endings": 4, "forms": 64}
# How long a line rests after a turn, as a multiple of what the turn took, while anyone uses the rest of the site. So the
# lab gets a fifth of a worker, and half of a processor beside it, however many visitors it has.
RESTS = {"acts": 4.0, "lab": 1.0}
LONGEST_REST = 0.5  # seconds
LATELY = 1  # seconds for which a request shows that someone uses the site
T = TypeVar("T")


class Full(Exception):
    """The line of *kind* is full: nothing was done; try again soon. *own*: with this visitor's work."""

    def __init__(self, kind: str, *, own: bool = False) -> None:
        super().__init__(kind)
        self.kind, self.own = kind, own


class Others:
    """The requests of this process that hold no turn of a line that rests."""

    def __init__(self) -> None:
        self.seen_at = -math.inf

    def are_here(self) -> bool:
        """Return whether there was one recently."""
        return time.monotonic() - self.seen_at < LATELY

    def come(self) -> None:
        self.seen_at = time.monotonic()


class Queue:
    """The line in front of one kind of work: *length* requests, of which *at_once* run.

    *rest*: how long the next one waits, as a multiple of what the last turn took, while *others* are here.
    """

    def __init__(self, kind: str, at_once: int, length: int, rest: float = 0, others: Others | None = None) -> None:
        self.at_once, self.length, self.rest = at_once, length, rest
        self._kind = kind
        self._turn = threading.Semaphore(at_once)
        self._shared = threading.Semaphore(length // SHARED)
        self._lock = threading.Lock()
        self._inside: Counter[str] = Counter()
        self._others = others or Others()
        self._began = self._rested = 0.0

    @property
    def inside(self) -> int:
        """How many requests run or wait."""
        return self._inside.total()

    @contextmanager
    def turn(self, whose: str = "") -> Iterator[None]:
        """Wait for a turn, without a connection to the database, and hold it for the block. Raises Full.

        *whose*: the visitor. One visitor may not fill the line.
        """
        self._enter(whose)
        try:
            db.let_go()
            self._begin(PATIENCE_SECONDS)
            try:
                yield
            finally:
                self._end()
        finally:
            self._leave(whose)

    @contextmanager
    def aside(self) -> Iterator[None]:
        """Let the next one have the turn for the block, then wait for it again. The place in the line is kept."""
        self._end()
        try:
            yield
        finally:
            self._begin(None)

    @contextmanager
    def shared(self) -> Iterator[None]:
        """Do the same while another request does the work of this one. Raises Full if too much of the line does so."""
        if not self._shared.acquire(blocking=False):
            raise Full(self._kind)
        try:
            with self.aside():
                yield
        finally:
            self._shared.release()

    def _begin(self, patience: float | None) -> None:
        if not self._turn.acquire(timeout=patience):
            raise Full(self._kind)
        if self._others.are_here():
            time.sleep(max(0, self._rested - time.monotonic()))
        self._began = time.monotonic()

    def _end(self) -> None:
        now = time.monotonic()
        self._rested = now + min(LONGEST_REST, self.rest * (now - self._began))
        self._turn.release()

    def _enter(self, whose: str) -> None:
        with self._lock:
            if whose and self._inside[whose] >= OWN:
                raise Full(self._kind, own=True)
            if self.inside >= self.length:
                raise Full(self._kind)
            self._inside[whose] += 1

    def _leave(self, whose: str) -> None:
        with self._lock:
            self._inside[whose] -= 1
            self._inside += Counter()  # drops visitors that have left


def init_app(app: Flask) -> None:
    """Give *app* a line for each kind of work."""
    others = app.extensions["others"] = Others()
    processors = max(1, (os.cpu_count() or 1) // settings().workers)
    app.extensions["admission"] = queues(THREADS - POLLERS, processors, others)
    app.teardown_request(lambda _problem: _leave(others))


def queues(threads: int, processors: int, others: Others | None = None) -> dict[str, Queue]:
    """Divide the *threads* of a process that may use *processors*."""
    shared = threads - -(-threads // RESERVE)
    whole = sum(PARTS.values())
    return {
        kind: Queue(kind, min(PLACES.get(kind, processors), length), length, RESTS.get(kind, 0), others)
        for kind, length in ((kind, shared * part // whole) for kind, part in PARTS.items())
    }


def turn(kind: str, whose: str = "") -> AbstractContextManager[None]:
    """Hold a turn in the line of *kind* for the block. Raises Full."""
    return _queue(kind).turn(whose)


def hold(kind: str, whose: str = "") -> None:
    """Hold a turn in the line of *kind* to the end of this request. Raises Full."""
    g.holds, queue, held = True, _queue(kind), ExitStack()
    with held:
        held.enter_context(queue.turn(whose))
        g.turn = queue, held.pop_all()


def aside() -> AbstractContextManager[None]:
    """Give up this request's turn, if any, for the block, which waits for work elsewhere."""
    queue = _held()
    return queue.aside() if queue else nullcontext()


def wait(work: Future[T]) -> T:
    """Return what *work* of another request comes to, or raise what it raises. Meanwhile hold no turn and no connection.

    Raises Full where too many wait like this: those who ask for one thing leave the line to the others.
    """
    db.let_go()
    queue = _held()
    with queue.shared() if queue else nullcontext():
        return work.result()


def _held() -> Queue | None:
    found: Queue | None = g.get("turn", (None, None))[0]
    return found


def _leave(others: Others) -> None:
    here = context.g()
    if "holds" not in here:
        others.come()
        return
    _, held = here.pop("turn", (None, None))
    if held:
        held.close()


def _queue(kind: str) -> Queue:
    found: dict[str, Queue] = context.app().extensions["admission"]
    return found[kind]
