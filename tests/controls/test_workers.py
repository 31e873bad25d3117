"""Each control reaches every process of the site: what one worker was told, another does."""

import os
import signal
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from tests.browsers import ACCESS, ENDING, REFRESH, Pocket
from tests.kit.signed_out import SignedOut
from tests.server import Server

pytestmark = pytest.mark.server
HOUR = 60 * 60


@pytest.fixture(scope="module")
def server(shared_instance: Path) -> Iterator[Server]:
    running = Server(shared_instance, WORKERS="2")
    yield running
    running.stop()


@pytest.fixture
def controls(server: Server) -> Iterator[SignedOut]:
    controls = SignedOut(server.url)
    yield controls
    controls.reset()


@contextmanager
def only_worker(server: Server, number: int) -> Iterator[None]:
    """Let one worker answer while the others sleep."""
    others = [pid for pid in server.workers() if pid != server.workers()[number]]
    for pid in others:
        os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        for pid in others:
            os.kill(pid, signal.SIGCONT)


def pocket(controls: SignedOut, email: str = "ada@example.org", *, keep: bool = False) -> Pocket:
    return {cookie["name"]: cookie["value"] for cookie in controls.cookies_for(email, keep=keep)}


def test_a_clock_moved_in_one_worker_has_moved_in_the_other(server: Server, controls: SignedOut) -> None:
    ada = pocket(controls)
    with only_worker(server, 0):
        controls.move_time(12 * HOUR)
        assert not server.is_signed_in(ada)
    with only_worker(server, 1):
        assert not server.is_signed_in(ada)
        controls.move_time(-12 * HOUR)
    with only_worker(server, 0):
        assert server.is_signed_in(ada)


def test_an_outage_begun_in_one_worker_is_one_in_the_other(server: Server, controls: SignedOut) -> None:
    ada = pocket(controls)
    with ExitStack() as outage:
        with only_worker(server, 0):
            outage.enter_context(controls.store_is_down())
        with only_worker(server, 1):
            assert server.ask("GET", "/account", ada)[0] == server.api(ada[ACCESS]) == 503
            assert server.ask("GET", "/readyz", {})[0] == 503
            assert server.ask("GET", "/healthz", {})[0] == server.ask("GET", "/", {})[0] == 200
            assert server.read("/test/store") == '{"down":true}\n'
            outage.close()
        with only_worker(server, 0):
            assert server.is_signed_in(ada)


def test_a_sign_out_during_an_outage_is_completed_afterwards(server: Server, controls: SignedOut) -> None:
    ada = pocket(controls)
    with controls.store_is_down():
        status, given = server.ask("POST", "/sign-out", ada)
        assert status == 503
    assert server.is_signed_in(ada), "the page has said so"
    assert server.ask("POST", "/sign-out", {ENDING: given[ENDING]})[0] == 303
    assert not server.is_signed_in(ada)


def test_refreshes_wait_for_each_other_across_workers_and_get_one_successor(
    server: Server, controls: SignedOut
) -> None:
    only = {REFRESH: pocket(controls)[REFRESH]}
    controls.race(6)
    with ThreadPoolExecutor(6) as tabs:
        held = [tabs.submit(server.ask, "GET", "/account", only) for _ in range(5)]
        while server.read("/test/race") != '{"missing":1}\n':
            assert not any(request.done() for request in held)
        held.append(tabs.submit(server.ask, "GET", "/account", only))
        answers = [request.result() for request in held]
    assert [status for status, _ in answers] == [200] * 6
    assert len({given[REFRESH] for _, given in answers}) == 1
    assert all(server.is_signed_in(given) for _, given in answers)


def test_a_minted_session_signs_in_and_out_like_any_other(server: Server, controls: SignedOut) -> None:
    ada = pocket(controls)
    phone = pocket(controls)
    assert server.is_signed_in(ada)
    assert server.is_signed_in(phone)
    assert server.ask("POST", "/sign-out", ada)[0] == 303
    assert not server.is_signed_in(ada)
    assert not server.is_signed_in({REFRESH: ada[REFRESH]})
    assert server.api(ada[ACCESS]) == 401
    assert server.is_signed_in(phone)


def test_the_controls_say_why_they_refuse(controls: SignedOut) -> None:
    with pytest.raises(RuntimeError, match=r"400: .*email: Enter an email address"):
        controls.cookies_for("nobody")
    with pytest.raises(RuntimeError, match=r"400: .*refreshes: send a number from 2 to 32"):
        controls.race(1)
