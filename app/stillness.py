"""Whether this process stood still: it was stopped, its machine slept, or something held the interpreter. A request
that waited meanwhile is old, and its sender may have gone on elsewhere. So no token in a request is judged as stolen if
the process stood still since the request came, or shortly before: it then waited in a queue.
"""

import os
import threading
import time

from flask import Flask, g, has_request_context

from app import context
from app.clock import steady

BEAT_SECONDS = 0.2
GAP_SECONDS = 1.0
SETTLING_SECONDS = 10.0  # after a gap: requests that waited in queues of the system are read by then


class Ticker:
    """Beats in the background. Between two beats that are too far apart, the process stood still."""

    def __init__(self) -> None:
        self._starting = threading.Lock()
        self._pid = 0
        self._beat_at = 0.0
        self._moved_on_at = float("-inf")

    def start(self) -> None:
        """Begin to beat, once in each process: no thread survives a fork."""
        with self._starting:
            if self._pid == os.getpid():
                return
            self._pid = os.getpid()
            self._beat_at, self._moved_on_at = steady(), float("-inf")
            threading.Thread(target=self._follow, name="ticker", daemon=True).start()

    def beat(self, at: float) -> None:
        """Note that the process runs at *at*, and whether it had stood still until then."""
        if at - self._beat_at > GAP_SECONDS:
            self._moved_on_at = at
        self._beat_at = at

    def stood_still_since(self, began: float) -> bool:
        """Return whether the process stood still after *began*, as far as it was started at all."""
        if self._pid != os.getpid():
            return False
        self.beat(steady())  # the thread may not have run yet after a gap
        return self._moved_on_at > began

    def _follow(self) -> None:
        while True:
            time.sleep(BEAT_SECONDS)
            self.beat(steady())


def init_app(app: Flask) -> None:
    """Give *app* its ticker, and have it note when each request began."""
    app.extensions["ticker"] = Ticker()
    app.before_request(_note_begin)


def is_recent() -> bool:
    """Return whether this process stood still while it held the current request, or shortly before."""
    ticker: Ticker = context.app().extensions["ticker"]
    began: float = g.get("began", steady()) if has_request_context() else steady()
    return ticker.stood_still_since(began - SETTLING_SECONDS)


def _note_begin() -> None:
    context.g().began = steady()
