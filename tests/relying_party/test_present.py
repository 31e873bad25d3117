"""How the lab presents a token to sites elsewhere: at once, for half a second, and trusting no answer to make sense."""

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from app.lab import parties
from tests.browsers import Site

pytestmark = pytest.mark.sqlite
GOOD = b'{"accepted": false, "status": 401, "delivery": "push", "reason": "It is over.", "decided_by": "memory"}'


@contextmanager
def answering(*answers: bytes | None) -> Iterator[list[str]]:
    """A listener for each answer; None listens and says nothing."""
    servers = [socket.create_server(("127.0.0.1", 0)) for _ in answers]
    for server, answer in zip(servers, answers, strict=True):
        if answer is not None:
            threading.Thread(target=_answer, args=(server, answer), daemon=True).start()
    yield [f"http://127.0.0.1:{server.getsockname()[1]}" for server in servers]
    for server in servers:
        server.close()


def _answer(server: socket.socket, answer: bytes) -> None:
    with suppress(OSError):
        connection, _ = server.accept()
        with connection:
            connection.recv(65536)
            connection.sendall(answer)


def http(body: bytes, status: bytes = b"200 OK", header: bytes = b"X: x") -> bytes:
    return b"HTTP/1.1 %s\r\nContent-Length: %d\r\n%s\r\n\r\n%s" % (status, len(body), header, body)


def present(instance: Path, urls: list[str]) -> tuple[list[dict[str, object]], float]:
    """What came back, and after how many seconds."""
    site = Site(instance, RELYING_PARTIES=" ".join(urls))
    parties._client()  # made once for the process
    with site.app.app_context():
        began = time.perf_counter()
        found = parties.present("token")
        seconds = time.perf_counter() - began
    site.close()
    return found, seconds


def test_each_answer_has_its_row_and_nonsense_is_called_so(instance: Path) -> None:
    moved = http(b"", b"302 Found", b"Location: http://127.0.0.1:1/")
    endless = http(GOOD + b" " * parties.MAX_BYTES)
    with answering(http(GOOD), http(b"[]"), http(b'{"status": "401"}'), http(b"\xff"), moved, endless, b"x") as urls:
        (good, *bad), _ = present(instance, urls)
    assert (good["status"], good["delivery"], "problem" in good) == (401, "push", False)
    assert [row["problem"] for row in bad] == ["Its answer makes no sense."] * 5 + ["It does not answer."]


def test_a_silent_client_keeps_the_server_no_longer_than_the_rest(instance: Path) -> None:
    silent = 12
    with answering(*[None] * silent, http(GOOD)) as urls:
        (*rows, good), seconds = present(instance, urls)
    assert good["status"] == 401
    assert all("answer" in str(row["problem"]) for row in rows)
    assert seconds < silent * parties.PATIENCE_SECONDS  # as long as it would take one after the other
