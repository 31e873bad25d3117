"""Requests that wait for news: a held one costs a socket, and no thread."""

import threading
import time
from collections.abc import Callable
from typing import Any

HELD = "signed_out.held"  # in the environment of a request, where the server can hold it
PLACES = 256  # of each process
OWN = 128  # of these, for one network

IsNews = Callable[[Any], bool]


class Held:
    """A request that can be held once. Then it is asked again from its start, and its first answer is dropped.

    *wake* has the server look after it. *waited*: for how many seconds it was held, on the steady clock.
    """

    def __init__(self, shelf: "Shelf", wake: Callable[[], None]) -> None:
        self.shelf = shelf
        self._wake = wake
        self._began = self._end = 0.0
        self._is_news: IsNews = bool
        self._may_wait = True
        self.whose = ""
        self.waited = 0.0
        self.is_held = False
        self.is_due = False

    def wait(self, seconds: float, whose: str, is_news: IsNews) -> bool:
        """Hold it for *seconds*, or until the shelf is rung with something that *is_news*.

        Return False if it was held before, or if there is no place: then answer now.
        """
        if not self._may_wait:
            return False
        self._may_wait = False
        self._began = time.monotonic()
        self._end, self._is_news, self.whose = self._began + seconds, is_news, whose
        self.is_held = self.shelf.take(self)
        return self.is_held

    def concerns(self, news: Any, now: float) -> bool:
        """Return whether the wait is over."""
        return now >= self._end or (news is not None and self._is_news(news))

    def release(self) -> None:
        """Have it asked again."""
        self.waited = time.monotonic() - self._began
        self.is_due = True
        self._wake()


class Shelf:
    """The held requests of one process."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._held: set[Held] = set()
        self._is_open = True
        self._is_used = threading.Event()
        self._looker: threading.Thread | None = None

    def take(self, held: Held) -> bool:
        """Take a request if there is a place for it."""
        with self._lock:
            own = sum(held.whose == other.whose for other in self._held)
            if not self._is_open or len(self._held) >= PLACES or own >= OWN:
                return False
            self._held.add(held)
            self._is_used.set()
            return True

    def drop(self, held: Held) -> None:
        """Forget a request whose client has left."""
        with self._lock:
            self._held.discard(held)

    def ring(self, news: Any = None) -> None:
        """Release requests that waited for these *news*, or long enough."""
        now = time.monotonic()
        with self._lock:
            over = {held for held in self._held if not self._is_open or held.concerns(news, now)}
            self._held -= over
            if not self._held:
                self._is_used.clear()
        for held in over:
            held.release()

    def close(self) -> None:
        """Release all of them, and take no other."""
        with self._lock:
            self._is_open = False
        self.ring()

    def look_for_news(self, look: Callable[[], Any], every: float) -> None:
        """While a request lies here, ring with what *look* returns, *every* so many seconds. Only the first call counts."""
        with self._lock:
            if self._looker is None:
                self._looker = threading.Thread(target=self._look, args=(look, every), name="news", daemon=True)
                self._looker.start()

    def _look(self, look: Callable[[], Any], every: float) -> None:
        while self._is_used.wait():
            self.ring(look())
            time.sleep(every)
