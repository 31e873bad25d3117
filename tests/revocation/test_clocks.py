"""A node whose clock is not the database's signs no user in or out."""

import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from app.revocation import clocks
from app.revocation.clocks import Clock, ClockApart
from tests.browsers import ACCESS, PASSWORD, REFRESH, Site
from tests.cluster import Cluster
from tests.conftest import StillClock
from tests.forking import PROJECT
from tests.oauth.conftest import register_app
from tests.oauth.flow import Flow
from tests.server import Server

WRONG = PROJECT / "tests" / "wrong_clock"


def until(happens: Callable[[], object]) -> None:
    """Wait for something that must happen, and give up after a minute."""
    deadline = time.monotonic() + 60
    while not happens():
        assert time.monotonic() < deadline, "it does not happen"
        time.sleep(0.01)


def events(text: str) -> list[dict[str, object]]:
    lines = [json.loads(line) for line in text.splitlines() if line.startswith("{")]
    return [line for line in lines if line["event"] == "clock_apart"]


class Wrong:
    """A node of the cluster whose machine's clock can be set."""

    def __init__(self, cluster: Cluster, folder: Path) -> None:
        self._file = folder / "wrong"
        self.node = cluster.add(anew=True, PYTHONPATH=str(WRONG), WRONG_CLOCK=str(self._file))

    def set(self, seconds: float) -> None:
        self._file.write_text(str(seconds))
        until(lambda: (self.readiness() == "ready") == (abs(seconds) < 2))

    def readiness(self) -> str:
        found = json.loads(self.node.read("/readyz"))
        return str(found.get("reason", "ready"))


@pytest.fixture(scope="module")
def pair(shared_instance: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Server, Wrong]]:
    cluster = Cluster(shared_instance, 1)
    wrong = Wrong(cluster, tmp_path_factory.mktemp("clock"))
    yield cluster.nodes[0], wrong
    cluster.stop()


@pytest.fixture(params=[3600.0, 15.0, -15.0, -3600.0], ids="{:+.0f} s".format)
def skew(request: pytest.FixtureRequest) -> float:
    found: float = request.param
    return found


@pytest.fixture
def email(skew: float, request: pytest.FixtureRequest) -> str:
    """An address that is unused."""
    return f"person{abs(hash(request.node.name))}@example.org"


@pytest.mark.server
@pytest.mark.nodes
def test_a_wrong_clock_makes_no_user_a_thief_on_either_side_and_heals(
    pair: tuple[Server, Wrong], skew: float, email: str
) -> None:
    right, wrong = pair
    first = right.join(email)
    wrong.set(skew)
    second = right.ask("GET", "/account", {REFRESH: first[REFRESH]})[1]  # exchanged at the right one
    for pocket in (first, second):
        assert wrong.node.ask("GET", "/account", {REFRESH: pocket[REFRESH]})[0] == 503
    wrong.node.api(second[ACCESS])  # a use that only a right clock may date
    assert right.is_signed_in({REFRESH: first[REFRESH]})
    assert right.is_signed_in({ACCESS: second[ACCESS]})
    assert right.is_signed_in({REFRESH: first[REFRESH]}), "it is still within its grace there"
    wrong.set(0)
    third = wrong.node.ask("GET", "/account", {REFRESH: second[REFRESH]})
    assert third[0] == 200
    assert right.is_signed_in({REFRESH: second[REFRESH]}), "exchanged at the other one, within the grace"
    assert right.is_signed_in({REFRESH: third[1][REFRESH]})


