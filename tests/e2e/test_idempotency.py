"""Pressed twice, in a real browser: with the gaps of a double click, of a second Enter, and of an impatient person."""

import re
import uuid
from collections.abc import Iterator

import pytest
from playwright.sync_api import Request, expect

from tests.browsers import PASSWORD
from tests.conftest import LONG
from tests.e2e.acts import answered
from tests.e2e.conftest import OpenBrowser, Person
from tests.server import Server

pytestmark = pytest.mark.e2e
GAPS = [5, 10, 20, 40, 80, 120, 160] if LONG else [5, 160]  # milliseconds
NEW = "nine quiet walruses"
TWICE = """([selector, gap]) => {
    const form = document.querySelector(selector);
    form.submit();  // no script is asked: as without JavaScript
    setTimeout(() => form.submit(), gap);
}"""


@pytest.fixture
def email() -> str:
    return f"ada-{uuid.uuid4().hex[:8]}@example.org"


@pytest.fixture
def ada(open_browser: OpenBrowser) -> Person:
    return open_browser()


@pytest.fixture(params=GAPS, ids=lambda gap: f"{gap} ms")
def gap(request: pytest.FixtureRequest) -> int:
    return int(request.param)


def twice(person: Person, action: str, gap: int) -> None:
    """Send the form twice; come back when the page that both lead to is there."""
    with answered(person.page):
        person.page.evaluate(TWICE, [f'form[action="{action}"]', gap])


def live(server: Server, email: str) -> int:
    """How many sessions of this person go on."""
    [(count,)] = server.query(
        "SELECT count(*) FROM sessions JOIN users ON users.id = user_id WHERE email = ? AND ended_entry IS NULL", email
    )
    return int(count)


def test_a_double_sign_up_makes_an_account_and_signs_in(server: Server, ada: Person, email: str, gap: int) -> None:
    ada.page.goto("/sign-up")
    ada.page.get_by_label("Name", exact=True).fill("Ada")
    ada.fill_in(email)
    twice(ada, "/sign-up", gap)
    expect(ada.page.get_by_role("heading", level=1)).to_have_text("You are signed in as Ada")
    assert live(server, email) == 1


def test_a_double_sign_in_makes_one_row(server: Server, ada: Person, email: str, gap: int) -> None:
    ada.join(email)
    ada.sign_out()
    ada.page.goto("/sign-in")
    ada.fill_in(email)
    twice(ada, "/sign-in", gap)
    expect(ada.page.get_by_role("heading", level=1)).to_have_text("You are signed in as Ada")
    assert live(server, email) == 1


def test_a_double_change_of_password_leaves_this_browser_signed_in(
    server: Server, ada: Person, email: str, gap: int
) -> None:
    ada.join(email)
    page = ada.page
    page.goto("/account/password")
    page.get_by_label("Current password", exact=True).fill(PASSWORD)
    page.get_by_label("New password", exact=True).fill(NEW)
    twice(ada, "/account/password", gap)
    expect(page.get_by_role("heading", level=1)).to_have_text("Your password is changed")
    page.reload()
    expect(page.get_by_role("heading", level=1)).to_have_text("Your password is changed")
    assert ada.is_signed_in()
    assert live(server, email) == 1


def test_a_double_sign_out_shows_the_receipt_with_its_proof(server: Server, ada: Person, email: str, gap: int) -> None:
    ada.join(email)
    ada.page.goto("/sign-out")
    with answered(ada.page):
        ada.page.evaluate(TWICE, ['main form[action="/sign-out"]', gap])
    expect(ada.page.get_by_role("heading", level=1)).to_have_text("You are signed out")
    expect(ada.page.get_by_text("invalid_grant").first).to_be_visible()
    expect(ada.page.get_by_role("link", name="Download the proof")).to_be_visible()
    assert live(server, email) == 0


