"""Expensive work waits in a separate, bounded line; signing out and reading a page never wait behind it."""

import math
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any, TypeVar

import pytest
from sqlalchemy import event

from app.capacity import admission
from app.capacity.admission import Full, Others, Queue
from app.capacity.executor import Executor
from app.lab import parties
from app.store.db import db
from app.web import errors
from tests.browsers import PASSWORD, Browser, Site

T = TypeVar("T")


@pytest.fixture
def ada(site: Site) -> Browser:
    return site.member()


@contextmanager
def full(site: Site, *kinds: str) -> Iterator[None]:
    """Fill these lines."""
    lines = site.app.extensions["admission"]
    before = dict(lines)
    lines.update({kind: Queue(kind, at_once=1, length=0) for kind in kinds})
    yield
    lines.update(before)


def begin_run(visitor: Browser) -> None:
    for path in ("sign-in", "copy"):
        assert visitor.post(f"/lab/{path}").status_code == 303


@contextmanager
def statements(site: Site) -> Iterator[list[str]]:
    """Collect what the database is asked."""
    asked: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_rest: object) -> None:
        asked.append(statement)

    with site.app.app_context():
        engine = db.engine
    event.listen(engine, "before_cursor_execute", note)
    yield asked
    event.remove(engine, "before_cursor_execute", note)


def elsewhere(act: Callable[[], T]) -> T:
    """Return what *act* comes to in another thread, as another request would."""
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(act).result()


@contextmanager
def during(site: Site, endpoint: str, act: Callable[[], Any]) -> Iterator[None]:
    """Have something happen in the middle of the first request for *endpoint*."""
    view = site.app.view_functions[endpoint]

    def interrupted(**arguments: Any) -> Any:
        site.app.view_functions[endpoint] = view
        elsewhere(act)
        return view(**arguments)

    site.app.view_functions[endpoint] = interrupted
    yield
    site.app.view_functions[endpoint] = view


