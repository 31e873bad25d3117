"""A press whose answer was lost, as the server restarted, is sent again: nothing is lost, and nothing counts twice."""

import re
import secrets
from contextlib import contextmanager
from types import ModuleType
from typing import Any

import pytest

from app.capacity.throttle import Quota, Throttle
from app.lab import player, resource, visitors
from app.lab.player import Stage
from app.lab.rooms import page
from app.lab.run import Run
from app.store.db import db, is_writing, writing
from tests.browsers import SITE_URL, Browser, Site
from tests.lab.conftest import Visitor
from tests.workshop import Teacher

pytestmark = pytest.mark.sqlite
LAB = "__Host-Http-lab"
FORM = re.compile(r'<form[^>]* action="(/lab[^"]*)" method="post">(.*?)</form>', re.DOTALL)
FIELD = re.compile(r'<input type="hidden" name="(\w+)" value="([^"]*)"[^>]*>')
IDEMPOTENT = re.compile(r"/lab/path/|/lab/rooms/[^/]+/(reset|remove|close)$")


def forms(browser: Browser, page: str) -> list[tuple[str, dict[str, str]]]:
    """The forms of a page that post, with their hidden fields."""
    return [(path, dict(FIELD.findall(inner))) for path, inner in FORM.findall(browser.get(page).text)]


def pick(browser: Browser, path: str, page: str = "/lab", **chosen: str) -> dict[str, str]:
    """The fields of one form."""
    found = [fields for action, fields in forms(browser, page) if action == path and chosen.items() <= fields.items()]
    assert found, (path, chosen)
    return found[0]


@pytest.fixture
def ada(site: Site) -> Visitor:
    return Visitor(site, site.browser())


def acts(run: Run) -> list[object]:
    return list(run.acts)


@pytest.mark.parametrize(
    ("path", "chosen"),
    [
        ("copy", {}),
        ("refresh", {}),
        ("time", {"step": "minute"}),
        ("time", {"step": "poll"}),
        ("faults", {"fault": "store"}),
        ("faults", {"fault": "push"}),
        ("sign-out", {"way": "sign-out"}),
    ],
)
def test_an_act_that_is_sent_again_counts_once_and_one_of_a_new_page_counts_again(
    ada: Visitor, path: str, chosen: dict[str, str]
) -> None:
    ada.sign_in_and_copy()
    sent = pick(ada.browser, f"/lab/{path}", **chosen)
    ada.press(path, **sent)
    once = ada.run()
    ada.press(path, **sent)
    assert (acts(ada.run()), ada.run().time) == (acts(once), once.time)
    if path != "sign-out":
        ada.press(path, **pick(ada.browser, f"/lab/{path}", **chosen))
        assert (acts(ada.run()), ada.run().time) != (acts(once), once.time)


def test_a_button_of_a_page_that_has_grown_old_does_what_it_says(ada: Visitor) -> None:
    ada.sign_in_and_copy()
    two_tabs = [pick(ada.browser, "/lab/faults", fault="store") for _ in range(2)]
    for sent in two_tabs:
        ada.press("faults", **sent)
        assert ada.stage().world.cut == {"store"}
    ada.press("faults", **pick(ada.browser, "/lab/faults", fault="store"))
    assert not ada.stage().world.cut


@pytest.mark.parametrize("path", ["copy", "refresh", "sign-out", "time", "faults", "replay", "answer", "revoke"])
def test_no_story_is_played_while_other_writers_wait(ada: Visitor, path: str, monkeypatch: pytest.MonkeyPatch) -> None:
    ada.sign_in_and_copy()
    token, played, play = ada.held()["refresh"], list[bool](), player.play

    def look(*story: Any) -> Stage:
        played.append(is_writing())
        return play(*story)

    monkeypatch.setattr(player, "play", look)
    if path == "revoke":
        with ada.site.app.app_context():
            name, secret = resource.credentials()
        ada.site.app.test_client(use_cookies=False).post(
            "/lab/revoke", base_url=SITE_URL, data={"token": token}, auth=(name, secret)
        )
    else:
        ada.press(path, way="sign-out", step="minute", fault="store", press=secrets.token_urlsafe(24))
    assert played
    assert not any(played)


