"""Several nodes of one site, as on several machines: each its own server, instance folder and clock."""

import shutil
import socket
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

from tests import backings
from tests.browsers import ACCESS, REFRESH, Pocket
from tests.server import Server


class Cluster:
    """*count* nodes that share the database of the instance in *folder*. On SQLite they share the machine too.

    *settings*: gives each its own, by its number.
    """

    def __init__(self, folder: Path, count: int = 3, settings: Callable[[int], dict[str, str]] = lambda _: {}) -> None:
        self.folder = folder
        self._url = f"http://localhost:{backings.free_port()}"
        with ThreadPoolExecutor(count) as threads:
            self.nodes = list(threads.map(lambda number: self._start(number, **settings(number)), range(count)))

    def add(self, *, anew: bool = False, **environ: str) -> Server:
        """Have one more node join."""
        node = self._start(len(self.nodes), anew=anew, **environ)
        self.nodes.append(node)
        return node

    def stop(self) -> None:
        with ThreadPoolExecutor(len(self.nodes)) as threads:
            list(threads.map(_stop, self.nodes))

    def _start(self, number: int, *, anew: bool = False, **environ: str) -> Server:
        home = self.folder
        if "DATABASE_URL" in backings.settings(self.folder):
            home = self.folder.with_name(f"node-{number}")
            home.mkdir(mode=0o700)
            shutil.copy(self.folder / "backing.json", home)
        return Server(home, anew=anew, SITE_URL=self._url, WORKERS="1", **environ)


def _stop(node: Server) -> None:
    with suppress(ProcessLookupError):
        node.resume()
        node.stop()


def accepted(node: Server, pocket: Pocket) -> list[str]:
    """Which of these tokens *node* accepts, each presented alone."""
    found = ["access token at the API"] if node.api(pocket[ACCESS]) == 200 else []
    found += [name for name in (ACCESS, REFRESH) if node.is_signed_in({name: pocket[name]})]
    return found


class Line:
    """A line to a port of this machine, which a test can disturb."""

    def __init__(self, port: int) -> None:
        self.delay = 0.0  # seconds for each piece
        self.cuts = {"requests": -1, "answers": -1}  # so many bytes of each are still let through; all, if negative
        self.drops_commits = False  # each COMMIT reaches the database, and its answer is lost with the connection
        self.drops_only = b""  # ... on a connection that has said this
        self.dropped = 0
        self._target = port
        self._open = threading.Event()
        self._open.set()
        self._is_broken = False
        self._ends: set[socket.socket] = set()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def cut(self) -> None:
        """Let nothing through from now on. Connections stay open."""
        self._open.clear()

    def tear(self) -> None:
        """End all connections, and every new one at once."""
        self._is_broken = True
        for end in list(self._ends):
            _shut(end)

    def mend(self, *, delay: float = 0.0) -> None:
        self.delay, self.drops_commits, self._is_broken = delay, False, False
        self.cuts = dict.fromkeys(self.cuts, -1)
        self._open.set()

    def close(self) -> None:
        self.mend()
        _shut(self._listener)
        self._listener.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                near, _ = self._listener.accept()
                try:
                    self._connect(near)
                except OSError:  # no server is there
                    near.close()

    def _connect(self, near: socket.socket) -> None:
        far = socket.create_connection(("127.0.0.1", self._target))
        self._ends |= {near, far}
        said, committing = threading.Event(), threading.Event()

        def ask(content: bytes) -> None:
            if self._is_doomed(content, said):
                committing.set()
            self._pass("requests", content, far)

        def answer(content: bytes) -> None:
            if committing.is_set():
                self.dropped += 1
                raise ConnectionAbortedError
            self._pass("answers", content, near)

        threading.Thread(target=self._carry, args=(near, far, ask), daemon=True).start()
        threading.Thread(target=self._carry, args=(far, near, answer), daemon=True).start()
        if self._is_broken:
            _shut(near)

    def _pass(self, which: str, content: bytes, to: socket.socket) -> None:
        left = self.cuts[which]
        if left < 0:
            return to.sendall(content)
        self.cuts[which] = max(0, left - len(content))
        to.sendall(content[:left])
        if len(content) >= left:
            raise ConnectionAbortedError
        return None

    def _is_doomed(self, content: bytes, said: threading.Event) -> bool:
        if self.drops_only in content:
            said.set()
        return self.drops_commits and said.is_set() and b"COMMIT\0" in content

    def _carry(self, source: socket.socket, target: socket.socket, send: Callable[[bytes], None]) -> None:
        with suppress(OSError):
            while content := source.recv(65536):
                time.sleep(self.delay)
                self._open.wait()
                send(content)
        for end in (source, target):
            _shut(end)
            end.close()
            self._ends.discard(end)


def _shut(end: socket.socket) -> None:
    with suppress(OSError):
        end.shutdown(socket.SHUT_RDWR)