def test_a_double_confirmation_counts_once(server: Server, ada: Person, email: str, gap: int) -> None:
    ada.join(email)
    server.wait(601)
    ada.page.goto("/confirm?next=/activity")
    ada.page.get_by_label("Password", exact=True).fill(PASSWORD)
    twice(ada, "/confirm", gap)
    expect(ada.page).to_have_url(re.compile("/activity$"))
    expect(ada.page.get_by_text("Your identity was confirmed again")).to_have_count(1)
    assert ada.is_signed_in()


# No test can ask a page that waits for an answer, so it tells by itself. The first press is a click; after a while, in which the
# request went out, come another click, and Enter.
PRESS_THRICE = """() => {
    const button = document.querySelector("main form > button");
    button.click();
    setTimeout(() => {
        button.click();
        button.form.requestSubmit();
        console.log(button.textContent, button.ariaDisabled);
    }, 200);
}"""


@pytest.fixture
def slow(server: Server) -> Iterator[Server]:
    """A server that can be paused, and goes on for the next test in any case."""
    yield server
    server.resume()


def test_two_clicks_are_one_and_the_button_says_what_is_under_way(slow: Server, ada: Person, email: str) -> None:
    ada.join(email)
    ada.sign_out()
    page, sent = ada.page, list[Request]()
    page.goto("/sign-in")
    ada.fill_in(email)
    page.on("request", lambda request: sent.append(request) if request.method == "POST" else None)
    with answered(page):
        slow.pause()
        with page.expect_console_message() as told:
            page.evaluate(PRESS_THRICE)
        slow.resume()
    assert told.value.text == "Signing in… true"
    expect(page.get_by_role("heading", level=1)).to_have_text("You are signed in as Ada")
    assert len(sent) == 1


def test_where_the_answer_never_comes_the_button_can_be_pressed_again(ada: Person, email: str) -> None:
    ada.join(email)
    ada.sign_out()
    page = ada.page
    page.clock.install()
    page.goto("/sign-in")
    ada.fill_in(email)
    page.route("**/sign-in", lambda route: route.abort("aborted"))  # as with Esc, the page stays
    button = page.locator("main form > button.primary")
    with page.expect_event("requestfailed"):
        button.click()
    expect(button).to_have_text("Signing in…")
    expect(button).to_have_attribute("aria-disabled", "true")
    page.clock.fast_forward("00:10")
    expect(button).to_have_text("Sign in")
    expect(button).not_to_have_attribute("aria-disabled", re.compile(""))
    page.unroute("**/sign-in")
    ada.press("Sign in")
    expect(page.get_by_role("heading", level=1)).to_have_text("You are signed in as Ada")


def test_back_after_sign_out_the_form_works_as_new(ada: Person, email: str, server: Server) -> None:
    ada.join(email)
    ada.sign_out()
    page = ada.page
    page.goto("/sign-in")
    ada.fill_in(email)
    ada.press("Sign in")
    ada.sign_out()
    for _ in range(4):
        page.go_back()
        if page.get_by_label("Email", exact=True).count():
            break
    ada.fill_in(email)
    ada.press("Sign in")
    expect(page.get_by_role("heading", level=1)).to_have_text("You are signed in as Ada")
    assert live(server, email) == 1


def test_the_page_of_one_person_does_not_post_for_the_next(ada: Person, email: str, server: Server) -> None:
    ada.join(email)
    stale = Person(ada.context)
    stale.page.route("**/live*", lambda route: route.abort())  # it does not notice
    stale.page.goto("/devices")
    ada.page.goto("/account")
    ada.sign_out()
    ada.join(f"bob-{email}", "Bob")
    stale.sign_out()
    expect(stale.page.get_by_role("heading", level=1)).to_have_text("That page was another person’s")
    expect(stale.page.get_by_text("Now it is Bob.")).to_be_visible()
    assert ada.is_signed_in()
    stale.follow("Open the page again")
    expect(stale.page.get_by_role("heading", level=1)).to_contain_text("You are signed in on")
    assert live(server, f"bob-{email}") == 1