def test_the_later_of_two_acts_at_once_works_on_what_the_first_left(
    ada: Visitor, monkeypatch: pytest.MonkeyPatch
) -> None:
    ada.sign_in_and_copy()
    changing = visitors.changing

    @contextmanager
    def after_another(**how: Any) -> Any:
        """Sign out in another tab, which another worker serves."""
        run = ada.run()
        run.leave("sign-out")
        with ada.site.app.app_context(), writing():
            db.session.query(visitors.Visitor).update({"run": run.to_json()})
        with changing(**how) as visitor:
            yield visitor

    monkeypatch.setattr(visitors, "changing", after_another)
    ada.press("time", step="minute")
    run = ada.run()
    assert [act.name for act in run.acts] == ["sign-in", "copy", "sign-out"]
    assert (run.ended_by, run.now) == ("sign-out", 60)


def test_the_first_press_that_is_sent_again_without_its_cookie_finds_its_visitor(site: Site, ada: Visitor) -> None:
    sent = pick(ada.browser, "/lab/sign-in")
    ada.press("sign-in", **sent)
    cookie, begun = ada.browser.cookie(LAB), ada.run()
    ada.browser.forget(LAB)  # it came with the answer that was lost
    ada.press("sign-in", **sent)
    assert ada.browser.cookie(LAB) == cookie
    assert ada.run() == begun
    assert site.query("SELECT count(*) FROM lab_visitors") == [(1,)]


def test_a_press_sent_again_beside_the_cookie_of_a_visitor_that_is_gone_finds_its_visitor(
    site: Site, ada: Visitor
) -> None:
    ada.browser.client.set_cookie(LAB, "of a month ago")
    sent = pick(ada.browser, "/lab/sign-in")
    ada.press("sign-in", **sent)
    cookie, begun = ada.browser.cookie(LAB), ada.run()
    ada.browser.client.set_cookie(LAB, "of a month ago")
    ada.press("sign-in", **sent)
    assert ada.browser.cookie(LAB) == cookie
    assert ada.run() == begun
    assert site.query("SELECT count(*) FROM lab_visitors") == [(1,)]


def test_the_one_press_that_is_sent_again_without_its_cookie_counts_once(site: Site, ada: Visitor) -> None:
    sent = pick(ada.browser, "/lab/answer")
    ada.press("answer", **sent)
    cookie, once = ada.browser.cookie(LAB), ada.run()
    assert once.outcome == [8, len(player.every())]
    ada.browser.forget(LAB)
    ada.press("answer", **sent)
    assert ada.browser.cookie(LAB) == cookie
    assert ada.run() == once
    ada.press("answer", **pick(ada.browser, "/lab/answer"))
    assert ada.run().seed != once.seed
    assert site.query("SELECT count(*) FROM lab_visitors") == [(1,)]


@pytest.mark.parametrize("is_program", [True, False])
def test_a_cookie_of_a_forgotten_visitor_makes_one_new_visitor_in_one_press(
    site: Site, ada: Visitor, is_program: bool
) -> None:
    sent = {} if is_program else pick(ada.browser, "/lab/answer")
    ada.browser.client.set_cookie(LAB, "of a visitor who was away for a month")
    ada.press("answer", **sent)
    assert site.query("SELECT count(*) FROM lab_visitors") == [(1,)]
    assert ada.run().outcome == [8, len(player.every())]


def test_an_attendee_who_joins_and_loses_the_answer_joins_again_under_the_same_nickname(site: Site) -> None:
    teacher, ada = Teacher(site), site.browser()
    door = f"{teacher.room}/join"
    sent = pick(ada, door, door) | {"nickname": "Ada"}
    assert ada.post(door, **sent).location == "/lab"
    ada.forget(LAB)
    assert ada.post(door, **sent).location == "/lab"
    assert teacher.board().count('<th scope="row">') == 1
    stranger = site.browser()
    assert stranger.post(door, **pick(stranger, door, door), nickname="Ada").status_code == 422


