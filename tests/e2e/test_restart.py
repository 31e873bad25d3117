"""A press on a button of the lab while the server restarts: sent again, it does what it says, once."""

import pytest
from playwright.sync_api import expect

from tests.e2e.conftest import OpenBrowser
from tests.server import Server

pytestmark = pytest.mark.e2e


@pytest.mark.parametrize("javascript", [True, False], ids=["JavaScript", "none"])
def test_a_press_while_the_server_restarts_is_sent_again_and_counts_once(
    open_browser: OpenBrowser, server: Server, javascript: bool
) -> None:
    attendee = open_browser(javascript=javascript)
    page = attendee.page
    button, after = (
        page.get_by_role("button", name="A minute on"),
        page.get_by_text("it is 1 minute after the sign-in").first,
    )
    page.goto("/lab")
    attendee.press("Sign in to begin", "Keep a copy")
    server.stop()
    try:
        button.click(no_wait_after=True)
        if javascript:
            expect(page.get_by_text("Press again: it counts once")).to_be_visible()
        else:
            expect(button).to_have_count(0)  # the browser shows its own page
    finally:
        server.start()  # also for the tests that share it
    if javascript:
        button.click()
    else:
        page.reload()  # which sends the form again
    expect(after).to_be_visible()
    page.reload()  # of the page that it led to: nothing is sent again
    expect(after).to_be_visible()
