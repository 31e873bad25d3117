"""What people do here, in real browsers, with JavaScript and without."""

import re
import uuid

import pytest
from playwright.sync_api import expect

from tests import backings
from tests.browsers import ACCESS, PASSWORD, REFRESH
from tests.e2e.conftest import OpenBrowser, Person, with_or_without
from tests.server import Server

pytestmark = pytest.mark.e2e


in_both_ways = pytest.mark.parametrize("javascript", [True, False], ids=with_or_without, indirect=True)


@pytest.fixture
def email() -> str:
    return f"ada-{uuid.uuid4().hex[:8]}@example.org"


@pytest.fixture
def laptop(open_browser: OpenBrowser, javascript: bool, email: str) -> Person:
    """Ada's laptop, where she has just signed up."""
    laptop = open_browser("Firefox on Linux", javascript=javascript)
    laptop.join(email)
    return laptop


@pytest.fixture
def phone(open_browser: OpenBrowser, javascript: bool, email: str, laptop: Person) -> Person:
    """Ada's phone, signed in too."""
    phone = open_browser("Chrome on Android", javascript=javascript, width=390)
    phone.sign_in(email)
    return phone


@in_both_ways
def test_sign_up_shows_the_living_session(open_browser: OpenBrowser, javascript: bool, email: str) -> None:
    laptop = open_browser(javascript=javascript)
    laptop.sign_up(email)
    assert "You are signed in" in laptop.heading()
    expect(laptop.page.get_by_role("img", name=re.compile("began"))).to_be_visible()
    laptop.follow("What my browser holds")
    expect(laptop.page.get_by_text("__Host-Http-access", exact=True)).to_be_visible()
    expect(laptop.page.get_by_text("__Host-Http-refresh", exact=True)).to_be_visible()


def test_the_first_steps_are_ticked_as_they_are_taken(laptop: Person, phone: Person, email: str) -> None:
    steps = laptop.page.get_by_role("region", name="Three next steps").get_by_role("listitem")
    laptop.page.goto("/")
    expect(steps.filter(has_text="Done.")).to_have_text([re.compile("Sign in with a second browser")])
    steps.get_by_role("link", name="Devices").click()
    laptop.press("End Chrome on Android")
    assert not phone.is_signed_in()
    laptop.page.goto("/")
    expect(steps.filter(has_text="Done.")).to_have_count(2)
    laptop.sign_out()
    expect(laptop.page).to_have_url(re.compile("/signed-out$"))
    laptop.sign_in(email)
    expect(laptop.page.get_by_role("heading", level=1)).to_contain_text("You are signed in")
    expect(steps).to_have_count(0)


def test_a_device_that_is_not_theirs_is_ended_and_a_new_password_chosen(
    laptop: Person, phone: Person, email: str
) -> None:
    page = laptop.page
    page.goto("/devices")
    row = page.get_by_role("listitem").filter(has_text="Chrome on Android")
    row.get_by_text("Details").click()
    row.get_by_role("button", name="This wasn’t me").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Change your password")
    expect(page.get_by_role("status")).to_contain_text("Chrome on Android has ended.")
    assert not phone.is_signed_in()
    page.get_by_label("Current password", exact=True).fill(PASSWORD)
    page.get_by_label("New password", exact=True).fill("nine quiet walruses")
    laptop.press("Change password")
    assert laptop.is_signed_in()
    phone.sign_in(email)
    assert not phone.is_signed_in(), "what the thief knew is worth nothing"


@in_both_ways
def test_sign_out_shows_what_ended_and_the_proof(laptop: Person) -> None:
    laptop.sign_out()
    page = laptop.page
    expect(page).to_have_url(re.compile("/signed-out$"))
    assert "signed out" in laptop.heading()
    for folded in page.locator("summary").all():
        folded.click()
    for words in ("POST /oauth/revoke", "401 UNAUTHORIZED", "invalid_token", "400 BAD REQUEST", "invalid_grant"):
        expect(page.get_by_text(words).first).to_be_visible()
    assert not laptop.is_signed_in()


@pytest.mark.parametrize("javascript", [False], indirect=True)
def test_what_is_typed_is_neither_cut_nor_rewritten_by_the_browser(
    open_browser: OpenBrowser, javascript: bool, email: str
) -> None:
    typed, name = email.replace("example.org", "M\u00fcnchen.example"), "\u0639\u0644\u06cc\u200c\u0631\u0636\u0627"
    ada = open_browser(javascript=javascript)
    ada.page.goto("/sign-up")
    ada.page.get_by_label("Name", exact=True).fill(name)
    ada.fill_in(typed, "quiet walrus " * 10)
    ada.press("Sign up")
    expect(ada.page.get_by_text("Use 8 to 128 characters. This has 130.")).to_be_visible()
    ada.fill_in(typed)
    ada.press("Sign up")
    ada.page.goto("/account")
    for text in (typed, name):
        expect(ada.page.get_by_role("definition").filter(has_text=text)).to_be_visible()
    ada.sign_in(email.replace("example.org", "xn--mnchen-3ya.example"))
    assert name in ada.heading()


@in_both_ways
def test_a_wrong_password_is_said_beside_the_field(laptop: Person, email: str) -> None:
    laptop.sign_out()
    laptop.page.goto("/sign-in")
    expect(laptop.page.get_by_label("Password", exact=True)).not_to_have_attribute("aria-invalid", re.compile(""))
    laptop.sign_in(email, "not this one")
    field = laptop.page.get_by_label("Password", exact=True)
    expect(field).to_have_attribute("aria-invalid", "true")
    expect(laptop.page.get_by_text("Email or password is not right.")).to_be_visible()
    expect(laptop.page.get_by_label("Email", exact=True)).to_have_value(email)


