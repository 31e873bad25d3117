"""By keyboard alone: Tab, Enter and Space lead through the site, and each stop on the way is seen to have the focus."""

import re
import uuid
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.browsers import PASSWORD
from tests.e2e.acts import answered
from tests.e2e.conftest import OpenBrowser

pytestmark = pytest.mark.e2e
MOST_STOPS = 80
# What has the focus: its name, and how it is seen. At least a part of it is on the screen, with nothing over it.
STOP = """() => {
    const part = document.activeElement, style = getComputedStyle(part), box = part.getBoundingClientRect();
    const label = part.labels?.[0]?.textContent || part.getAttribute("aria-label") || part.textContent;
    const top = document.elementFromPoint(box.x + box.width / 2, box.y + box.height / 2);
    return {
        name: label.trim().replace(/\\s+/g, " "),
        outline: style.outlineStyle === "none" ? 0 : parseFloat(style.outlineWidth),
        is_uncovered: part === top || part.contains(top) || Boolean(top?.contains(part)),
    };
}"""


class Keyboard:
    """A user who has no pointer."""

    def __init__(self, page: Page) -> None:
        self.page = page

    def tab_to(self, name: str, key: str = "Tab") -> None:
        """Press Tab until what has this name has the focus. Each stop before it is seen, too."""
        passed = []
        for _ in range(MOST_STOPS):
            self.page.keyboard.press(key)
            stop = self.page.evaluate(STOP)
            _check(stop)
            passed.append(stop["name"])
            if name in stop["name"]:
                return
        raise AssertionError(f"{name} is not among {passed}")

    def type_into(self, name: str, text: str) -> None:
        self.tab_to(name)
        self.page.keyboard.type(text)

    def press(self, name: str, key: str = "Enter", tab: str = "Tab") -> None:
        """Go to a button or link, and press it; come back when the answer is there."""
        self.tab_to(name, tab)
        with answered(self.page):
            self.page.keyboard.press(key)

    def heading(self, words: str | re.Pattern[str]) -> None:
        expect(self.page.get_by_role("heading", level=1)).to_have_text(words)


def _check(stop: dict[str, Any]) -> None:
    assert stop["outline"] >= 2, f"nothing shows that {stop['name']} has the focus"
    assert stop["is_uncovered"], f"{stop['name']} has the focus, and is covered"


def test_a_user_signs_up_ends_another_session_and_signs_out(open_browser: OpenBrowser) -> None:
    email = f"ada-{uuid.uuid4().hex[:8]}@example.org"
    ada = open_browser()
    keyboard = Keyboard(ada.page)
    sign_up(keyboard, email)
    phone = open_browser("Chrome on Android")
    phone.sign_in(email)
    end_phone(keyboard)
    assert not phone.is_signed_in()
    sign_out(keyboard)
    assert not ada.is_signed_in()


def sign_up(keyboard: Keyboard, email: str) -> None:
    page = keyboard.page
    page.goto("/")
    keyboard.press("Sign up")
    keyboard.heading("Create an account")
    for field, text in (("Name", "Ada"), ("Email", email), ("Password", PASSWORD)):
        keyboard.type_into(field, text)
    page.evaluate("() => addEventListener('submit', (event) => (sessionStorage.said = event.submitter.textContent))")
    keyboard.press("Sign up", "Space")
    assert page.evaluate("() => sessionStorage.said") == "Signing up…"
    keyboard.heading("You are signed in as Ada")


def end_phone(keyboard: Keyboard) -> None:
    page = keyboard.page
    keyboard.press("Devices")
    keyboard.heading("You are signed in on 2 devices")
    keyboard.tab_to("Details of Chrome on Android")
    page.keyboard.press("Space")
    row = page.get_by_role("listitem").filter(has=page.get_by_role("heading", name="Chrome on Android"))
    expect(row.get_by_text("if nothing ends it before")).to_be_visible()
    keyboard.tab_to("Save name")
    keyboard.press("End Chrome on Android")
    keyboard.heading("You are signed in on this device only")
    assert page.evaluate("() => document.activeElement.getAttribute('role')") == "status", "what was done has the focus"


def sign_out(keyboard: Keyboard) -> None:
    keyboard.press("Sign Out", tab="Shift+Tab")
    keyboard.heading("You are signed out")
    keyboard.tab_to("Exchange of Revocation")
    keyboard.page.keyboard.press("Enter")
    expect(keyboard.page.get_by_text("POST /oauth/revoke HTTP/1.1")).to_be_visible()
    keyboard.press("Sign in again")
    keyboard.heading("You are not signed in")


def test_a_visitor_of_the_lab_signs_out_and_presents_the_copy(open_browser: OpenBrowser) -> None:
    keyboard = Keyboard(open_browser().page)
    keyboard.page.goto("/lab")
    for button, key in (
        ("Sign in to begin", "Enter"),
        ("Keep a copy", "Space"),
        ("The server revokes", "Enter"),
        ("Present the token", "Space"),
    ):
        keyboard.press(button, key)
    keyboard.heading(re.compile("designs still accept the old token"))
