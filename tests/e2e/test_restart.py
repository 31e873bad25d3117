"""A press on a button of the lab while the server restarts: sent again, it does what it says, once."""

import pytest
from playwright.sync_api import expect

from tests.e2e.conftest import OpenBrowser
from tests.server import Server

pytestmark = pytest.mark.e2e


@pytest.mark.parametrize("javascript", [False], ids=["no JavaScript"])
def test_a_press_while_the_server_restarts_is_sent_again_and_counts_once(
    open_browser: OpenBrowser, server: Server, javascript: bool
) -> None:
    attendee = open_browser(javascript=javascript)
    page = attendee.page
    page.goto("/lab")
    attendee.press("Sign in to begin", "Keep a copy")
    server.stop()
    try:
        with page.expect_event("requestfailed", lambda request: request.method == "POST"):
            page.get_by_role("button", name="A minute on").click(no_wait_after=True)
    finally:
        server.start()  # also for the tests that share it
    page.reload()
    after = page.get_by_text("it is 1 minute after the sign-in")
    expect(after).to_be_visible()
    page.reload()  # of the page that it led to: nothing is sent again
    expect(after).to_be_visible()
