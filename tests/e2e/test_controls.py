"""The test controls and real browsers: which they serve, and which they refuse."""

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import BrowserContext, Response, expect

from tests.browsers import REFRESH
from tests.e2e.conftest import OpenBrowser
from tests.kit.signed_out import SignedOut
from tests.server import Server

pytestmark = pytest.mark.e2e
EMAIL = "grace@example.org"


@pytest.fixture
def controls(server: Server) -> Iterator[SignedOut]:
    controls = SignedOut(server.url)
    yield controls
    controls.reset()


def refresh_token(response: Response) -> str:
    """Which refresh token an answer brought, if any."""
    found = re.search(rf"{REFRESH}=([^;]+)", response.all_headers().get("set-cookie", ""))
    return found[1] if found else ""


def test_a_minted_session_is_the_browsers_own(controls: SignedOut, open_browser: OpenBrowser, javascript: bool) -> None:
    phone = open_browser("Chrome on Android", javascript=javascript)
    controls.sign_in_as(phone.context, EMAIL, keep=True)
    phone.page.goto("/devices")
    row = phone.page.get_by_role("listitem").filter(has_text="live, this browser")
    expect(row.get_by_role("heading", name="Chrome on Android")).to_be_visible()
    assert all(cookie["expires"] > 0 for cookie in phone.context.cookies())


def test_a_minted_session_is_signed_out_and_its_copies_with_it(controls: SignedOut, open_browser: OpenBrowser) -> None:
    laptop, thief = open_browser("Firefox on Linux"), open_browser("Safari on macOS")
    cookies = controls.cookies_for(EMAIL)
    for person in (laptop, thief):
        person.context.add_cookies(cookies)  # type: ignore[arg-type]
        assert person.is_signed_in()
    laptop.page.goto("/")
    laptop.sign_out()
    assert laptop.heading() == "You are signed out"
    assert not any(thief.is_signed_in() for _ in range(5))


def test_the_forced_race_of_two_tabs_has_one_successor(controls: SignedOut, context: BrowserContext) -> None:
    controls.sign_in_as(context, EMAIL)
    tabs = {context.new_page(): "/account", context.new_page(): "/activity"}
    for tab in tabs:
        tab.goto("/")
    controls.move_time(3600)
    controls.race(2)
    answers: list[Response] = []
    context.on("response", lambda answer: answers.append(answer))
    for tab, path in tabs.items():
        tab.evaluate("path => void setTimeout(() => location.assign(path))", path)
    for tab, path in tabs.items():
        tab.wait_for_url(f"**{path}")
    successors = [token for token in map(refresh_token, answers) if token]
    assert len(successors) == 2, "each tab was given one"
    assert len(set(successors)) == 1


def test_a_page_of_another_site_drives_nothing(controls: SignedOut, context: BrowserContext) -> None:
    form = f"""<form action="{controls.base_url}/test/clock" method="post" enctype="text/plain">
        <input name='{{"seconds": 60, "x": "' value='"}}'><button>Win a prize</button></form>"""
    page = context.new_page()
    page.route("http://evil.example/", lambda route: route.fulfill(body=form, content_type="text/html"))
    page.goto("http://evil.example/")
    with page.expect_response("**/test/clock") as answer:
        page.get_by_role("button", name="Win a prize").click()
    assert answer.value.status == 403
    page.goto("/test/clock")
    expect(page.get_by_text('"seconds":0')).to_be_visible()