class Watch:
    """The steady clock, which moves when someone works or rests."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = 100.0
        self.rests: list[float] = []
        monkeypatch.setattr(admission, "time", SimpleNamespace(monotonic=lambda: self.now, sleep=self._sleep))

    def work(self, seconds: float) -> None:
        self.now += seconds

    def _sleep(self, seconds: float) -> None:
        self.rests.append(seconds)
        self.now += seconds


def is_refused(line: Queue, whose: str = "", *, own: bool = False) -> None:
    with pytest.raises(Full) as refused, line.turn(whose):
        pytest.fail("there was room")
    assert refused.value.own is own


@pytest.mark.parametrize("threads", [32, 64, 100, 200])
@pytest.mark.parametrize("processors", [1, 2, 64])
def test_all_lines_together_leave_a_quarter_of_the_threads_to_everyone_else(threads: int, processors: int) -> None:
    lines = admission.queues(threads, processors).values()
    assert sum(line.length for line in lines) <= threads * 3 / 4
    assert all(0 < line.at_once <= line.length for line in lines)


def test_a_line_takes_so_many_and_no_more_and_has_room_again_when_one_leaves(site: Site) -> None:
    line = Queue("lab", at_once=2, length=2)
    with site.app.app_context(), ExitStack() as inside:
        inside.enter_context(line.turn())
        with line.turn():
            is_refused(line)
        inside.enter_context(line.turn())
        is_refused(line)
    assert line.inside == 0


def test_one_visitor_has_few_places_in_a_line_and_leaves_the_others_to_the_others(site: Site) -> None:
    line = Queue("lab", at_once=9, length=9)
    with site.app.app_context(), ExitStack() as inside:
        for _ in range(admission.OWN):
            inside.enter_context(line.turn("ada"))
        is_refused(line, "ada", own=True)
        inside.enter_context(line.turn("bob"))


def test_a_visitor_who_waited_too_long_is_told_to_come_back(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(admission, "PATIENCE_SECONDS", 0)
    line = Queue("lab", at_once=1, length=2)
    with site.app.app_context(), line.turn():
        is_refused(line)
        assert line.inside == 1


def test_a_line_rests_after_each_turn_in_proportion_while_others_use_the_site(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    watch, others = Watch(monkeypatch), Others()
    line = Queue("acts", at_once=1, length=9, rest=3, others=others)

    def turns(*lengths: float) -> list[float]:
        watch.rests.clear()
        for worked in lengths:
            others.come()
            with line.turn():
                watch.work(worked)
        return watch.rests

    with site.app.app_context():
        assert turns(0.0625, 0.125, 60, 0, 0) == [0, 0.1875, 0.375, admission.LONGEST_REST, 0]
        others.come()
        with line.turn(), line.aside():
            watch.work(0.25)  # elsewhere
        assert turns(0) == [0]
        with line.turn():
            watch.work(admission.LATELY)
        watch.rests.clear()
        with line.turn():
            assert not watch.rests  # there is no one to rest for


def test_the_lab_rests_for_requests_of_the_rest_of_the_site_and_not_for_its_own(site: Site, ada: Browser) -> None:
    others = site.app.extensions["others"]
    lines = site.app.extensions["admission"]
    assert lines["acts"]._others is lines["lab"]._others is others
    assert admission.RESTS.keys() == {kind for kind, line in lines.items() if line.rest}

    visitor = site.browser()
    begin_run(visitor)
    for act in (lambda: visitor.get("/lab"), lambda: visitor.post("/lab/replay")):
        others.seen_at = -math.inf
        act()
        assert not others.are_here()
    with full(site, "acts"):
        assert visitor.get("/lab").status_code == 503
    assert not others.are_here()
    assert ada.sign_out().status_code == 303
    assert others.are_here()


def test_while_a_visitor_waits_for_work_done_elsewhere_the_lab_serves_the_next(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(admission, "PATIENCE_SECONDS", 0)
    visitor, other = site.browser(), site.browser()
    begin_run(visitor)
    run, served = Executor.run, []

    def run_slowly(self: Executor, *call: Any) -> Any:
        monkeypatch.setattr(Executor, "run", run)
        served.append(elsewhere(lambda: other.get("/lab").status_code))
        return run(self, *call)

    def ask_slowly(*_asked: object) -> dict[str, Any]:
        served.append(other.get("/lab").status_code)
        return {"problem": "slow"}

    monkeypatch.setattr(Executor, "run", run_slowly)
    found = site.app.extensions["settings"]
    site.app.extensions["settings"] = replace(found, relying_parties=("http://127.0.0.2:9",))
    monkeypatch.setattr(parties, "_ask", ask_slowly)
    assert visitor.post("/lab/replay").status_code == 303
    assert served == [200, 200]
    with during(site, "lab.experiment.show", lambda: served.append(other.get("/lab").status_code)):
        assert visitor.get("/lab").status_code == 200
    assert served[2:] == [503]


def test_each_kind_of_work_has_words_for_those_it_turns_away() -> None:
    assert errors.FULL.keys() == admission.PARTS.keys()


def test_while_the_lab_is_full_its_visitors_are_told_when_to_come_back_and_others_sign_out(
    site: Site, ada: Browser
) -> None:
    visitor = site.browser()
    begin_run(visitor)
    with full(site, "lab", "acts", "days"):
        answers = [
            visitor.post("/lab/replay"),
            visitor.post("/lab/answer"),
            visitor.post("/lab/path/A17", guess="both"),
            visitor.post("/lab/sign-out", way="sign-out"),
            visitor.post("/lab/faults", fault="store"),
            visitor.get("/lab/costs?people=4900"),
        ]
        assert [answer.status_code for answer in answers] == [503] * 6
        for answer in answers:
            assert int(answer.headers["Retry-After"]) > 0
            assert "Nothing was changed" in answer.text
            assert "line is full" in answer.text
        with statements(site) as asked:
            assert visitor.get("/lab").status_code == 503
            assert visitor.post("/lab/replay").status_code == 503
        assert not asked  # a crowd that is refused costs little
        assert visitor.get("/lab/revoked").status_code == 200  # relying parties go on
        assert ada.is_signed_in()
        assert ada.sign_out().status_code == 303
        assert not ada.is_signed_in()
        assert ada.sign_in().status_code == 303
    with full(site, "lab", "days"):  # while nothing can be played, pages that play nothing are there
        assert visitor.get("/lab").status_code == 200
        assert "Sign in to begin" in site.browser().get("/lab").text


@contextmanager
def two_under_way(site: Site, visitor: Browser, kind: str) -> Iterator[None]:
    """Begin a run of *visitor*, who has two requests of this kind under way."""
    begin_run(visitor)
    name = site.query("SELECT id FROM lab_visitors")[0].id
    line = site.app.extensions["admission"][kind] = Queue(kind, at_once=9, length=9)
    with site.app.app_context(), line.turn(name), line.turn(name):
        yield


def test_a_visitor_who_presses_again_while_the_first_is_under_way_is_told_that_it_is_their_own(site: Site) -> None:
    visitor = site.browser()
    with two_under_way(site, visitor, "lab"):
        answer = visitor.post("/lab/replay")
    assert (answer.status_code, answer.headers["Retry-After"]) == (429, str(errors.BUSY_SECONDS))
    assert "You have asked for this already" in answer.text
    assert visitor.post("/lab/replay").status_code == 303


def test_a_browser_that_loads_many_tabs_of_the_lab_at_once_gets_them_all(site: Site) -> None:
    visitor = site.browser()
    with two_under_way(site, visitor, "acts"):
        assert visitor.get("/lab").status_code == 200
        assert visitor.post("/lab/replay").status_code == 429


def test_while_passwords_and_proofs_wait_everyone_else_goes_on(site: Site, ada: Browser) -> None:
    with full(site, "passwords", "proofs"):
        assert ada.post("/confirm", password=PASSWORD).status_code == 503
        assert site.browser().get("/log/checkpoint").get_json() == {"error": "temporarily_unavailable"}
        assert site.browser().get("/log/tile/0/000.p/1").status_code == 503
        assert site.browser().get("/log/tile/entries/000.p/1").status_code == 503
        assert ada.sign_out().status_code == 303
        assert ada.get("/signed-out.tlog-proof").status_code == 503
    assert ada.get("/signed-out.tlog-proof").status_code == 200


def test_while_many_end_their_others_the_rest_goes_on_and_nothing_is_half_done(site: Site, ada: Browser) -> None:
    phone = site.browser("Chrome on Android")
    phone.sign_in()
    with full(site, "endings"):
        form = {"current": PASSWORD, "password": "nine quiet walruses", "end_others": "y"}
        for answer in (ada.post("/devices/end-others"), ada.post("/account/password", **form)):
            assert answer.status_code == 503
            assert int(answer.headers["Retry-After"]) > 0
            assert "None of yours was ended yet" in answer.text
        assert phone.is_signed_in()
        assert ada.post("/devices/end-all").status_code == 303
    assert not phone.is_signed_in()
    assert site.browser().sign_in().status_code == 303


def test_a_day_already_simulated_needs_no_turn(site: Site) -> None:
    known = "/lab/costs?people=20"
    assert site.browser().get(known).status_code == 200
    with full(site, "days"):
        assert site.browser().get("/lab/costs?people=20&poll=295").status_code == 503
        assert site.browser().get(known).status_code == 200


@pytest.mark.sqlite
def test_without_the_lab_there_is_no_page_of_it_and_no_link_to_it(instance: Path) -> None:
    site = Site(instance, LAB="0")
    ada = site.member()
    for path in ("/lab", "/lab/designs", "/lab/costs", "/lab/path/Q1", "/lab/rooms", "/lab/revoked"):
        assert ada.get(path).status_code == 404
    assert ada.post("/lab/sign-in").status_code == 404
    for path in ("/", "/devices", "/account", "/sign-out", "/lab"):
        assert 'href="/lab' not in ada.get(path).text
        assert 'href="/lab' not in site.browser().get(path).text
    said = site.run("relying-party", "--issuer", "http://localhost:8000", "--port", "9", "--delivery", "poll")
    assert said.exit_code == 1
    assert "LAB=0" in said.output
    assert ada.sign_out().status_code == 303
    site.close()
