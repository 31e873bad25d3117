"""The costs page in a real browser: its sliders, with and without JavaScript, and how it looks."""

import pytest

from tests.e2e.acts import check
from tests.e2e.conftest import SIZES, OpenBrowser

pytestmark = pytest.mark.e2e
A_MINUTE = 60_000  # milliseconds: a day is simulated at low priority, on a machine that runs other tests


def test_a_slider_is_moved_by_keyboard_and_the_day_is_simulated_anew(
    open_browser: OpenBrowser, javascript: bool
) -> None:
    page = open_browser(javascript=javascript).page
    page.set_default_timeout(A_MINUTE)
    page.goto("/lab/costs?people=20")
    page.get_by_label("People").press("ArrowRight")
    if javascript:
        assert page.locator("output").first.inner_text() == "40 people"
    page.get_by_role("button", name="Simulate the day").click()
    page.wait_for_url("**/lab/costs?people=40&life=5&poll=60&leaving=20")
    assert page.locator("output").first.inner_text() == "40 people"
    assert page.get_by_text("40 people with").is_visible()


@pytest.mark.parametrize(("width", "dark"), SIZES)
def test_the_page_is_accessible_and_within_its_width(open_browser: OpenBrowser, width: int, dark: bool) -> None:
    page = open_browser(width=width, dark=dark).page
    page.set_default_timeout(A_MINUTE)
    problems: list[str] = []
    page.on("console", lambda message: problems.append(message.text))
    page.goto("/lab/costs?people=20")
    check(page)
    assert problems == []
