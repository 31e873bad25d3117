"""The real server: `python app.py` with its worker processes, on a random loopback port."""

import http.client
import os
import signal
import socket
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

PROJECT = Path(__file__).resolve().parent.parent


class Server:
    """A running site in an instance folder of its own."""

    def __init__(self, folder: Path, **environ: str) -> None:
        self.folder = folder
        self.port = free_port()
        self.url = f"http://localhost:{self.port}"
        kept = {name: value for name, value in os.environ.items() if not name.startswith("COVERAGE")}
        self._log = folder.parent / f"{folder.name}-{self.port}.log"
        with self._log.open("w") as log:
            self._process = subprocess.Popen(
                [sys.executable, "app.py"],
                cwd=PROJECT,
                env=kept | {"INSTANCE_PATH": str(folder), "PORT": str(self.port), "TEST_CONTROLS": "1", **environ},
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        self._wait_until_up()

    def wait(self, seconds: int) -> None:
        """Move the clock of every worker."""
        file = self.folder / "clock"
        file.write_text(str((int(file.read_text() or 0) if file.exists() else 0) + seconds))

    @contextmanager
    def store_locked(self) -> Iterator[None]:
        """Hold the database's write lock: it can be read and not written."""
        holder = sqlite3.connect(self.folder / "signed-out.db", isolation_level=None)
        holder.execute("BEGIN IMMEDIATE")
        try:
            yield
        finally:
            holder.close()

    def output(self) -> str:
        """What the server has printed so far."""
        return self._log.read_text()

    def stop(self) -> None:
        self._process.send_signal(signal.SIGTERM)
        self._process.wait(timeout=30)

    def _wait_until_up(self) -> None:
        for _ in range(600):
            if self._process.poll() is not None:
                raise RuntimeError(self.output())
            try:
                connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=2)
                connection.request("GET", "/healthz")
                if connection.getresponse().status == 200:
                    return
            except OSError:
                time.sleep(0.05)  # nothing to wait on: the port is not open yet
            finally:
                connection.close()
        self.stop()
        raise RuntimeError(self.output())


def free_port() -> int:
    """Return a loopback port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
