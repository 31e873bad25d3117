"""Admission: work that costs much waits in a short line of its own, so signing out and reading never wait behind it."""

import os
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager

from flask import Flask, current_app

from app import db
from app.config import POLLERS, THREADS, Settings

RESERVE = 4  # one thread in so many belongs to no line
PATIENCE_SECONDS = 10  # what has waited for so long is told to come back
OWN = 2  # places of one visitor in one line

# Each kind of work, and which part of the threads may run it or wait for it. Their sum leaves the reserve.
PARTS = {"passwords": 12, "lab": 13, "acts": 9, "forms": 4, "days": 2, "proofs": 3, "endings": 2}
# At once, where that is not one for each processor. Acts of the lab take turns at the one write lock; the others wait for
# something else.
PLACES = {"acts": 1, "endings": 4, "forms": 64}


class Full(Exception):
    """The line of *kind* is full: nothing was done, and it is worth trying again soon. *own*: with this visitor's work."""

    def __init__(self, kind: str, *, own: bool = False) -> None:
        super().__init__(kind)
        self.kind, self.own = kind, own


class Queue:
    """The line in front of one kind of work: *length* requests, of which *at_once* run."""

    def __init__(self, kind: str, at_once: int, length: int) -> None:
        self.at_once, self.length = at_once, length
        self._kind = kind
        self._turn = threading.Semaphore(at_once)
        self._lock = threading.Lock()
        self._inside: Counter[str] = Counter()

    @property
    def inside(self) -> int:
        """How many run or wait."""
        return self._inside.total()

    @contextmanager
    def turn(self, whose: str = "") -> Iterator[None]:
        """Wait for a turn, without a connection to the database, and hold it for the block. Raises Full.

        *whose*: the visitor, who may not fill the line alone.
        """
        self._enter(whose)
        try:
            db.let_go()
            if not self._turn.acquire(timeout=PATIENCE_SECONDS):
                raise Full(self._kind)
            try:
                yield
            finally:
                self._turn.release()
        finally:
            self._leave(whose)

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
            self._inside += Counter()  # drops who has left


def init_app(app: Flask, settings: Settings) -> None:
    """Give *app* a line for each kind of work."""
    app.extensions["admission"] = queues(THREADS - POLLERS, max(1, (os.cpu_count() or 1) // settings.workers))


def queues(threads: int, processors: int) -> dict[str, Queue]:
    """Divide the *threads* of a process that may use so many *processors*."""
    shared = threads - -(-threads // RESERVE)
    whole = sum(PARTS.values())
    return {
        kind: Queue(kind, min(PLACES.get(kind, processors), length), length)
        for kind, length in ((kind, shared * part // whole) for kind, part in PARTS.items())
    }


def turn(kind: str, whose: str = "") -> AbstractContextManager[None]:
    """Hold a turn in the line of *kind* for the block. Raises Full."""
    found: dict[str, Queue] = current_app.extensions["admission"]
    return found[kind].turn(whose)
