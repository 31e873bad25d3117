"""The experiment in a real browser: with and without JavaScript, small and wide, light and dark."""

import itertools

import pytest
from playwright.sync_api import Locator, Page

from tests.e2e.acts import check, press
from tests.e2e.conftest import SIZES, OpenBrowser
from tests.workshop import DESIGNS, STILL

pytestmark = pytest.mark.e2e


@pytest.mark.question("Q3")
def test_one_press_answers_the_question_where_one_looks(open_browser: OpenBrowser, javascript: bool) -> None:
    page = open_browser(javascript=javascript, width=1280).page
    page.set_viewport_size({"width": 1280, "height": 720})
    page.goto("/lab")
    button = page.get_by_role("button", name="Sign out and replay")
    is_in_view(page, button)
    press(page, "Sign out and replay")
    result = page.locator("#result")
    result.get_by_text("Signed out, and both copies were presented").wait_for()
    assert "400, refused" in result.inner_text()
    assert "accepted though ended" in result.inner_text()
    assert page.title().startswith(f"Signed out: {STILL} designs accept the copy")
    assert page.evaluate("() => document.activeElement.id") == "result"
    for shown in (result, page.get_by_role("img").first):
        is_in_view(page, shown)
    assert "not looked up: accepted until it expires" in (
        page.get_by_role("img").first.get_attribute("aria-label") or ""
    )


def is_in_view(page: Page, shown: Locator) -> None:
    box = shown.bounding_box()
    assert box
    assert 0 <= box["y"] <= box["y"] + box["height"] <= 720


@pytest.mark.question("Q3")
def test_a_visitor_signs_out_replays_and_sees_why(open_browser: OpenBrowser, javascript: bool) -> None:
    page = open_browser(javascript=javascript).page
    page.goto("/lab")
    press(page, "Sign in to begin", "Keep a copy", "A minute on", "The server revokes", "Present the token")
    page.get_by_role("heading", level=1).get_by_text("designs still accept the old token").wait_for()
    row = page.get_by_role("row").filter(has=page.get_by_role("rowheader", name="What this site does"))
    assert "refused" in row.inner_text()
    assert "accepted though ended" in page.get_by_role("row").filter(has_text="Nothing but expiry").inner_text()
    assert "What this site does: refused at once" in (page.get_by_role("img").first.get_attribute("aria-label") or "")
    press(page, "Past the expiry", "Present it again")
    page.get_by_role("heading", name=f"0 of {DESIGNS} designs still accept the old token").wait_for()
    press(page, "Start again")
    page.get_by_role("button", name="Sign in to begin").wait_for()


def test_with_javascript_the_page_stays_and_the_focus_goes_to_what_changed(open_browser: OpenBrowser) -> None:
    page = open_browser().page
    page.goto("/lab")
    press(page, "Sign in to begin")
    page.evaluate("() => (window.stayed = true)")
    page.evaluate("() => addEventListener('submit', (event) => (window.doing = event.submitter.textContent))")
    for button, focus, said, title in (
        ("Keep a copy", "Copy once more", "A thief has a copy", "You are signed in"),
        ("A minute on", "A minute on", "it is 1 minute after the sign-in", "You are signed in"),
        ("Switch the list server off", "Switch the list server on", "1 of 5 faults is on", "You are signed in"),
        ("Switch the list server on", "Switch the list server off", "Break something", "You are signed in"),
        ("The server revokes", "The session ended", "", "The session is over"),
        (
            "Use the copied refresh token",
            "Use the copied refresh token",
            "was refused: invalid_grant",
            "The session is",
        ),
        ("Present the token", f"{STILL} designs accept the access token", "", f"{STILL} designs still accept"),
    ):
        press(page, button)
        focused = page.evaluate("() => document.activeElement.textContent.trim().replace(/\\s+/g, ' ')")
        assert focused.removeprefix("3 ") == focus
        assert said in " ".join(page.locator("body > [role=status]").inner_text().split())
        assert said or not page.locator("body > [role=status]").inner_text()
        assert page.title().startswith(title)
        assert page.evaluate("() => window.doing").endswith("…"), "a button says at once what is under way"
    assert page.evaluate("() => window.stayed")


@pytest.mark.parametrize(("width", "dark"), SIZES)
def test_every_state_of_the_experiment_is_accessible(open_browser: OpenBrowser, width: int, dark: bool) -> None:
    page = open_browser(width=width, dark=dark).page
    problems: list[str] = []
    page.on("console", lambda message: problems.append(message.text))
    page.goto("/lab")
    check(page)
    press(page, "Sign out and replay")
    check(page)
    press(page, "Start again", "Sign in to begin", "Keep a copy")
    check(page)
    press(page, "Switch the store off", "The server revokes")
    page.get_by_text("The server could not write it").wait_for()
    press(page, "Present the token")
    check(page)
    press(page, "Switch the store on", "The server revokes", "Present the token")
    check(page)
    for path in ("/lab/designs/dbsc", "/lab/designs/dpop", "/lab/designs/this-site"):  # `test_look` sees the others
        page.goto(path)
        check(page)
    assert problems == []


PICTURE = """() => [...document.querySelectorAll("figure.lanes")].map((figure) => {
  const box = (shown) => { const { left, right } = shown.getBoundingClientRect(); return [left, right]; };
  const shown = (part) => part.getClientRects().length;
  const stroke = (part) => getComputedStyle(part).stroke;
  return {
    cut: box(figure.querySelector(".cut line"))[0],
    labels: [...figure.querySelectorAll(".lane p span")].filter((part) => part.textContent.trim()).map(box),
    axis: [...figure.querySelectorAll(".scale text")].filter(shown).map(box),
    ends: [...figure.querySelectorAll(".lane[data-state=ended]")].map((lane) => [".lived", ".after", ".tick"].map(
      (part) => stroke(lane.querySelector(part)))),
  };
})"""


@pytest.mark.parametrize("width", [320, 768, 1280])
def test_one_rule_cuts_through_all_lanes_and_no_words_lie_on_it_or_on_one_another(
    open_browser: OpenBrowser, width: int
) -> None:
    page = open_browser(width=width).page
    page.goto("/lab")
    press(page, "Sign out and replay")
    pictures = page.evaluate(PICTURE)
    assert len(pictures) == 3
    for picture in pictures:
        assert picture["labels"]
        assert not [box for box in picture["labels"] if box[0] < picture["cut"] < box[1]]
        axis = sorted(picture["axis"])
        assert all(before[1] < after[0] for before, after in itertools.pairwise(axis))
        for lived, after, tick in picture["ends"]:
            assert tick == after != lived, "what was refused ends in grey"
