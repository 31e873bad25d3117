"""What the sign-in and sign-up pages say: who is signed in already, what that would replace, and how long it lasts."""

import re
from collections.abc import Callable

import pytest

from tests.browsers import Browser, Site, words
from tests.oauth.conftest import App, register_app, web
from tests.oauth.flow import Flow

pytestmark = pytest.mark.page

__all__ = ["web"]  # a fixture
DOORS = ["/sign-in", "/sign-in?next=/devices", "/sign-in?arrived", "/sign-up", "/sign-up?next=/devices"]
HELD = "Ada (ada@example.org) is signed in on this browser."


@pytest.fixture
def ada(site: Site) -> Browser:
    return site.member()


def heading(page: str) -> str:
    found = re.search(r"<h1>(.*?)</h1>", page, re.DOTALL)
    assert found
    return words(found[1])


def test_a_member_reads_who_is_signed_in_and_what_would_end(site: Site, ada: Browser, web: App) -> None:
    Flow(web).connect(ada)
    Flow(register_app(site, "Mail"), scope="openid offline_access").connect(ada)
    Flow(register_app(site, "Maps")).connect(ada)
    for path, verb in [("/sign-in", "Signing in"), ("/sign-up", "Signing up")]:
        said = f"{HELD} {verb} here ends that session, and with it Maps and Web. Stay signed in"
        assert said in words(ada.get(path).text), "Mail was let in for longer"
    ada.sign_in()
    assert [app["reason"] for app in ada.sessions() if app["app"] and app["ended_at"]] == ["browser_ended"] * 2


def test_at_every_door_and_also_after_a_mistake(site: Site, ada: Browser) -> None:
    pages = [ada.get(path) for path in ("/sign-in?next=/devices", "/sign-up?next=/devices")]
    pages += [ada.sign_in(password="wrong wrong"), ada.sign_in(email=""), ada.sign_up(email="no address")]
    for page in pages:
        assert HELD in words(page.text)
        assert heading(page.text) in ("You are already signed in as Ada", "Create another account")
    site.wait(301)
    assert HELD in words(ada.get("/sign-in").text), "also where the tokens have to be renewed first"


def test_a_visitor_reads_none_of_that(site: Site, ada: Browser) -> None:
    ada.sign_out()
    for browser in (ada, site.browser()):
        pages = [browser.get(path).text for path in DOORS]
        assert [heading(page) for page in pages] == [
            "You are not signed in",
            "Sign in to see that page",
            "You are not signed in",
            "Create an account",
            "Create an account",
        ]
        assert not any("is signed in on this browser" in page for page in pages)


def test_a_page_for_one_member_does_not_replace_another(site: Site, ada: Browser) -> None:
    site.member("bob@example.org").sign_out()
    page = ada.get("/sign-in").text
    once = re.search(r'<main.*name="once" value="([^"]+)"', page, re.DOTALL)
    assert once
    ada.sign_in("bob@example.org")
    sid = ada.session()["sid"]
    assert ada.sign_in(once=once[1]).status_code == 409
    assert ada.session()["sid"] == sid


@pytest.mark.parametrize(
    ("longest", "said"), [("2592000", "up to 30 days, else 12 hours"), ("21600", "up to 6 hours, else 6 hours")]
)
def test_how_long_it_lasts_is_what_the_server_does(open_site: Callable[..., Site], longest: str, said: str) -> None:
    site = open_site(SESSION_MAX_SECONDS=longest)
    ada = site.browser()
    page = words(ada.get("/sign-in").text)
    assert said in page
    assert "Closing the browser does not sign you out" in page
    ada.sign_up()
    site.wait(min(int(longest), 12 * 60 * 60) - 1)
    assert ada.is_signed_in()
    site.wait(1)
    assert not ada.is_signed_in()


def test_a_browser_that_brings_its_cookies_back_after_it_was_closed_is_signed_in(site: Site, ada: Browser) -> None:
    restored = site.browser()
    for name, value in ada.pocket().items():
        restored.client.set_cookie(name, value)
    assert "Closing the browser does not end it" in words(restored.get("/").text)
    page = words(restored.get("/holds").text)
    assert page.count("when you close the browser, unless the browser restores what was open") == 2
    ada.sign_in(keep="y")
    assert "when you close the browser" not in words(ada.get("/holds").text)
