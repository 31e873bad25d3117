"""The threads that call the application."""

import threading
from collections import deque
from collections.abc import Callable

from app.serving.line import Line


class Threads:
    """At most *most* threads, each started when no other is idle.

    One thread is woken for all that waits. It wakes another if it leaves work behind, so a crowd of short requests takes
    few threads, and no request waits for the end of another. `concurrent.futures` wakes a thread for each.
    """

    def __init__(self, most: int, work: Callable[[Line], None]) -> None:
        self._most = most
        self._work = work
        self._given: deque[Line] = deque()
        self._lock = threading.Lock()
        self._started = 0
        self._idle: list[threading.Lock] = []  # for each idle thread the lock that it waits for
        self._is_waking = False
        self._is_over = False

    def give(self, line: Line) -> None:
        """Have a thread work on it after the next `wake`."""
        self._given.append(line)

    def wake(self) -> None:
        """Wake a thread if work waits."""
        if self._given:
            with self._lock:
                self._wake_one()

    def end(self) -> None:
        """Drop what no thread has begun. Each ends with what it does."""
        with self._lock:
            self._is_over = True
            self._given.clear()
            for bell in self._idle:
                bell.release()

    def _wake_one(self) -> None:
        if not self._given or self._is_waking:
            return
        if self._idle:
            self._idle.pop().release()  # the one that worked last: its memory is in the processor's caches
        elif self._started < self._most:
            try:
                threading.Thread(target=self._run).start()
            except RuntimeError:  # the system allows no other: those that there are go on
                return
            self._started += 1
        else:
            return
        self._is_waking = True

    def _run(self) -> None:
        bell = threading.Lock()
        bell.acquire()
        while not self._is_over:
            with self._lock:
                self._is_waking = False
            while line := self._take(bell):
                self._work(line)
            bell.acquire()

    def _take(self, bell: threading.Lock) -> Line | None:
        with self._lock:
            if self._given:
                line = self._given.popleft()
                self._wake_one()
                return line
            self._idle.append(bell)
            if self._is_over:
                bell.release()
            return None
