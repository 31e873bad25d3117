"""An administrator helps a user whose cookies were stolen, in real browsers."""

import re
import uuid

import pytest
from playwright.sync_api import expect

from tests.browsers import PASSWORD
from tests.e2e.acts import answered
from tests.e2e.conftest import OpenBrowser, Person
from tests.server import Server

pytestmark = pytest.mark.e2e
LEFT = re.compile(r"/sign-in\?next=")  # a page leaves by itself; a test that navigates before gets in its way


@pytest.fixture
def email() -> str:
    return f"ada-{uuid.uuid4().hex[:8]}@example.org"


@pytest.fixture
def ada(open_browser: OpenBrowser, email: str) -> Person:
    ada = open_browser()
    ada.join(email)
    return ada


@pytest.fixture
def root(server: Server, open_browser: OpenBrowser, javascript: bool) -> Person:
    """An administrator."""
    email = f"root-{uuid.uuid4().hex[:8]}@example.org"
    root = open_browser("Safari on macOS", javascript=javascript)
    root.join(email, "Root")
    server.run("users", "admin", email)
    return root


def find(root: Person, email: str) -> None:
    """Open the page of the person with this address."""
    page = root.page
    page.goto("/")
    with answered(page):
        page.get_by_role("navigation").get_by_role("link", name="Admin").click()
    page.get_by_label("Find a person").fill(email)
    root.press("Find")
    expect(page.get_by_role("heading", level=1)).to_contain_text("1 account matches")
    root.follow(re.compile("^Ada"))


def test_a_thief_is_thrown_out(root: Person, ada: Person, email: str, open_browser: OpenBrowser) -> None:
    thief = open_browser("Chrome on Android", javascript=False)  # else its page leaves by itself
    thief.context.add_cookies(ada.context.cookies())  # type: ignore[arg-type]
    assert thief.is_signed_in()
    find(root, email)
    assert "is signed in on 1 device" in root.heading()
    root.press("End Firefox on Linux")
    expect(root.page.get_by_role("status")).to_contain_text("Ended.")
    assert "is not signed in" in root.heading()
    expect(ada.page).to_have_url(LEFT)
    assert not any(person.is_signed_in() for person in (thief, ada) for _ in range(4))
    ada.sign_in(email)
    ada.page.goto("/devices")
    expect(ada.page.get_by_role("main")).to_contain_text("ended by an administrator")


def test_an_account_is_closed_until_its_owner_calls_back(server: Server, root: Person, ada: Person, email: str) -> None:
    find(root, email)
    server.wait(601)
    root.press("Close the account")
    assert "Confirm that it is you" in root.heading()
    root.page.get_by_label("Password", exact=True).fill(PASSWORD)
    root.press("Confirm")
    expect(root.page.get_by_role("heading", level=1)).to_contain_text("is closed")
    expect(ada.page).to_have_url(LEFT)
    assert not ada.is_signed_in()
    ada.sign_in(email)
    assert not ada.is_signed_in()
    root.press("Open the account again")
    expect(root.page.get_by_role("status")).to_contain_text("The account is open.")
    ada.sign_in(email)
    ada.page.goto("/activity")
    said = ada.page.get_by_role("main").inner_text()
    assert "An administrator closed the account" in said
    assert "An administrator opened the account again" in said


def test_no_other_user_finds_the_way(ada: Person) -> None:
    expect(ada.page.get_by_role("link", name="Admin")).to_have_count(0)
    ada.page.goto("/admin")
    assert "There is no such page" in ada.heading()