@pytest.mark.server
@pytest.mark.nodes
def test_it_issues_nothing_and_says_why_and_goes_on_to_check_and_to_end(
    pair: tuple[Server, Wrong], skew: float, email: str
) -> None:
    right, wrong = pair
    pocket = right.join(email)
    reported = len(events(wrong.node.output()))
    wrong.set(skew)
    node = wrong.node
    side = "ahead of" if skew > 0 else "behind"
    assert f"is {abs(skew):.1f} seconds {side} the database's" in wrong.readiness()
    assert node.ask("POST", "/sign-in", {}, email=email, password=PASSWORD)[0] == 503
    assert node.ask("POST", "/sign-up", {}, email=f"new-{email}", password=PASSWORD, name="New")[0] == 503
    if abs(skew) < 60:
        assert node.api(pocket[ACCESS]) == 200
        assert node.ask("POST", "/confirm", pocket, password=PASSWORD)[0] == 503
        assert "The clock of this server is wrong" in node.read("/account", {REFRESH: pocket[REFRESH]})
    assert right.ask("POST", "/sign-up", {}, email=f"new-{email}", password=PASSWORD, name="New")[0] == 303
    assert node.ask("POST", "/sign-out", pocket)[0] == 303
    for found in (right, node):
        assert found.api(pocket[ACCESS]) == 401
    assert [round(float(str(line["seconds"]))) for line in events(node.output())[reported:]] == [skew]
    wrong.set(0)
    assert node.sign_in(email)[ACCESS]


@pytest.fixture
def steady(monkeypatch: pytest.MonkeyPatch) -> StillClock:
    """Every clock of this process stands still: its steady one at 1,000, and its wall clock at 5,000."""
    still = StillClock(0)
    monkeypatch.setattr(clocks, "steady", lambda: 1000 + still.now)
    monkeypatch.setattr(clocks, "wall", lambda: 5000 + still.now)
    return still


def answer(steady: StillClock, ahead: float, seconds: int = 0) -> Callable[[], float]:
    """The database says its time, by which this machine is *ahead*, and takes *seconds* to say so."""

    def ask() -> float:
        steady.now += seconds
        return 5000 + steady.now - seconds / 2 - ahead

    return ask


@pytest.mark.parametrize(("ahead", "is_apart"), [(0, False), (1.9, False), (-1.9, False), (2.1, True), (-2.1, True)])
def test_two_seconds_are_the_bound(steady: StillClock, ahead: float, is_apart: bool) -> None:
    clock = Clock()
    clock.measure(answer(steady, ahead))
    assert (clock.reason() is not None) == is_apart


def test_a_step_of_the_own_clock_shows_without_a_question(steady: StillClock, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Clock()
    clock.measure(answer(steady, 0))
    clock.check()
    monkeypatch.setattr(clocks, "wall", lambda: 5000 + steady.now - 30)
    with pytest.raises(ClockApart, match=r"is 30\.0 seconds behind"):
        clock.check()


def test_an_answer_that_took_long_neither_accuses_nor_acquits_the_clock(steady: StillClock) -> None:
    clock = Clock()
    clock.measure(answer(steady, 3, seconds=4))
    assert clock.reason() is None, "it may have been made at any moment of these four seconds"
    clock.measure(answer(steady, 3))
    assert clock.reason()
    clock.measure(answer(steady, 0, seconds=4))
    assert clock.reason(), "what was measured well stays for a while"
    steady.now += clocks.FRESH_SECONDS
    clock.measure(answer(steady, 0, seconds=4))
    assert clock.reason() is None


def test_a_clock_that_was_never_compared_accuses_no_user() -> None:
    assert Clock().reason() is None
    assert not Clock().is_fresh()


@pytest.mark.nodes
def test_a_process_without_a_reader_asks_before_it_issues(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    site.app.extensions["delivery"].close()
    monkeypatch.setattr(clocks, "wall", lambda: time.time() - 7)
    ada = site.browser()
    assert ada.sign_up().status_code == 503
    monkeypatch.setattr(clocks, "wall", time.time)
    assert ada.sign_up().status_code == 303


@pytest.mark.nodes
def test_a_wrong_clock_uses_up_no_code_of_an_app(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    flow = Flow(register_app(site, "Photos"))
    code = flow.allow(site.member())
    site.app.extensions["delivery"].close()
    monkeypatch.setattr(clocks, "wall", lambda: time.time() + 3600)
    site.wait(3600)  # by this clock the code has expired
    assert flow.exchange(code).status_code == 503
    monkeypatch.setattr(clocks, "wall", time.time)
    site.wait(-3600)
    assert flow.exchange(code).status_code == 200
