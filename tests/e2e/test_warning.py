"""A thief uses copied cookies, in real browsers: the owner is warned, and answers."""

import re
import uuid

import pytest
from playwright.sync_api import expect

from tests.browsers import PASSWORD
from tests.e2e.acts import answered, check, press
from tests.e2e.conftest import SIZES, OpenBrowser, Person

pytestmark = pytest.mark.e2e


@pytest.fixture
def email() -> str:
    return f"ada-{uuid.uuid4().hex[:8]}@example.org"


@pytest.fixture
def laptop(open_browser: OpenBrowser, javascript: bool, email: str) -> Person:
    laptop = open_browser("Firefox on Linux", javascript=javascript)
    laptop.join(email)
    return laptop


@pytest.fixture
def thief(open_browser: OpenBrowser, laptop: Person) -> Person:
    """A user who has copied the cookies of Ada's laptop into another browser, and looked around."""
    thief = open_browser("Safari on macOS")
    thief.context.add_cookies(laptop.context.cookies())
    assert thief.is_signed_in()
    return thief


def test_its_owner_reads_it_on_the_first_page_and_ends_the_session(
    laptop: Person, thief: Person, open_browser: OpenBrowser, email: str
) -> None:
    phone = open_browser("Chrome on Android", width=390)
    phone.sign_in(email)
    phone.page.goto("/")
    warning = phone.page.get_by_role("group", name=re.compile("Firefox on Linux was used from a new place"))
    expect(warning).to_contain_text("From another browser: Safari on macOS")
    press(phone.page, "This wasn’t me")
    assert phone.heading() == "Change your password"
    expect(phone.page.get_by_role("status")).to_contain_text("Firefox on Linux has ended.")
    assert not laptop.is_signed_in()
    assert not thief.is_signed_in()
    phone.page.goto("/")
    expect(warning).to_have_count(0)


def test_a_user_who_used_it_there_says_so_with_the_password_and_the_warning_is_gone(
    laptop: Person, thief: Person
) -> None:
    laptop.page.goto("/devices")
    expect(laptop.page.get_by_text("This session was used from a new place.")).to_be_visible()
    press(laptop.page, "It was me")
    assert laptop.heading() == "Confirm that it is you"
    expect(laptop.page.get_by_text("Say that it was you who used Firefox on Linux from a new place")).to_be_visible()
    laptop.page.get_by_label("Password", exact=True).fill(PASSWORD)
    press(laptop.page, "Confirm")
    expect(laptop.page.get_by_role("status")).to_contain_text("Noted: it was you.")
    laptop.page.goto("/")
    expect(laptop.page.get_by_text("was used from a new place")).to_have_count(0)


@pytest.mark.parametrize(("width", "dark"), [*dict.fromkeys([*SIZES, (1280, False)])])
def test_a_warning_is_accessible_wherever_it_is_shown(
    open_browser: OpenBrowser, email: str, width: int, dark: bool
) -> None:
    laptop = open_browser(width=width, dark=dark)
    laptop.join(email)
    phone = open_browser("Chrome on Android")
    phone.sign_in(email)
    for owner in (laptop, phone):
        thief = open_browser("Safari on macOS")
        thief.context.add_cookies(owner.context.cookies())
        assert thief.is_signed_in()
    for path in ("/", "/devices", "/activity"):
        laptop.page.goto(path)
        check(laptop.page)
    laptop.page.goto("/devices")
    with answered(laptop.page):
        laptop.page.get_by_role("button", name="It was me").first.click()
    check(laptop.page)
