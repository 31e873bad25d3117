"""The other end: a small HTTP server on loopback that takes logout messages as an app would, or as it should not."""

import threading
from collections.abc import Callable
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from queue import SimpleQueue
from typing import Any
from urllib.parse import parse_qs

import jwt

from tests.backings import free_port


@dataclass(frozen=True)
class Received:
    """One request as it came. *claims*: what its token says, unverified."""

    path: str
    headers: dict[str, str]
    token: str

    @property
    def claims(self) -> dict[str, Any]:
        found: dict[str, Any] = jwt.decode(self.token, options={"verify_signature": False})
        return found


class Sink:
    """Answers with *status* and *headers*, after *first* was called; keeps what came, and can be waited on."""

    def __init__(self) -> None:
        self.port = free_port()
        self.status = 200
        self.headers: dict[str, str] = {}
        self.first: Callable[[], object] = lambda: None
        self.received: list[Received] = []
        self.connections = 0
        self._news: SimpleQueue[Received] = SimpleQueue()
        self.up()

    @property
    def uri(self) -> str:
        return f"http://127.0.0.1:{self.port}/logout"

    @property
    def sids(self) -> list[str]:
        """Which sessions it was told of, in order, as often as it was told."""
        return [one.claims["sid"] for one in self.received]

    @property
    def jtis(self) -> list[str]:
        return [one.claims["jti"] for one in self.received]

    def up(self) -> None:
        """Be there."""
        self._server = ThreadingHTTPServer(("127.0.0.1", self.port), _handler(self))
        self._server.daemon_threads = True
        self._server.block_on_close = False
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()

    def down(self) -> None:
        """Refuse every connection."""
        self._server.shutdown()
        self._server.server_close()

    def wait(self) -> Received:
        """Return the next message, having waited for it."""
        return self._news.get(timeout=60)

    def take(self, received: Received) -> None:
        self.received.append(received)
        self._news.put(received)


def _handler(sink: Sink) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def setup(self) -> None:
            sink.connections += 1
            super().setup()

        def do_GET(self) -> None:  # where a redirect would lead
            sink.take(Received(self.path, dict(self.headers), ""))

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"])).decode()
            sink.take(Received(self.path, dict(self.headers), parse_qs(body)["logout_token"][0]))
            sink.first()
            self.send_response(sink.status)
            for name, value in {"Content-Length": "0", **sink.headers}.items():
                self.send_header(name, value)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """No one reads it."""

    return Handler
