"""The number of browsers of a person is limited: one more ends the one idle longest, and both sides are told."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.browsers import ACCESS, Browser, Site
from tests.conftest import StillClock
from tests.oauth.test_propagation import connect

MOST = 3


@pytest.fixture
def site(instance: Path, still_clock: StillClock) -> Iterator[Site]:
    opened = Site(instance, MAX_SESSIONS=str(MOST))
    yield opened
    opened.close()


@pytest.fixture
def browsers(site: Site) -> list[Browser]:
    """As many as may be, an hour between one and the next; the first was used again last of all."""
    found = [site.member()]
    for _ in range(MOST - 1):
        site.wait(60 * 60)
        found.append(site.browser())
        found[-1].sign_in()
    site.wait(60 * 60)
    assert found[0].is_signed_in()
    return found


def signed_in(browsers: list[Browser]) -> list[bool]:
    return [browser.is_signed_in() for browser in browsers]


@pytest.mark.stores("SQL that sorts and locks")
def test_one_more_ends_the_one_idle_longest_at_once(site: Site, browsers: list[Browser]) -> None:
    copy = site.thief(browsers[1].pocket(), ACCESS)
    more = site.browser()
    assert more.sign_in().status_code == 303
    assert not copy.is_signed_in()
    assert signed_in([*browsers, more]) == [True, False, True, True]


def test_the_person_and_the_browser_are_told_why(site: Site, browsers: list[Browser]) -> None:
    sid = browsers[1].session()["sid"]
    site.wait(60)
    assert signed_in([browsers[0], browsers[2]]) == [True, True]
    more = site.browser()
    more.sign_in()
    assert "this one was idle longest" in browsers[1].get("/sign-in").text
    assert "it was idle longest" in more.get("/activity").text
    line = next(line for line in more.sessions() if line["sid"] == sid)
    assert line["reason"] == "too_many"
    assert "this one was idle longest" in more.get("/devices").text


def test_what_hangs_on_it_ends_with_it(site: Site, browsers: list[Browser]) -> None:
    app = connect(site, browsers[1], "App")
    site.wait(60)
    assert signed_in([browsers[0], browsers[2]]) == [True, True]
    site.browser().sign_in()
    assert not app.lives("API")


def test_signing_in_again_in_the_same_browser_ends_no_other(site: Site, browsers: list[Browser]) -> None:
    assert browsers[2].sign_in().status_code == 303
    assert signed_in(browsers) == [True] * MOST


def test_what_has_timed_out_or_was_ended_takes_no_place(site: Site, browsers: list[Browser]) -> None:
    browsers[1].sign_out()
    more = site.browser()
    more.sign_in()
    assert signed_in([browsers[0], browsers[2], more]) == [True] * MOST
    site.wait(13 * 60 * 60)
    late = [site.browser() for _ in range(MOST)]
    for browser in late:
        browser.sign_in()
    assert signed_in(late) == [True] * MOST


@pytest.mark.stores("a race")
def test_many_sign_ins_at_once_leave_as_many_sessions_as_are_allowed(site: Site) -> None:
    ada = site.member()
    others = [site.browser() for _ in range(3 * MOST)]
    with ThreadPoolExecutor(len(others)) as pool:
        assert {answer.status_code for answer in pool.map(lambda browser: browser.sign_in(), others)} == {303}
    assert sum(signed_in([ada, *others])) == MOST


def test_another_persons_sessions_are_left_alone(site: Site, browsers: list[Browser]) -> None:
    bob = site.member("bob@example.org")
    for _ in range(MOST):
        site.browser().sign_in()
    assert bob.is_signed_in()
