"""The courier: delivers what is due in the background, in each lane one at a time, so that a recipient that hangs holds up
no other. It holds no connection to the database while it sends."""

import atexit
import logging
import os
import threading
from collections.abc import Callable
from functools import partial
from queue import Empty, SimpleQueue
from typing import Generic, TypeVar

from flask import Flask

from app.outbox.answer import Answer, Outcome
from app.outbox.outgoing import Outgoing
from app.store.db import StoreUnavailable, after_commit, writing

ROOM = 16  # on their way at once, in each process
LOOK_SECONDS = 1.0
GATHER_SECONDS = 0.05
T = TypeVar("T", bound=Outgoing)
_log = logging.getLogger("signed_out.outbox")


class Courier(Generic[T]):
    """A courier of this process, for rows of one *kind*, which messages call *name*.

    *send* makes one attempt, outside of a context, within *seconds*; *report* is called with what was written down.
    """

    def __init__(
        self,
        app: Flask,
        kind: type[T],
        name: str,
        send: Callable[[Flask, T], Answer],
        report: Callable[[T, Answer, Outcome], None],
        *,
        seconds: float,
    ) -> None:
        self._app, self._kind, self._name = app, kind, name
        self._attempt, self._report, self._seconds = send, report, seconds
        self._starting = threading.Lock()
        self._pid = 0
        self._left = threading.Event()
        self._news = threading.Event()
        self._answers: SimpleQueue[tuple[T, Answer]] = SimpleQueue()
        self._back: list[tuple[T, Answer]] = []  # answered, and not yet written down
        self._busy: set[str] = set()  # lanes on which something is on its way

    def start(self) -> None:
        """Begin to deliver, once in each process: no thread survives a fork."""
        with self._starting:
            if self._pid == os.getpid() or self._left.is_set():
                return
            self._pid = os.getpid()
            self._thread = threading.Thread(target=self._follow, name="courier", daemon=True)
            self._thread.start()
            atexit.register(self._leave)

    def wake(self) -> None:
        """Have it look at once."""
        self.start()
        self._news.set()

    def close(self) -> None:
        """Begin nothing more by itself."""
        self._left.set()
        self._news.set()
        atexit.unregister(self._leave)

    def deliver_due(self) -> None:
        """Deliver what is due now, and return once it is written down what came of it. For a process without `start`."""
        while self._turn():
            self._wait(None)

    def _follow(self) -> None:
        while not self._left.is_set():
            self._wait(LOOK_SECONDS)
            self._left.wait(GATHER_SECONDS)  # the page is answered first, and one transaction notes more
            try:
                self._turn()
            except StoreUnavailable as problem:
                _log.warning("%s have to wait: %s", self._name, problem)
            except Exception:  # the next look may do better, and nothing else looks in this process
                _log.exception("%s have to wait", self._name)
        while self._busy and self._turn(begin=False):
            self._wait(None)

    def _wait(self, seconds: float | None) -> None:
        self._news.wait(seconds)
        self._news.clear()

    def _turn(self, *, begin: bool = True) -> bool:
        """Write down what came back, and *begin* to send what is due. Return whether anything is on its way.

        Raises StoreUnavailable; what came back is then kept.
        """
        self._collect()
        with self._app.app_context():
            claimed = self._exchange(ROOM - len(self._busy) if begin else 0)
        self._back.clear()
        for row in claimed:
            self._busy.add(row.lane)
            threading.Thread(target=self._carry, args=(row,), name="courier", daemon=True).start()
        return bool(self._busy)

    def _collect(self) -> None:
        while True:
            try:
                row, answer = self._answers.get_nowait()
            except Empty:
                return
            self._busy.discard(row.lane)
            self._back.append((row, answer))

    def _exchange(self, room: int) -> list[T]:
        """One transaction for all of it, however many there are; none if there is nothing."""
        due = room > 0 and self._kind.are_due()
        if not (self._back or due):
            return []
        with writing():
            for row, answer in self._back:
                outcome = row.note(answer)
                if outcome:
                    after_commit(partial(self._report, row, answer, outcome))
            return self._kind.claim(self._busy, room) if due else []

    def _carry(self, row: T) -> None:
        try:
            answer = self._attempt(self._app, row)
        except Exception:  # of any kind: the row has to come back
            _log.exception("of %s, one could not be sent", self._name)
            answer = Answer(Outcome.FAILED, "it could not be sent")
        self._answers.put((row, answer))
        self._news.set()

    def _leave(self) -> None:
        """Wait for the attempts under way, and begin no others."""
        if self._pid == os.getpid():
            self.close()
            self._thread.join(self._seconds + 1)
