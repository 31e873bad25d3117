"""A page left open knows when its session is over, and Back after Sign Out shows nothing private."""

import re
import uuid
from collections.abc import Iterator
from urllib.parse import parse_qsl

import pytest
from playwright.sync_api import Browser, Page, Playwright, Route, expect

from tests.e2e.conftest import OpenBrowser, Person, launch
from tests.server import Server

pytestmark = pytest.mark.e2e
PRIVATE = "Ada Lovelace"


@pytest.fixture
def email() -> str:
    return f"ada-{uuid.uuid4().hex[:8]}@example.org"


@pytest.fixture
def laptop(open_browser: OpenBrowser, email: str) -> Person:
    laptop = open_browser()
    laptop.join(email, name=PRIVATE)
    return laptop


def test_an_open_page_leaves_when_its_session_is_ended_elsewhere_and_says_why(
    laptop: Person, open_browser: OpenBrowser, email: str
) -> None:
    laptop.page.goto("/activity")
    phone = open_browser("Chrome on Android")
    phone.sign_in(email)
    phone.page.goto("/devices")
    phone.press("End Firefox on Linux")
    expect(laptop.page).to_have_url(re.compile(r"/sign-in\?next=/activity$"))
    expect(laptop.page.get_by_text("ended from another of your browsers")).to_be_visible()


def test_so_does_a_page_whose_address_is_too_long_to_be_asked_for(
    laptop: Person, open_browser: OpenBrowser, email: str
) -> None:
    laptop.page.goto(f"/activity?{'%25' * 5000}")
    phone = open_browser("Chrome on Android")
    phone.sign_in(email)
    phone.page.goto("/devices")
    phone.press("End Firefox on Linux")
    expect(laptop.page).to_have_url(re.compile(r"/sign-in\?next=/$"))


@pytest.mark.question("Q4")
def test_the_tabs_of_one_browser_follow_a_sign_out_together(laptop: Person) -> None:
    tabs = [laptop.context.new_page() for _ in range(3)]
    for tab, path in zip(tabs, ("/devices", "/activity", "/account"), strict=True):
        tab.goto(path)
    laptop.sign_out()
    for tab in [laptop.page, *tabs]:
        expect(tab).to_have_url(re.compile("/signed-out$"))


def test_a_page_that_looks_while_the_answer_to_its_own_sign_out_is_slow_still_gets_the_receipt(
    server: Server, laptop: Person
) -> None:
    def be_slow(route: Route) -> None:
        """Let the server act on this very request, and keep the answer back until the page has looked."""
        held = {cookie["name"]: cookie["value"] for cookie in laptop.context.cookies()}
        server.ask("POST", "/sign-out", held, **dict(parse_qsl(route.request.post_data)))
        with laptop.page.expect_response(lambda answer: "/live" in answer.url) as looked:
            pass
        assert looked.value.status == 202
        route.continue_()  # a form sent twice: the answer is the one that was kept

    laptop.page.goto("/devices")
    laptop.page.route("**/sign-out", be_slow)
    laptop.sign_out()
    expect(laptop.page).to_have_url(re.compile("/signed-out$"))
    expect(laptop.page.get_by_text("POST /oauth/revoke").first).to_be_visible()


def test_an_open_page_is_loaded_anew_when_the_person_signs_in_anew_in_another_tab(laptop: Person, email: str) -> None:
    laptop.page.goto("/devices")
    before = laptop.page.locator("html").get_attribute("data-session") or ""
    tab = laptop.context.new_page()
    tab.goto("/sign-in")
    tab.get_by_label("Email", exact=True).fill(email)
    tab.get_by_label("Password", exact=True).fill("plenty of violet otters")
    tab.get_by_role("main").get_by_role("button", name="Sign in", exact=True).click()
    expect(laptop.page.locator("html")).not_to_have_attribute("data-session", before)
    expect(laptop.page).to_have_url(re.compile("/devices$"))


@pytest.fixture(scope="module")
def keeps_pages(playwright_session: Playwright) -> Iterator[Browser]:
    """A browser as people have it, which keeps pages for Back; tests' browsers usually do not."""
    browser = launch(playwright_session, without=["--disable-back-forward-cache"])
    yield browser
    browser.close()


def back(page: Page, pages: int = 1) -> None:
    # Not `go_back`, which fails where the page it brings back leaves at once.
    with page.expect_event("framenavigated"):
        page.evaluate("pages => { setTimeout(() => history.go(-pages)) }", pages)


def remembers(page: Page) -> bool:
    """Whether this is the very page that was marked, brought back and not loaded."""
    return bool(page.evaluate("() => window.marked === true"))


def mark(page: Page) -> None:
    page.evaluate("() => { window.marked = true }")


@pytest.fixture
def kept(keeps_pages: Browser, server: Server, email: str) -> Iterator[Person]:
    """Ada in a browser that keeps pages, on her third page."""
    with keeps_pages.new_context(base_url=server.url) as context:
        kept = Person(context)
        kept.join(email, name=PRIVATE)
        kept.page.goto("/account")
        mark(kept.page)
        kept.page.goto("/activity")
        yield kept


def test_back_shows_a_kept_page_while_the_session_goes_on(kept: Person) -> None:
    back(kept.page)
    expect(kept.page.get_by_text(PRIVATE)).to_be_visible()
    assert remembers(kept.page), "pages are kept, so the tests below prove something"


def test_a_page_that_back_shows_stays_hidden_while_no_answer_comes_and_is_not_loaded_anew(kept: Person) -> None:
    kept.context.set_offline(True)
    for leave in (lambda: back(kept.page), lambda: None):  # the page asks again and again
        with kept.page.expect_event("requestfailed"):
            leave()
    expect(kept.page.get_by_text(PRIVATE)).to_be_hidden()
    assert remembers(kept.page)
    kept.context.set_offline(False)
    expect(kept.page.get_by_text(PRIVATE)).to_be_visible()
    assert remembers(kept.page)


@pytest.mark.question("Q4")
def test_out_05_back_after_sign_out_shows_nothing_private(kept: Person) -> None:
    kept.sign_out()
    kept.page.wait_for_url("**/signed-out")
    back(kept.page, 2)
    expect(kept.page).to_have_url(re.compile("/(sign-in|signed-out)"))
    expect(kept.page.get_by_text(PRIVATE)).to_have_count(0)


def test_out_05_back_after_a_sign_out_in_another_tab_shows_nothing_private(kept: Person) -> None:
    tab = kept.context.new_page()
    tab.goto("/")
    kept.page.goto("/sign-in")
    tab.get_by_role("banner").get_by_role("button", name="Sign Out").click()
    tab.wait_for_url("**/signed-out")
    kept.page.wait_for_url("**/signed-out")  # every open page follows
    back(kept.page, 2)
    expect(kept.page).to_have_url(re.compile("/(sign-in|signed-out)"))
    expect(kept.page.get_by_text(PRIVATE)).to_have_count(0)


def test_out_05_back_after_the_session_was_ended_elsewhere_shows_nothing_private(
    kept: Person, open_browser: OpenBrowser, email: str
) -> None:
    kept.page.goto("/static/icon.svg")  # a page that does not look
    phone = open_browser("Chrome on Android")
    phone.sign_in(email)
    phone.page.goto("/devices")
    phone.press("End the others")
    kept.page.evaluate("() => history.go(-2)")
    expect(kept.page).to_have_url(re.compile("/sign-in"))
    expect(kept.page.get_by_text(PRIVATE)).to_have_count(0)
