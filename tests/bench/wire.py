"""Servers of the applications in `apps`, and many requests at once over kept connections."""

import os
import re
import selectors
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

from app.config import THREADS
from tests.backings import free_port
from tests.bench.line import Asked
from tests.forking import PROJECT

REQUESTS = 2000
CONNECTIONS = 8


@contextmanager
def serving(name: str, environ: dict[str, str], workers: int = 1) -> Iterator[tuple[int, int]]:
    """Serve one of the applications with the site's own worker; return its port and its first process."""
    port = free_port()
    server = subprocess.Popen(
        [sys.executable, "-m", "gunicorn", f"tests.bench.apps:{name}()", "--bind", f"127.0.0.1:{port}", "--worker-class",
         "app.serving.worker.Buffered", "--limit-request-line", "0", "--threads", str(THREADS), "--workers", str(workers), "--log-level", "error", "--no-control-socket"],
        cwd=PROJECT, env=os.environ | environ,
    )  # fmt: skip
    for _ in range(200):
        try:
            socket.create_connection(("127.0.0.1", port)).close()
            break
        except OSError:
            time.sleep(0.05)
    yield port, server.pid
    server.terminate()
    server.wait()


def flood(port: int, asked: Asked) -> None:
    """Ask so often over several kept connections, driven by one thread to leave the server the rest."""
    sent = asked.raw
    connections = [socket.create_connection(("127.0.0.1", port)) for _ in range(CONNECTIONS)]
    size = {_size(connection, sent) for connection in connections}.pop()  # all answers are alike
    left = dict.fromkeys(connections, size)
    done = 0
    with selectors.DefaultSelector() as waiting:
        for connection in connections:
            waiting.register(connection, selectors.EVENT_READ, connection)
            connection.sendall(sent)
        while done < REQUESTS:
            for key, _ in waiting.select(timeout=60) or sys.exit("a server does not answer"):
                left[key.data] -= len(key.data.recv(size))
                if left[key.data] == 0:
                    done += 1
                    left[key.data] = size
                    key.data.sendall(sent)
    for connection in connections:
        connection.close()


def _size(connection: socket.socket, sent: bytes) -> int:
    """Return the size of an answer, which must be a success."""
    connection.sendall(sent)
    answer = b""
    while not _is_whole(answer):
        answer += connection.recv(65536)
    if not answer.startswith(b"HTTP/1.1 200"):
        raise SystemExit(answer.decode())
    return len(answer)


def _is_whole(answer: bytes) -> bool:
    head, found, body = answer.partition(b"\r\n\r\n")
    length = re.search(rb"(?i)content-length: (\d+)", head)
    return bool(found) and (len(body) >= int(length[1]) if length else body.endswith(b"0\r\n\r\n"))
