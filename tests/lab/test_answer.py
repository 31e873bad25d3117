"""The first screen of the lab: the question, its answer, and one button that shows it."""

import re
from pathlib import Path

import pytest

from app.capacity.admission import Full
from app.lab import experiment, player
from app.lab.home.sessions import Sessions
from tests.browsers import Site
from tests.lab.conftest import Visitor
from tests.lab.test_designs import EXPOSED
from tests.lab.walk import page

EVERY = player.every()
BUTTON = "Sign out and replay"


def lanes(text: str) -> list[str]:
    """The first picture, as it is read aloud."""
    return re.findall(r'aria-label="From the sign-out on\. (.*?)\."', text)[0].split(". ")


def order(text: str) -> list[str]:
    return re.findall(r'<span><a href="/lab/designs/([\w-]+)">', text)


@pytest.mark.page
@pytest.mark.parametrize("path", ["", "/costs", "/designs", "/path/Q3"])
def test_each_id_on_a_page_with_pictures_is_there_once_and_each_hatch_is_drawn(visitor: Visitor, path: str) -> None:
    visitor.press("answer")
    visitor.browser.post("/lab/path/Q3", guess="accepted")
    text = visitor.browser.get(f"/lab{path}").text
    ids = re.findall(r'\sid="([^"]+)"', text)
    assert [one for one in {*ids} if ids.count(one) > 1] == []
    hatched = re.findall(r'class="hatch"[^>]*url\(#([^)]+)\)', text)
    assert hatched
    assert {*hatched} <= {*ids}


@pytest.mark.page
@pytest.mark.question("Q3", "Q6", "A22")
def test_one_press_without_an_account_shows_that_the_refresh_token_is_over_and_the_jwt_is_not(visitor: Visitor) -> None:
    before = page(visitor.browser, "/lab")
    assert BUTTON in before
    assert visitor.site.query("SELECT count(*) FROM lab_visitors") == [(0,)], "a visitor who only looks leaves nothing"
    answer = visitor.browser.post("/lab/answer")
    assert answer.headers["Location"] == "/lab#result"
    after = page(visitor.browser, "/lab")
    assert f"{len(EXPOSED)} of {len(EVERY)} designs accept the copy" in re.findall("<title>(.*?)</title>", after)[0]
    assert 'id="result" role="group"' in before
    result = after.partition('id="result" role="group"')[2].partition("</div>")[0]
    assert re.search(r"Refresh token: .*400, refused.*JWT: .*accepted though ended", result)
    assert lanes(after) == [
        "Refresh token: looked up: refused at once",
        "Access token, a JWT: not looked up: accepted until it expires, 4 minutes later",
    ]
    assert visitor.stage().exchange().status == 400
    assert visitor.present("expiry")["accepted"]
    assert not visitor.present("this-site")["accepted"]


@pytest.mark.page
def test_the_press_goes_on_as_a_run_of_the_visitors_own_and_can_be_made_again(visitor: Visitor) -> None:
    visitor.press("answer")
    first = visitor.run()
    visitor.press("time", step="expiry")
    visitor.press("replay")
    assert f"0 of {len(EVERY)} designs accept the copy" in visitor.browser.get("/lab").text
    visitor.press("answer")
    assert visitor.run().seed != first.seed
    assert f"{len(EXPOSED)} of {len(EVERY)} designs accept the copy" in visitor.browser.get("/lab").text
    visitor.press("reset")
    assert "Sign in to begin" in visitor.browser.get("/lab").text


@pytest.mark.page
def test_the_designs_are_ordered_by_what_their_own_code_leaves_open(
    visitor: Visitor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(player.find("denylist-poll").module, "POLL", 200)
    monkeypatch.setattr(player.find("this-site").module.Verifier, "check", lambda *_: None)
    experiment._example.cache_clear()
    found = order(visitor.browser.get("/lab").text)
    experiment._example.cache_clear()
    assert len(found) == len(EVERY)
    assert found[0] == "this-site"
    known = ["this-site", "dbsc", "expiry", "denylist-poll", "session"]
    assert [slug for slug in found if slug in known] == known


@pytest.mark.page
def test_the_first_screen_would_show_a_refresh_token_that_sign_out_left_alive(
    visitor: Visitor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Sessions, "end", lambda *_: None)
    visitor.press("answer")
    assert "Refresh token: looked up: accepted until it expires" in visitor.browser.get("/lab").text


@pytest.mark.page
def test_where_the_labs_line_is_full_the_session_ends_and_the_copy_can_be_presented_later(
    visitor: Visitor, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise Full("lab")

    monkeypatch.setattr(experiment.executor, "run", full)
    experiment._example.cache_clear()
    assert BUTTON in visitor.browser.get("/lab").text
    visitor.press("answer")
    assert "Present the token" in visitor.browser.get("/lab").text
    monkeypatch.undo()
    visitor.press("replay")
    assert f"{len(EXPOSED)} of {len(EVERY)} designs accept the copy" in visitor.browser.get("/lab").text


@pytest.mark.page
def test_in_a_room_the_teacher_asks_first(visitor: Visitor) -> None:
    room = visitor.browser.post("/lab/rooms", name="Thursday").location
    attendee = visitor.site.browser()
    attendee.post(f"{room}/join", nickname="Ada")
    text = attendee.get("/lab").text
    assert "Sign in to begin" in text
    assert BUTTON not in text


@pytest.mark.sqlite
def test_relying_parties_keep_real_time_and_the_page_says_what_that_means_for_the_copy(instance: Path) -> None:
    site = Site(instance, WORKSHOP="1", RELYING_PARTIES="http://127.0.0.1:9")
    visitor = Visitor(site, site.browser())
    visitor.press("answer")
    assert "for them the copy expires in" in page(visitor.browser, "/lab")
    site.wait(360)
    said = page(visitor.browser, "/lab")
    assert "for them the copy expired 1 minute ago, so they refuse it in any case" in said
    assert "The copied access token expires in 4:00" in said, "by the clock of the run"
    site.close()
