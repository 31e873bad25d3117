"""A user who keeps the store busy."""

import threading

from tests.browsers import PASSWORD
from tests.server import Server


class Writer(threading.Thread):
    """A user who signs in and out again and again, and notes how each was answered."""

    def __init__(self, server: Server, number: int) -> None:
        super().__init__()
        self._server, self._email, self._over = server, f"writer-{number}@example.org", threading.Event()
        self._server.join(self._email)
        self.answers: list[int] = []
        self.start()

    def run(self) -> None:
        while not self._over.is_set():
            status, pocket = self._server.ask("POST", "/sign-in", {}, email=self._email, password=PASSWORD)
            self.answers += [status, self._server.ask("POST", "/sign-out", pocket)[0]]

    def stop(self) -> list[int]:
        self._over.set()
        self.join()
        return self.answers
