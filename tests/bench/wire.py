"""Requests over kept connections, and the servers that answer them."""

import os
import re
import selectors
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.cookies import SimpleCookie
from urllib.parse import urlencode

from app.config import THREADS
from tests.backings import free_port
from tests.browsers import PASSWORD, REFRESH
from tests.forking import PROJECT

REQUESTS = 2000
CONNECTIONS = 8


class Connection(socket.socket):
    """A kept connection."""

    def __init__(self, port: int) -> None:
        super().__init__()
        self.connect(("127.0.0.1", port))

    def send_and_read(self, message: bytes) -> tuple[int, list[bytes]]:
        """Send a request; return the status and the headers of its answer."""
        _, answer = self._ask(message)
        lines = answer.splitlines()
        return int(lines[0].split()[1]), lines[1:]

    def measure(self, message: bytes) -> int:
        """Return how many bytes answer a request, which has to succeed."""
        size, answer = self._ask(message)
        if not answer.startswith(b"HTTP/1.1 200"):
            raise SystemExit(answer.decode())
        return size

    def _ask(self, message: bytes) -> tuple[int, bytes]:
        self.sendall(message)
        answer = b""
        while b"\r\n\r\n" not in answer:
            answer += self.recv(65536)
        head, _, body = answer.partition(b"\r\n\r\n")
        found = re.search(rb"(?i)content-length: (\d+)", head)
        missing = int(found[1]) - len(body) if found else 0
        while missing > 0:
            missing -= len(self.recv(missing))
        return len(head) + 4 + int(found[1] if found else 0), head


def message(method: str, path: str, headers: dict[str, str], form: dict[str, str] | None = None) -> bytes:
    body = urlencode(form or {})
    if form:
        headers = headers | {"Content-Type": "application/x-www-form-urlencoded"}
    lines = [f"{method} {path} HTTP/1.1", "Host: localhost", f"Content-Length: {len(body)}"]
    return "\r\n".join([*lines, *(f"{name}: {value}" for name, value in headers.items()), "", body]).encode()


@contextmanager
def serving(name: str, environ: dict[str, str], workers: int = 1) -> Iterator[int]:
    """Serve one of the applications above, as `make run` does."""
    port = free_port()
    server = subprocess.Popen(
        [sys.executable, "-m", "gunicorn", f"tests.bench.apps:{name}()", "--bind", f"127.0.0.1:{port}", "--worker-class",
         "app.serving.worker.Buffered", "--limit-request-line", "0", "--threads", str(THREADS), "--workers", str(workers), "--log-level", "error", "--no-control-socket"],
        cwd=PROJECT, env=os.environ | environ, stderr=subprocess.DEVNULL,  # one line for each sign-in
    )  # fmt: skip
    for _ in range(200):
        try:
            socket.create_connection(("127.0.0.1", port)).close()
            break
        except OSError:
            time.sleep(0.05)
    yield port
    server.terminate()
    server.wait()


def rate(port: int, sent: bytes) -> float:
    """Requests a second over several kept connections, driven by one thread so that the server has the rest."""
    connections = [Connection(port) for _ in range(CONNECTIONS)]
    size = {connection.measure(sent) for connection in connections}.pop()  # all answers are alike
    left = dict.fromkeys(connections, 0)
    done = 0
    began = time.perf_counter()
    with selectors.DefaultSelector() as waiting:
        for connection in connections:
            waiting.register(connection, selectors.EVENT_READ)
            connection.sendall(sent)
            left[connection] = size
        while done < REQUESTS:
            for key, _ in waiting.select():
                connection = key.fileobj
                left[connection] -= len(connection.recv(size))
                if left[connection] == 0:
                    done += 1
                    left[connection] = size
                    connection.sendall(sent)
    took = time.perf_counter() - began
    for connection in connections:
        connection.close()
    return done / took


def each(port: int, count: int, act: Callable[[Connection], None]) -> float:
    """Seconds that *act* takes, one after the other."""
    connection = Connection(port)
    began = time.perf_counter()
    for _ in range(count):
        act(connection)
    took = time.perf_counter() - began
    connection.close()
    return took / count


def cookies(headers: list[bytes]) -> dict[str, str]:
    given = SimpleCookie()
    for line in headers:
        name, _, value = line.decode().partition(": ")
        if name.lower() == "set-cookie":
            given.load(value.strip())
    return {name: morsel.value for name, morsel in given.items() if morsel.value}


def carry(pocket: dict[str, str]) -> dict[str, str]:
    return {"Cookie": "; ".join(f"{name}={value}" for name, value in pocket.items())}


class Chain:
    """A browser whose access token is always missing, so that each page exchanges the refresh token."""

    def __init__(self, pocket: dict[str, str]) -> None:
        self._refresh = pocket[REFRESH]

    def advance(self, connection: Connection) -> None:
        status, headers = connection.send_and_read(message("GET", "/account", carry({REFRESH: self._refresh})))
        if status != 200:
            raise SystemExit(f"a refresh was answered {status}")
        self._refresh = cookies(headers)[REFRESH]


def join(port: int, number: int) -> dict[str, str]:
    connection = Connection(port)
    form = {"name": "Ada", "email": f"ada-{number}@example.org", "password": PASSWORD}
    _, headers = connection.send_and_read(message("POST", "/sign-up", {}, form))
    connection.close()
    return cookies(headers)
