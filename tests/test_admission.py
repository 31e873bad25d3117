"""What costs much waits in a bounded line of its own; signing out and reading a page never wait behind it."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from app import admission
from app.admission import Full, Queue
from app.web import errors
from tests.browsers import PASSWORD, Browser, Site


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


def test_one_that_has_waited_for_too_long_is_told_to_come_back(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(admission, "PATIENCE_SECONDS", 0)
    line = Queue("lab", at_once=1, length=2)
    with site.app.app_context(), line.turn():
        is_refused(line)
        assert line.inside == 1


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
        assert visitor.get("/lab").status_code == 200
        assert "Sign in to begin" in site.browser().get("/lab").text
        assert ada.is_signed_in()
        assert ada.sign_out().status_code == 303
        assert not ada.is_signed_in()
        assert ada.sign_in().status_code == 303


def test_a_visitor_who_presses_again_while_the_first_is_under_way_is_told_that_it_is_their_own(site: Site) -> None:
    visitor = site.browser()
    begin_run(visitor)
    bench = site.query("SELECT id FROM lab_benches")[0].id
    line = site.app.extensions["admission"]["lab"] = Queue("lab", at_once=9, length=9)
    with site.app.app_context(), line.turn(bench), line.turn(bench):
        answer = visitor.post("/lab/replay")
    assert (answer.status_code, answer.headers["Retry-After"]) == (429, str(errors.BUSY_SECONDS))
    assert "You have asked for this already" in answer.text
    assert visitor.post("/lab/replay").status_code == 303


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
    known = "/lab/costs?people=100"
    assert site.browser().get(known).status_code == 200
    with full(site, "days"):
        assert site.browser().get("/lab/costs?people=100&poll=295").status_code == 503
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
