"""Ended sessions are listed in pages, each of which begins where the last one stopped."""

from typing import Any

import pytest

from app.identity import users
from app.identity.browsers import Browser as Agent
from app.identity.session import Session
from app.store.db import writing
from app.web.devices import ENDED_PAGE
from tests.browsers import SITE_URL, Browser, Site
from tests.oauth.conftest import App, web
from tests.oauth.flow import Flow

pytestmark = pytest.mark.page

__all__ = ["web"]  # a fixture
MANY = 2 * ENDED_PAGE + 5


@pytest.fixture
def ada(site: Site) -> Browser:
    return site.member()


def sign_in_often(site: Site, times: int) -> set[str]:
    """Begin sessions of Ada's without a browser; return their ids."""
    with site.app.test_request_context(base_url=SITE_URL), writing():
        found = users.find("ada@example.org")
        assert found is not None
        return {Session.start(found, Agent("Firefox on Linux", "192.0.2.1"), keep=True).id for _ in range(times)}


def pages(browser: Browser) -> list[list[dict[str, Any]]]:
    """Follow the list to its end, as a program does."""
    found, path = [], "/devices"
    while path:
        answer = browser.get(path, Accept="application/json").get_json()
        found.append([line for line in answer["sessions"] if line["ended_at"]])
        path = answer["next"]
    return found


def test_a_program_gets_each_ended_session_once_by_following_next(site: Site, ada: Browser) -> None:
    sids = sign_in_often(site, MANY)
    ada.post("/devices/end-others")  # all in one second: the time alone could not tell where a page begins
    found = pages(ada)
    assert [len(page) for page in found] == [ENDED_PAGE, ENDED_PAGE, 5]
    listed = [line["sid"] for page in found for line in page]
    assert len(listed) == MANY
    assert set(listed) == sids


def test_no_page_skips_or_repeats_one_when_another_ends_meanwhile(site: Site, ada: Browser) -> None:
    sids = sign_in_often(site, MANY)
    ada.post("/devices/end-others")
    first = ada.get("/devices", Accept="application/json").get_json()
    site.wait(5)
    [late] = sign_in_often(site, 1)
    ada.post("/devices/end-others")
    rest = ada.get(first["next"], Accept="application/json").get_json()
    seen = {line["sid"] for line in first["sessions"] + rest["sessions"] if line["ended_at"]}
    assert len(seen) == 2 * ENDED_PAGE
    assert seen < sids
    assert late not in seen


def test_a_page_leads_to_the_earlier_ones_and_back(site: Site, ada: Browser) -> None:
    sign_in_often(site, MANY)
    ada.post("/devices/end-others")
    page, counted = ada.get("/devices").text, []
    for _ in range(2):
        counted.append(page.count("<li id="))
        [older] = [link.split('"')[0] for link in page.split('href="')[1:] if link.startswith("/devices/ended?")]
        page = ada.get(older).text
        assert 'href="/devices"' in page
    assert counted == [ENDED_PAGE + 1, ENDED_PAGE]
    assert page.count("<li id=") == 5
    assert "Ended earlier</a>" not in page


def test_a_hundred_ended_sessions_make_a_page_no_larger_than_twenty(site: Site, ada: Browser) -> None:
    sign_in_often(site, ENDED_PAGE)
    ada.post("/devices/end-others")
    twenty = len(ada.get("/devices").data)
    sign_in_often(site, 90)
    ada.post("/devices/end-others")
    assert len(ada.get("/devices").data) < 1.05 * twenty


def test_an_app_is_listed_with_the_browser_that_it_ended_with_wherever_the_page_begins(
    site: Site, ada: Browser, web: App
) -> None:
    phone = site.browser("Chrome on Android")
    phone.sign_in()
    Flow(web).connect(phone)
    sign_in_often(site, MANY)  # opened later, so listed before it
    ada.post("/devices/end-others")
    last = pages(ada)[-1]
    [app] = [line for line in last if line["app"]]
    assert app["reason"] == "browser_ended"
    assert "and with it Web" in ada.get(last_address(ada)).text
    assert [line["os"] for line in last if not line["app"]][-1] == "Android"


def last_address(browser: Browser) -> str:
    """Return where the last page is."""
    path, found = "/devices", ""
    while path:
        found, path = path, browser.get(path, Accept="application/json").get_json()["next"]
    return found


def test_another_users_place_leads_to_ones_own_list(site: Site, ada: Browser) -> None:
    sign_in_often(site, MANY)
    ada.post("/devices/end-others")
    theirs = ada.get("/devices", Accept="application/json").get_json()["next"]
    eve = site.member("eve@example.org")
    assert eve.get(theirs, Accept="application/json").get_json() == {"sessions": [], "next": None}
    assert "No session ended earlier" in eve.get(theirs).text


@pytest.mark.parametrize("before", ["", "x", "1", "1-", "-1", "1-2-3", "9" * 16 + "-1", "1'--1", "+1-1", "1-2\n"])
def test_a_place_that_makes_no_sense_is_the_beginning(site: Site, ada: Browser, before: str) -> None:
    sign_in_often(site, 3)
    ada.post("/devices/end-others")
    answer = ada.client.get(
        "/devices/ended", query_string={"before": before}, headers={"Accept": "application/json"}, base_url=SITE_URL
    )
    assert len(answer.get_json()["sessions"]) == 3


def test_it_is_asked_for_by_a_session_alone(site: Site) -> None:
    assert site.browser().get("/devices/ended").headers["Location"].startswith("/sign-in?next=")
    assert site.browser().get("/devices/ended", Accept="application/json").status_code == 401
