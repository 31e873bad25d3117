"""A press on a button of the lab while the server restarts: sent again, it does what it says, once."""

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.conftest import OpenBrowser
from tests.server import Server

pytestmark = pytest.mark.e2e


def press(page: Page, button: str) -> None:
    page.get_by_role("button", name=button, exact=True).click(no_wait_after=True)


@pytest.mark.parametrize("javascript", [True, False], ids=["", "no JavaScript"])
def test_a_press_while_the_server_restarts_is_sent_again_and_counts_once(
    open_browser: OpenBrowser, server: Server, javascript: bool
) -> None:
    attendee = open_browser(javascript=javascript)
    page = attendee.page
    page.goto("/lab")
    attendee.press("Sign in to begin", "Keep a copy")
    server.stop()
    press(page, "A minute on")
    page.wait_for_url("chrome-error://*")
    server.start()
    page.reload()
    expect(page.get_by_text("it is 1 minute after the sign-in")).to_be_visible()
    page.reload()  # of the page that it led to: nothing is sent again
    expect(page.get_by_text("it is 1 minute after the sign-in")).to_be_visible()
