"""The devices page is a tool: rows that hand and eye can use, and results where the user looks."""

import uuid

import pytest

from tests.e2e.conftest import OpenBrowser, Person
from tests.server import Server

pytestmark = pytest.mark.e2e

HOUR = 60 * 60


@pytest.fixture
def email() -> str:
    return f"ada-{uuid.uuid4().hex[:8]}@example.org"


@pytest.fixture
def laptop(open_browser: OpenBrowser, server: Server, email: str) -> Person:
    """Ada's laptop, who has signed in on a phone and a tablet, too, over some hours."""
    laptop = open_browser()
    laptop.join(email)
    for label in ("Chrome on Android", "Safari on macOS"):
        server.wait(2 * HOUR)
        open_browser(label).sign_in(email)
    laptop.sign_in(email)
    laptop.page.goto("/devices")
    return laptop


@pytest.mark.parametrize("width", [768, 1280])
def test_a_row_at_rest_is_at_most_72_pixels_high_and_opens_in_place(laptop: Person, width: int) -> None:
    page = laptop.page
    page.set_viewport_size({"width": width, "height": 900})
    assert page.locator(".session .lifeline").count() >= 3
    heights = page.eval_on_selector_all(".session", "rows => rows.map(row => row.getBoundingClientRect().height)")
    assert max(heights) <= 72
    row = page.locator(".session").nth(1)
    row.get_by_role("heading").click(force=True)  # what opens the row lies over its name
    assert row.get_by_role("button", name="This wasn’t me").is_visible()
    row.locator("summary").press("Enter")
    assert not row.get_by_role("button", name="This wasn’t me").is_visible()


@pytest.mark.parametrize("width", [768, 1280])
def test_a_long_name_covers_neither_the_state_nor_the_button(laptop: Person, width: int) -> None:
    page = laptop.page
    page.set_viewport_size({"width": width, "height": 900})
    row = page.locator(".session").first
    row.locator("summary").press("Enter")
    row.get_by_label("Name").fill("W" * 40)
    row.get_by_role("button", name="Save name").click()
    row.get_by_role("heading", name="W" * 40).wait_for()
    name, state, button = (row.locator(f"> {part}").bounding_box() for part in ("h2", ".state", "form"))
    assert name
    assert state
    assert button
    assert name["x"] + name["width"] <= state["x"]
    wide = row.locator("> .state").evaluate("state => state.scrollWidth")
    assert state["x"] + wide <= button["x"]


def test_what_ends_many_stands_above_all_that_is_listed(laptop: Person) -> None:
    many = laptop.page.get_by_role("button", name="Sign out everywhere").bounding_box()
    first = laptop.page.locator(".session").first.bounding_box()
    assert many
    assert first
    assert many["y"] < first["y"]


def test_on_a_phone_a_finger_finds_every_button(laptop: Person) -> None:
    laptop.page.set_viewport_size({"width": 320, "height": 700})
    for shown in laptop.page.locator("button:visible, summary:visible, nav a:visible").all():
        box = shown.bounding_box()
        assert box
        assert box["height"] >= 44, shown.inner_text()


@pytest.mark.parametrize("javascript", [True, False])
def test_the_focus_goes_to_what_was_done(
    open_browser: OpenBrowser, laptop: Person, email: str, javascript: bool
) -> None:
    tablet = open_browser("Chrome on Android", javascript=javascript)
    tablet.sign_in(email)
    tablet.page.goto("/devices")
    tablet.press("End Safari on macOS")
    done = tablet.page.locator(":focus")
    assert done.get_attribute("role") == "status"
    assert "Ended." in done.inner_text()
