"""The second factor in a real browser: added by what the page shows, asked for, and removed, with JavaScript and without."""

import os
import uuid
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import Page

from tests.authenticator import Phone
from tests.e2e.acts import check
from tests.e2e.conftest import SIZES, OpenBrowser, Person
from tests.server import Server

pytestmark = pytest.mark.e2e
FRESH = 600


def phone_of(page: Page) -> Phone:
    """Take from the page what a person takes: the key, and the recovery codes."""
    paper = page.get_by_role("list", name="Recovery codes").get_by_role("listitem").all_inner_texts()
    return Phone(page.locator("code.key").inner_text().replace(" ", ""), paper)


def look(page: Page, name: str, *, script: bool) -> None:
    if script:
        check(page)
    if folder := os.environ.get("PICTURES"):
        width = (page.viewport_size or {"width": 0})["width"]
        light = page.evaluate("() => matchMedia('(prefers-color-scheme: dark)').matches") if script else "plain"
        page.screenshot(path=Path(folder) / f"{name}-{width}-{light}.png", full_page=True)


@dataclass
class Walk:
    """One person with two browsers of one kind."""

    open_browser: OpenBrowser
    server: Server
    width: int
    dark: bool
    script: bool

    def browser(self) -> Person:
        return self.open_browser(javascript=self.script, width=self.width, dark=self.dark)

    def look(self, person: Person, name: str) -> None:
        look(person.page, name, script=self.script)

    def give(self, person: Person, code: str, button: str) -> None:
        person.page.get_by_label("Code", exact=True).fill(code)
        person.press(button)

    def code(self, phone: Phone) -> str:
        moved = self.server.folder / "clock"
        return phone.code(int(moved.read_text()) if moved.exists() else 0)


@pytest.fixture
def walk(javascript: bool, open_browser: OpenBrowser, server: Server, size: tuple[int, bool]) -> Walk:
    return Walk(open_browser, server, *size, javascript)


@pytest.mark.parametrize("size", SIZES, ids=str)
def test_an_app_is_added_asked_for_and_removed(walk: Walk) -> None:
    email = f"ada-{uuid.uuid4().hex[:8]}@example.org"
    ada, other = walk.browser(), walk.browser()
    ada.join(email)
    phone = add(walk, ada)
    sign_in(walk, other, email, phone)
    remove(walk, other, phone)
    assert not ada.is_signed_in(), "the others end, unless that is unticked"


def add(walk: Walk, ada: Person) -> Phone:
    ada.page.goto("/account")
    ada.follow("Add an authenticator app")
    walk.look(ada, "add")
    phone = phone_of(ada.page)
    assert len(phone.paper) == 10
    walk.give(ada, "000000", "Add the app")
    walk.look(ada, "add-wrong")
    assert phone_of(ada.page) == phone, "the phone has this key by now"
    walk.give(ada, walk.code(phone), "Add the app")
    assert ada.heading() == "Signing in with your password takes a code"
    walk.look(ada, "added")
    return phone


def sign_in(walk: Walk, other: Person, email: str, phone: Phone) -> None:
    other.sign_in(email)
    assert other.heading() == "Your password was right. Now enter a code"
    assert not other.is_signed_in()
    walk.look(other, "code")
    walk.give(other, phone.paper[0], "Sign in")
    assert other.is_signed_in()
    other.page.goto("/devices")
    assert other.page.get_by_text("with a password and a recovery code").first.is_visible()
    walk.look(other, "devices")


def remove(walk: Walk, other: Person, phone: Phone) -> None:
    walk.server.wait(FRESH)
    other.page.goto("/account/recovery-codes")
    assert other.heading() == "Confirm that it is you"
    walk.look(other, "confirm")
    walk.give(other, phone.paper[1], "Confirm")
    walk.look(other, "codes")
    new = other.page.get_by_role("list", name="Recovery codes").get_by_role("listitem").all_inner_texts()
    other.press("I have kept them: use these")
    assert other.heading() == "Your new recovery codes work now"
    assert new[0] not in other.page.content()
    other.page.goto("/account/authenticator")
    other.follow("Remove the app")
    walk.look(other, "remove")
    other.press("Remove it")
    assert other.heading() == "The authenticator app was removed"
    walk.look(other, "removed")
