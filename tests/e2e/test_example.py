"""Signed Out as the target of Playwright tests. With pytest-playwright: pytest --base-url http://localhost:8000"""

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from tests.kit.signed_out import SignedOut

pytestmark = pytest.mark.e2e
HOUR = 60 * 60


@pytest.fixture
def site(base_url: str) -> Iterator[SignedOut]:
    site = SignedOut(base_url)
    yield site
    site.reset()


@pytest.fixture
def page(site: SignedOut, context: BrowserContext) -> Page:
    """A page of a browser in which Grace is signed in."""
    site.sign_in_as(context, "grace@example.org")
    return context.new_page()


def heading(page: Page, words: str) -> None:
    expect(page.get_by_role("heading", level=1)).to_have_text(words)


def test_copied_cookies_are_refused_after_sign_out(page: Page, context: BrowserContext) -> None:
    page.goto("/account")
    heading(page, "This is your account")
    copied = context.cookies()
    page.get_by_role("banner").get_by_role("button", name="Sign Out").click()
    heading(page, "You are signed out")
    context.add_cookies(copied)
    page.goto("/account")
    expect(page).to_have_url(re.compile("/sign-in"))


def test_a_session_that_is_not_kept_is_over_after_twelve_hours(site: SignedOut, page: Page) -> None:
    site.move_time(12 * HOUR - 60)
    page.goto("/account")
    heading(page, "This is your account")
    site.move_time(60)
    page.goto("/account")
    heading(page, "You were signed out: reached its longest life")
    expect(page.get_by_role("status")).to_contain_text("reached its longest life")


def test_two_tabs_that_renew_at_once_stay_signed_in(site: SignedOut, page: Page, context: BrowserContext) -> None:
    tabs = {page: "/account", context.new_page(): "/activity"}
    for tab in tabs:
        tab.goto("/")
    site.move_time(HOUR)  # the access token is over
    site.race(2)
    for tab, path in tabs.items():
        tab.evaluate("path => void setTimeout(() => location.assign(path))", path)  # does not wait for the answer
    for tab, path in tabs.items():
        expect(tab).to_have_url(re.compile(path))
        expect(tab.get_by_role("banner").get_by_role("button", name="Sign Out")).to_be_visible()


def test_a_sign_out_that_the_database_cannot_take_says_so(site: SignedOut, page: Page) -> None:
    with site.store_is_down():
        page.goto("/devices")
        heading(page, "The database does not answer")
        page.get_by_role("button", name="Sign Out").click()
        heading(page, "This browser has forgotten you, but the server has not")
    page.get_by_role("button", name="Try again").click()
    heading(page, "You are signed out")
