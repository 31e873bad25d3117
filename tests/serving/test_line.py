"""A client that takes its answer slowly keeps no thread: the line takes it all at once, and sends what the client takes."""

import socket
from collections.abc import Iterator
from contextlib import closing

import pytest

from app.serving import line as lines
from app.serving.line import Gone, Line

ANSWER = bytes(range(256)) * 20_000  # far more than a socket holds


@pytest.fixture
def ends() -> Iterator[tuple[Line, socket.socket, list[Line]]]:
    called: list[Line] = []
    near, far = socket.socketpair()
    near.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
    line = Line(near, None, called.append)
    with closing(line), closing(far):
        yield line, far, called


def test_an_answer_is_taken_at_once_and_reaches_a_slow_client_whole(
    ends: tuple[Line, socket.socket, list[Line]],
) -> None:
    line, client, called = ends
    line.sendall(ANSWER)
    line.flush()  # had it waited for the client, this test would not go on
    assert line in called, "the loop is told that something is left"
    received = b""
    while not line.push():
        received += client.recv(65536)
    while len(received) < len(ANSWER):
        received += client.recv(65536)
    assert received == ANSWER


def test_small_parts_are_sent_together(ends: tuple[Line, socket.socket, list[Line]]) -> None:
    line, client, _ = ends
    for part in (b"head", b"body"):
        line.sendall(part)
    client.setblocking(False)
    with pytest.raises(BlockingIOError):
        client.recv(8)
    line.flush()
    assert client.recv(8) == b"headbody"


def test_a_client_that_takes_nothing_for_ever_is_given_up(
    ends: tuple[Line, socket.socket, list[Line]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lines, "MOST_UNSENT", 1 << 20)
    line, _, _ = ends
    with pytest.raises(Gone):
        line.sendall(ANSWER)
    assert line.push(), "nothing is kept for it"


def test_a_client_that_has_left_is_noticed(ends: tuple[Line, socket.socket, list[Line]]) -> None:
    line, client, _ = ends
    client.close()
    with pytest.raises(Gone):
        line.sendall(ANSWER)
