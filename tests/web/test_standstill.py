"""A process that stood still judges nothing that it held: its sender may have gone on at another node."""

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from app import stillness
from app.stillness import GAP_SECONDS, SETTLING_SECONDS, Ticker
from tests.browsers import ACCESS, REFRESH, Browser, Pocket, Site
from tests.cluster import Cluster
from tests.conftest import StillClock

GRACE = 11


@pytest.fixture
def machine(site: Site, monkeypatch: pytest.MonkeyPatch) -> StillClock:
    """The clock of the machine, by which the process beats."""
    machine = StillClock(1000)
    monkeypatch.setattr(stillness, "steady", lambda: float(machine.now))
    ticker: Ticker = site.app.extensions["ticker"]
    ticker.start()
    ticker.start()
    return machine


@pytest.fixture
def stolen(site: Site) -> tuple[Browser, Pocket]:
    """Ada's browser, and a copy of cookies that it has exchanged and gone on from."""
    ada = site.member()
    before = ada.pocket()
    ada.forget(ACCESS)
    assert ada.is_signed_in()
    assert ada.is_signed_in()
    site.wait(GRACE)
    return ada, before


def beat(site: Site, machine: StillClock, seconds: int) -> None:
    """Let the process run for so long without a pause."""
    ticker: Ticker = site.app.extensions["ticker"]
    for _ in range(seconds):
        machine.now += 1
        ticker.beat(machine.now)


def test_a_process_that_ran_all_the_time_judges_theft(
    site: Site, machine: StillClock, stolen: tuple[Browser, Pocket]
) -> None:
    ada, before = stolen
    beat(site, machine, 60)
    assert site.thief(before, REFRESH).get("/account").status_code == 303
    assert not ada.is_signed_in()


def test_a_process_that_stood_still_judges_theft_once_it_has_run_for_a_while(
    site: Site, machine: StillClock, stolen: tuple[Browser, Pocket]
) -> None:
    ada, before = stolen
    machine.now += int(GAP_SECONDS) + 1
    for browser in (site.thief(before, REFRESH), site.thief(before, REFRESH)):
        answer = browser.get("/account")
        assert (answer.status_code, answer.headers["Retry-After"]) == (503, "10")
        assert answer.headers.getlist("Set-Cookie") == []
        assert "stood still" in answer.text
    assert ada.is_signed_in(), "nothing was touched"
    beat(site, machine, int(SETTLING_SECONDS))
    assert site.thief(before, REFRESH).get("/account").status_code == 303
    assert not ada.is_signed_in()


def test_a_process_that_stood_still_refuses_what_needs_no_judgement_of_theft(site: Site, machine: StillClock) -> None:
    ada, bob = site.member(), site.member("bob@example.org")
    left = bob.pocket()
    bob.sign_out()
    machine.now += 60
    assert not site.thief(left).is_signed_in()
    ada.forget(ACCESS)
    assert ada.is_signed_in()


@pytest.fixture
def two(instance: Path) -> Iterator[Cluster]:
    cluster = Cluster(instance, 2)
    yield cluster
    cluster.stop()


@pytest.mark.server
def test_a_node_that_was_stopped_for_a_minute_ends_no_session(two: Cluster) -> None:
    stopped, other = two.nodes
    before = other.join("ada@example.org")
    stopped.pause()
    began = time.monotonic()
    with ThreadPoolExecutor(2) as tabs:
        held = [tabs.submit(stopped.ask, "GET", "/account", {REFRESH: before[REFRESH]}) for _ in range(2)]
        status, after = other.ask("GET", "/account", {REFRESH: before[REFRESH]})
        assert status == 200
        assert other.is_signed_in(after)
        for folder in {node.folder: node for node in two.nodes}.values():
            folder.wait(60)
        while time.monotonic() - began < 2 * GAP_SECONDS:
            time.sleep(0.05)  # the machine's own time has to pass, as the process is really stopped
        stopped.resume()
        answers = [answer.result() for answer in held]
    assert [status for status, _ in answers] == [503, 503]
    assert all(given == {} for _, given in answers)
    for node in two.nodes:
        assert node.is_signed_in(after)
        assert node.is_signed_in({REFRESH: after[REFRESH]})
