"""A hundred relying parties wait at one site, and neither it nor other users wait for them."""

import json
import socket
from collections.abc import Iterator
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any

import pytest

from app.serving.held import OWN
from tests.relying_party.conftest import until
from tests.server import Server

pytestmark = pytest.mark.server
MANY, FEW = 100, 10


@pytest.fixture(scope="module")
def server(shared_instance: Path) -> Iterator[Server]:
    running = Server(shared_instance, WORKERS="2")
    yield running
    running.stop()


@pytest.fixture
def alone(shared_instance: Path) -> Iterator[Server]:
    """A server of one process."""
    running = Server(shared_instance, WORKERS="1")
    yield running
    running.stop()


class Party:
    """Something that waits for news over one connection."""

    def __init__(self, server: Server, after: int, *, wait: int = 25) -> None:
        self._server = server
        self.socket = socket.create_connection(("127.0.0.1", server.port), timeout=120)
        self.ask(after, wait=wait)

    def ask(self, after: int, *, wait: int = 25) -> None:
        request = f"GET /lab/revoked?after={after}&wait={wait} HTTP/1.1\r\nHost: localhost:{self._server.port}\r\n\r\n"
        self.socket.sendall(request.encode())

    def is_waiting(self) -> bool:
        self.socket.setblocking(False)
        try:
            return not self.socket.recv(1, socket.MSG_PEEK) and False
        except BlockingIOError:
            return True
        finally:
            self.socket.settimeout(120)

    def hear(self) -> dict[str, Any]:
        """Wait for the next answer."""
        content = b""
        while b"\r\n\r\n" not in content:
            more = self.socket.recv(1)
            assert more, "it was hung up on without an answer"
            content += more
        head = content.decode().lower()
        assert head.startswith("http/1.1 200"), head
        left = int(head.split("content-length: ")[1].split("\r\n")[0])
        body = b""
        while len(body) < left:
            body += self.socket.recv(left - len(body))
        found: dict[str, Any] = json.loads(body)
        return found

    def close(self) -> None:
        self.socket.close()


def size(server: Server) -> int:
    found: int = server.query("SELECT size FROM lab_log_head")[0][0]
    return found


def end_something(server: Server, way: str = "sign-out") -> int:
    """Sign out of the lab; return the position of the entry."""
    pocket = server.ask("POST", "/lab/sign-in", {})[1]
    assert server.ask("POST", "/lab/sign-out", pocket, way=way)[0] == 303
    return size(server)


def test_a_hundred_wait_while_others_are_served_and_all_hear_of_the_next_end(server: Server) -> None:
    with ExitStack() as stack:
        before = size(server)
        parties = [stack.enter_context(closing(Party(server, before))) for _ in range(MANY)]
        ada = server.join("ada@example.org")
        assert all(server.is_signed_in(ada) for _ in range(20))
        assert server.ask("GET", "/live?session=any&at=/", ada)[0] == 409
        assert server.ask("POST", "/sign-out", ada)[0] == 303
        assert all(party.is_waiting() for party in parties)
        position = end_something(server)
        heard = [party.hear() for party in parties]
        assert {answer["position"] for answer in heard} == {position}
        assert {len(answer["entries"]) for answer in heard} == {1}
        assert all(0 < answer["waited"] < 25 for answer in heard)


def test_an_empty_answer_is_a_sign_of_life_and_the_connection_goes_on(server: Server) -> None:
    before = size(server)
    with closing(Party(server, before, wait=1)) as party:
        answer = party.hear()
        assert (answer["entries"], answer["position"]) == ([], before)
        assert answer["waited"] >= 1
        party.ask(before)
        position = end_something(server)
        assert party.hear()["position"] == position


def test_a_request_sent_while_another_waits_is_answered_after_it(server: Server) -> None:
    before = size(server)
    with closing(Party(server, before)) as party:
        party.ask(before)
        position = end_something(server)
        assert [party.hear()["position"] for _ in range(2)] == [position] * 2


def test_a_client_that_leaves_makes_room_for_another(alone: Server) -> None:
    with ExitStack() as stack:
        before = size(alone)
        parties = [stack.enter_context(closing(Party(alone, before))) for _ in range(OWN + 1)]
        (turned_away,) = until(lambda: [party for party in parties if not party.is_waiting()], bool)[-1]
        assert turned_away.hear()["waited"] == 0
        next(party for party in parties if party is not turned_away).close()
        until(lambda: is_answered_at_once(alone, before), lambda at_once: not at_once)


def is_answered_at_once(server: Server, after: int) -> bool:
    with closing(Party(server, after, wait=1)) as party:
        return bool(party.hear()["waited"] == 0)


def test_a_server_that_stops_answers_all_of_them_first(alone: Server) -> None:
    with ExitStack() as stack:
        before = size(alone)
        parties = [stack.enter_context(closing(Party(alone, before))) for _ in range(FEW)]
        alone.begin_to_stop()
        assert {party.hear()["position"] for party in parties} == {before}
        assert alone.wait_until_stopped() == 0
