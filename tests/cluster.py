"""Several nodes of one site, as on several machines: each its own server, instance folder and clock."""

import shutil
import socket
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

from tests import backings
from tests.browsers import ACCESS, REFRESH, Pocket
from tests.server import Server


class Cluster:
    """*count* nodes that share the database of the instance in *folder*. On SQLite they share the machine too."""

    def __init__(self, folder: Path, count: int = 3) -> None:
        self.folder = folder
        self._url = f"http://localhost:{backings.free_port()}"
        with ThreadPoolExecutor(count) as threads:
            self.nodes = list(threads.map(self._start, range(count)))

    def add(self, **environ: str) -> Server:
        """Have one more node join."""
        node = self._start(len(self.nodes), **environ)
        self.nodes.append(node)
        return node

    def stop(self) -> None:
        with ThreadPoolExecutor(len(self.nodes)) as threads:
            list(threads.map(_stop, self.nodes))

    def _start(self, number: int, **environ: str) -> Server:
        home = self.folder
        if "DATABASE_URL" in backings.settings(self.folder):
            home = self.folder.with_name(f"node-{number}")
            home.mkdir(mode=0o700)
            shutil.copy(self.folder / "backing.json", home)
        return Server(home, SITE_URL=self._url, WORKERS="1", **environ)


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
    """A line to a port of this machine that can be cut: it stays open, and nothing comes through."""

    def __init__(self, port: int) -> None:
        self._target = port
        self._whole = threading.Event()
        self._whole.set()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def cut(self) -> None:
        self._whole.clear()

    def mend(self) -> None:
        self._whole.set()

    def close(self) -> None:
        self.mend()
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                near, _ = self._listener.accept()
                far = socket.create_connection(("127.0.0.1", self._target))
                for ends in ((near, far), (far, near)):
                    threading.Thread(target=self._carry, args=ends, daemon=True).start()

    def _carry(self, source: socket.socket, target: socket.socket) -> None:
        with suppress(OSError):
            while content := source.recv(65536):
                self._whole.wait()
                target.sendall(content)
        for end in (source, target):
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
            end.close()