def test_a_user_who_asked_for_a_page_gets_it_after_signing_in(laptop: Person, email: str) -> None:
    laptop.sign_out()
    laptop.page.goto("/activity")
    laptop.fill_in(email)
    laptop.press("Sign in")
    expect(laptop.page).to_have_url(re.compile("/activity$"))


@in_both_ways
def test_one_browser_ends_the_other(laptop: Person, phone: Person) -> None:
    laptop.page.goto("/devices")
    assert "2 devices" in laptop.heading()
    laptop.press("End Chrome on Android")
    assert "this device only" in laptop.heading()
    expect(laptop.page.get_by_role("status").first).to_be_visible()
    assert not phone.is_signed_in()
    assert laptop.is_signed_in()


def test_the_others_are_ended_together(laptop: Person, phone: Person, open_browser: OpenBrowser, email: str) -> None:
    tablet = open_browser("Safari on macOS")
    tablet.sign_in(email)
    laptop.page.goto("/devices")
    assert "3 devices" in laptop.heading()
    laptop.press("End the 2 others")
    assert [person.is_signed_in() for person in (laptop, phone, tablet)] == [True, False, False]


def test_signing_out_everywhere_ends_this_one_too(laptop: Person, phone: Person) -> None:
    laptop.page.goto("/devices")
    laptop.press("Sign out everywhere")
    expect(laptop.page).to_have_url(re.compile("/signed-out$"))
    assert "everywhere" in laptop.page.get_by_role("main").inner_text()
    assert not laptop.is_signed_in()
    assert not phone.is_signed_in()


def test_a_session_gets_a_name(laptop: Person, phone: Person) -> None:
    page = laptop.page
    page.goto("/devices")
    row = page.get_by_role("listitem").filter(has_text="Chrome on Android")
    row.locator("summary").click()
    row.get_by_role("textbox").fill("My phone")
    row.get_by_role("button", name="Save name").click()
    expect(page.get_by_role("heading", name="My phone")).to_be_visible()
    expect(page.get_by_role("button", name="End My phone", exact=True)).to_be_visible()


@in_both_ways
def test_a_change_of_password_ends_the_others(laptop: Person, phone: Person, email: str) -> None:
    page = laptop.page
    page.goto("/account/password")
    page.get_by_label("Current password", exact=True).fill(PASSWORD)
    page.get_by_label("New password", exact=True).fill("nine quiet walruses")
    expect(page.get_by_label("End my other sessions")).to_be_checked()
    laptop.press("Change password")
    assert "changed" in laptop.heading()
    assert laptop.is_signed_in()
    assert not phone.is_signed_in()
    phone.sign_in(email, "nine quiet walruses")
    assert phone.is_signed_in()


def test_a_late_end_asks_who_you_are_and_then_does_it(server: Server, laptop: Person, phone: Person) -> None:
    server.wait(601)
    laptop.page.goto("/devices")
    laptop.press("End Chrome on Android")
    assert "Confirm that it is you" in laptop.heading()
    expect(laptop.page.get_by_text("End Chrome on Android").first).to_be_visible()
    laptop.page.get_by_label("Password", exact=True).fill(PASSWORD)
    laptop.press("Confirm")
    assert "this device only" in laptop.heading()
    assert not phone.is_signed_in()


def test_the_activity_says_what_happened(laptop: Person, phone: Person) -> None:
    laptop.page.goto("/activity")
    text = laptop.page.get_by_role("main").inner_text()
    assert text.count("Signed in") >= 2
    assert "Chrome on Android" in text


def test_copied_cookies_do_not_work_after_sign_out_on_any_worker(laptop: Person, open_browser: OpenBrowser) -> None:
    thief = open_browser("Safari on macOS")
    thief.context.add_cookies(laptop.context.cookies())  # type: ignore[arg-type]
    assert thief.is_signed_in()
    laptop.sign_out()
    expect(laptop.page).to_have_url(re.compile("/signed-out$"))
    assert not any(thief.is_signed_in() for _ in range(10))


@in_both_ways
def test_a_sign_out_that_the_store_cannot_take_says_so_and_can_be_tried_again(
    server: Server, laptop: Person, open_browser: OpenBrowser
) -> None:
    thief = open_browser("Safari on macOS")
    thief.context.add_cookies(laptop.context.cookies())  # type: ignore[arg-type]
    page = laptop.page
    with backings.locked(server.folder):
        laptop.sign_out()
        expect(page.get_by_role("heading", level=1)).to_contain_text("the server has not")
        left = {cookie["name"].removeprefix("__Host-Http-") for cookie in laptop.context.cookies()}
        assert left == {"probe", "mail", "ending"}
    assert thief.is_signed_in(), "the page has said so"
    laptop.press("Try again")
    expect(page.get_by_role("heading", level=1)).to_have_text("You are signed out")
    assert not thief.is_signed_in()


def test_ck_06_bba_08_no_script_can_see_a_token(open_browser: OpenBrowser, email: str) -> None:
    ada = open_browser()
    ada.sign_up(email)
    tokens = [cookie["value"] for cookie in ada.context.cookies() if cookie["name"] in (ACCESS, REFRESH)]
    assert len(tokens) == 2
    seen = ada.page.evaluate(
        "() => document.cookie + JSON.stringify({...localStorage}) + JSON.stringify({...sessionStorage})"
        " + document.documentElement.outerHTML"
    )
    assert not any(token in seen for token in tokens)


def test_a_receipt_prints_on_one_page(open_browser: OpenBrowser, email: str) -> None:
    ada = open_browser()
    ada.join(email)
    ada.sign_out()
    expect(ada.page).to_have_url(re.compile("/signed-out$"))
    printed = ada.page.pdf(format="A4")
    assert len(re.findall(rb"/Type\s*/Page\b", printed)) == 1