def test_a_room_is_opened_once(site: Site) -> None:
    teacher = site.browser()
    sent = pick(teacher, "/lab/rooms", "/lab/rooms") | {"name": "Thursday"}
    first = teacher.post("/lab/rooms", **sent).location
    teacher.forget(LAB)
    assert teacher.post("/lab/rooms", **sent).location == first
    assert teacher.post("/lab/rooms", **pick(teacher, "/lab/rooms", "/lab/rooms"), name="Friday").location != first


@pytest.mark.parametrize(
    ("path", "quota", "place"),
    [
        ("/lab/rooms", (page, "openings"), "/lab/rooms"),
        ("/lab/sign-in", (visitors, "begun"), "/lab"),
        ("/lab/answer", (visitors, "begun"), "/lab"),
        ("/lab/answer", (visitors, "made"), "/lab"),
    ],
    ids=["a room", "a run", "a run at once", "a visitor"],
)
@pytest.mark.parametrize("cookie", [None, "of a month ago"])
def test_a_press_that_is_sent_again_spends_no_more_of_what_its_network_may_begin(
    site: Site,
    monkeypatch: pytest.MonkeyPatch,
    path: str,
    quota: tuple[ModuleType, str],
    place: str,
    cookie: str | None,
) -> None:
    monkeypatch.setattr(*quota, Quota("in a test", "1 per hour"))
    ada, bob = (site.browser(address="203.0.113.8") for _ in range(2))
    sent = pick(ada, path, place) | {"name": "Thursday"}
    for _ in range(2):
        if cookie:
            ada.client.set_cookie(LAB, cookie)
        assert ada.post(path, **sent).status_code == 303
    assert bob.post(path, **pick(bob, path, place), name="Friday").status_code == 429


@pytest.mark.parametrize("path", ["/lab/rooms", "/lab/sign-in", "/lab/answer"])
def test_nobody_waits_to_write_while_what_a_network_begins_is_counted(
    site: Site, monkeypatch: pytest.MonkeyPatch, path: str
) -> None:
    """The counters may be in a Redis that does not answer."""
    count, counted = Throttle.count, []

    def look(throttle: Throttle, *key: str) -> bool:
        counted.append(is_writing())
        return count(throttle, *key)

    monkeypatch.setattr(Throttle, "count", look)
    assert site.browser(address="203.0.113.8").post(path, name="Thursday").status_code == 303
    assert counted == [False, False], "one for the visitor, one for the act"


def test_a_copied_press_is_of_no_use_without_its_secret(site: Site, ada: Visitor) -> None:
    """The visitor of a form is derived under a key of the site: the id in the database leads to no cookie."""
    ada.press("sign-in", **pick(ada.browser, "/lab/sign-in"))
    [(pressed,)] = site.query("SELECT pressed FROM lab_visitors")
    thief = site.browser()
    thief.client.set_cookie(LAB, pressed)
    assert "Sign in to begin" in thief.get("/lab").text


def test_every_form_of_the_lab_that_counts_carries_an_id(ada: Visitor) -> None:
    teacher = Teacher(ada.site)
    seen = forms(ada.browser, "/lab")
    ada.press("answer")
    seen += forms(ada.browser, "/lab")
    ada.press("reset")
    ada.sign_in_and_copy()
    seen += forms(ada.browser, "/lab")
    ada.press("sign-out", way="sign-out")
    ada.press("replay")
    seen += forms(ada.browser, "/lab") + forms(ada.browser, "/lab/rooms") + forms(ada.browser, f"{teacher.room}/join")
    seen += forms(ada.browser, "/lab/path") + forms(ada.browser, "/lab/path/Q1") + forms(teacher.browser, teacher.room)
    counted = {path for path, _ in seen if not IDEMPOTENT.search(path)}
    assert len(counted) > 8
    for path, fields in seen:
        assert ("press" in fields) is (path in counted), path
    ids = [fields["press"] for _, fields in seen if "press" in fields]
    assert len({*ids}) == len(ids)
