"""An open page may ask whether its session goes on; asking changes nothing."""

from collections.abc import Callable

import pytest

from tests.browsers import ACCESS, REFRESH, Browser, Site


@pytest.fixture
def ada(site: Site) -> Browser:
    return site.member()


def look(browser: Browser, session: str, at: str = "/devices?x=1") -> tuple[int, str | None]:
    answer = browser.client.get("/live", query_string={"session": session, "at": at})
    return answer.status_code, (answer.get_json(silent=True) or {}).get("to")


def test_while_the_session_goes_on_the_page_stays(ada: Browser) -> None:
    assert look(ada, ada.session()["sid"]) == (204, None)


def test_when_it_was_ended_elsewhere_the_page_goes_where_it_is_said_why(site: Site, ada: Browser) -> None:
    sid = ada.session()["sid"]
    phone = site.browser("Chrome on Android")
    phone.sign_in()
    phone.post(f"/devices/{sid}/end")
    assert look(ada, sid) == (401, "/sign-in?next=/devices%3Fx%3D1")
    assert "ended from another of your browsers" in ada.get("/sign-in?next=/devices").text


def test_when_another_tab_has_signed_out_the_page_goes_to_the_receipt(ada: Browser) -> None:
    sid = ada.session()["sid"]
    ada.sign_out()
    assert look(ada, sid) == (401, "/signed-out")


@pytest.mark.parametrize("act", [Browser.sign_out, Browser.sign_in], ids=["signs out", "signs in anew"])
def test_while_this_browser_waits_for_other_cookies_its_pages_wait_too(
    site: Site, ada: Browser, act: Callable[[Browser], object]
) -> None:
    """Leaving meanwhile would cancel the very request that brings the answer."""
    sid, waits = ada.session()["sid"], site.thief(ada.pocket())
    act(ada)
    assert look(waits, sid) == (202, None)
    site.wait(10)
    assert look(waits, sid) == (401, "/sign-in?next=/devices%3Fx%3D1")


def test_when_a_user_signed_in_again_the_page_is_loaded_again(ada: Browser) -> None:
    sid = ada.session()["sid"]
    ada.sign_in()
    assert look(ada, sid) == (409, "/devices?x=1")


@pytest.mark.parametrize("at", ["//evil.example", "https://evil.example", "\\evil", ""])
def test_it_sends_no_browser_elsewhere(ada: Browser, at: str) -> None:
    assert look(ada, "another", at) == (409, "/")


def test_asking_neither_refreshes_nor_counts_as_use(site: Site, ada: Browser) -> None:
    sid, before = ada.session()["sid"], ada.pocket()
    seen = site.query("SELECT last_seen_at, idle_until FROM sessions")
    site.wait(301)  # the access token has run out
    answer = ada.client.get("/live", query_string={"session": sid})
    assert answer.status_code == 204
    assert "Set-Cookie" not in answer.headers
    assert ada.pocket() == before
    assert site.query("SELECT last_seen_at, idle_until FROM sessions") == seen
    assert site.query("SELECT count(*) FROM refresh_tokens") == [(1,)]


def test_a_page_left_open_does_not_keep_a_session_from_its_time_out(site: Site, ada: Browser) -> None:
    sid = ada.session()["sid"]
    site.wait(12 * 60 * 60)
    assert look(ada, sid)[0] == 401


def test_an_old_refresh_token_that_only_asks_raises_no_alarm(site: Site, ada: Browser) -> None:
    sid, before = ada.session()["sid"], ada.pocket()
    for _ in range(2):
        ada.forget(ACCESS)
        assert ada.is_signed_in()
    site.wait(60)
    assert look(site.thief(before, REFRESH), sid)[0] == 204
    assert ada.is_signed_in()
