"""Copy buttons, pressed in a real browser: each puts the whole of what it names into the clipboard."""

import re
import uuid
from pathlib import Path

import jwt
import pytest
from playwright.sync_api import expect

from app.lab import designs
from tests.e2e.conftest import OpenBrowser, Person
from tests.server import Server

pytestmark = pytest.mark.e2e
FOLDER = Path(designs.__file__).parent
LINK = re.compile(r'href="(/lab/designs/[\w-]+)"')


def copy(person: Person, button: str) -> str:
    """Press the button, and read the clipboard."""
    pressed = person.page.get_by_role("button", name=button, exact=True).first
    pressed.click()
    expect(pressed.locator("xpath=following-sibling::*[1]")).to_contain_text("Copied.")
    return str(person.page.evaluate("() => navigator.clipboard.readText()"))


def test_each_copy_button_of_the_lab_copies_the_file_that_the_page_shows(
    open_browser: OpenBrowser, server: Server
) -> None:
    person = open_browser()
    person.context.grant_permissions(["clipboard-read", "clipboard-write"])
    files = {*FOLDER.glob("*.py")} - {FOLDER / "__init__.py"}
    for path in sorted({*LINK.findall(server.read("/lab/designs"))}):
        person.page.goto(path)
        name = person.page.locator("pre.source").get_attribute("aria-label")
        assert copy(person, "Copy the file") == (FOLDER / str(name)).read_text(), path
        files.remove(FOLDER / str(name))
    assert not files, "every design has a page, and a page a button"


def test_what_is_meant_for_another_window_has_a_button_that_copies_it_whole(open_browser: OpenBrowser) -> None:
    person = open_browser()
    person.context.grant_permissions(["clipboard-read", "clipboard-write"])
    person.page.goto("/lab/rooms")
    person.page.get_by_label("Name of the room").fill("Monday")
    person.press("Open a room")
    code = person.page.locator(".code code").inner_text()
    assert copy(person, "Copy the code") == code
    assert copy(person, "Copy the link").endswith(f"/lab/rooms/{code}/join")
    person.page.goto("/lab")
    person.press("Sign in to begin", "Keep a copy")
    token = copy(person, "Copy the access token")
    assert jwt.decode(token, options={"verify_signature": False})["sub"]
    person.page.goto("/lab/designs/expiry")
    assert token in copy(person, "Copy the commands")


def test_what_an_authenticator_app_needs_is_copied_whole(open_browser: OpenBrowser) -> None:
    person = open_browser()
    person.context.grant_permissions(["clipboard-read", "clipboard-write"])
    person.join(f"ada-{uuid.uuid4().hex[:8]}@example.org")
    person.page.goto("/account/authenticator")
    key = person.page.locator("code.key").inner_text()
    assert copy(person, "Copy the key") == key.replace(" ", ""), "an app takes no spaces"
    paper = person.page.get_by_role("list", name="Recovery codes").get_by_role("listitem").all_inner_texts()
    assert len(paper) == 10
    assert copy(person, "Copy the codes").split("\n") == paper


def test_without_a_clipboard_or_javascript_no_button_promises_a_copy(open_browser: OpenBrowser) -> None:
    plain = open_browser(javascript=False)
    plain.page.goto("/lab/designs/expiry")
    expect(plain.page.locator("pre.source")).to_contain_text("class Verifier")
    expect(plain.page.get_by_role("button", name="Copy the file")).to_have_count(0)


def test_where_the_browser_does_not_allow_it_the_page_says_so(open_browser: OpenBrowser) -> None:
    person = open_browser()
    person.page.add_init_script("navigator.clipboard.writeText = () => Promise.reject(new Error('denied'))")
    person.page.goto("/lab/designs/expiry")
    person.page.get_by_role("button", name="Copy the file").click()
    expect(person.page.get_by_text("Select it by hand")).to_be_visible()
