"""A bad day in a real browser: mail comes through a real mail server, also after it was down for an hour."""

import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import expect

from app.mail.links import LIVES, Purpose
from app.outbox.answer import PAUSES
from tests.browsers import PASSWORD
from tests.e2e.acts import answered, go
from tests.e2e.conftest import SIZES, OpenBrowser, Person
from tests.e2e.test_passkeys import Device, add
from tests.e2e.test_second_factor import look, phone_of
from tests.mail.server import Letter, Postbox
from tests.server import Server

pytestmark = pytest.mark.e2e
NEW = "nine quiet walruses"
MINUTE, HOUR = 60, 60 * 60


@pytest.fixture(scope="module")
def postbox() -> Iterator[Postbox]:
    found = Postbox()
    yield found
    found.down()


@pytest.fixture(scope="module")
def server(shared_instance: Path, postbox: Postbox) -> Iterator[Server]:
    running = Server(shared_instance, WORKERS="2", SMTP_URL=postbox.url)
    yield running
    running.stop()


@dataclass
class Ada:
    """A person with an address, whose mail comes to *box*."""

    open_browser: OpenBrowser
    server: Server
    box: Postbox
    email: str
    script: bool
    width: int = 1280
    dark: bool = False

    def browser(self, label: str = "Firefox on Linux") -> Person:
        return self.open_browser(label, javascript=self.script, width=self.width, dark=self.dark)

    def letter(self, subject: str) -> Letter:
        """Wait for the next mail, which must be this one."""
        found = self.box.wait()
        assert (found.to, found.message["Subject"]) == (self.email, subject)
        return found

    def sign_up(self) -> Person:
        """Sign up, and verify the address."""
        person = self.browser()
        person.join(self.email)
        go(person.page, self.letter("Verify your address").link)
        self.look(person, "verify")
        person.press("Verify")
        assert person.heading() == "Your address is verified"
        self.look(person, "verified")
        return person

    def forget_password(self, person: Person) -> None:
        """Ask for the link, as from the sign-in page."""
        go(person.page, "/sign-in")
        person.follow("Forgotten password?")
        self.look(person, "recover")
        person.page.get_by_label("Email").fill(self.email)
        person.press("Send the link")
        assert person.heading() == "Check your mail"
        self.look(person, "sent")

    def choose_password(self, person: Person, link: str) -> None:
        go(person.page, link)
        self.look(person, "choose")
        person.page.get_by_label("New password", exact=True).fill(NEW)
        person.press("Set the password")
        assert person.heading() == "Your new password is set"
        self.look(person, "chosen")

    def look(self, person: Person, name: str) -> None:
        look(person.page, f"recovery-{name}", script=self.script)


@pytest.fixture
def ada(javascript: bool, open_browser: OpenBrowser, server: Server, postbox: Postbox) -> Ada:
    return Ada(open_browser, server, postbox, f"ada-{uuid.uuid4().hex[:8]}@example.org", javascript)


@pytest.mark.parametrize("size", SIZES, ids=str)
def test_a_forgotten_password_is_replaced_by_mail_and_a_thief_with_the_cookies_is_out(
    ada: Ada, size: tuple[int, bool]
) -> None:
    ada.width, ada.dark = size
    first, phone, thief = ada.sign_up(), ada.browser("Chrome on Android"), ada.browser("Safari on macOS")
    thief.context.add_cookies(first.context.cookies())  # type: ignore[arg-type]
    first.page.goto("/account")
    ada.forget_password(phone)
    link = ada.letter("Choose a new password").link
    go(phone.page, link)
    assert first.is_signed_in(), "opening it changes nothing"
    assert thief.context.request.get("/api/me", max_redirects=0).status == 401, "no token of the site's in a header"
    ada.choose_password(phone, link)
    assert not thief.is_signed_in()
    assert not first.is_signed_in()
    if ada.script:
        expect(first.page.get_by_role("heading", level=1)).to_contain_text("You were signed out")
    ada.letter("Your password was replaced by way of a mail")
    phone.sign_in(ada.email, PASSWORD)
    assert not phone.is_signed_in(), "the old password no longer works"
    phone.sign_in(ada.email, NEW)
    assert phone.is_signed_in()
    ada.letter("Your account was signed in to from a new browser or place")
    go(thief.page, link)
    assert thief.page.get_by_role("main").get_by_role("button").count() == 0, "the link says what it did, for a while"


def test_with_the_mail_server_down_for_an_hour_no_page_waits_and_one_good_link_comes(ada: Ada) -> None:
    first, phone = ada.sign_up(), ada.browser("Chrome on Android")
    ada.box.down()
    came = len(ada.box.letters)
    ada.forget_password(phone)
    until(ada.server, "attempts = 1 AND delivered_at IS NULL")
    ada.server.wait(HOUR)
    until(ada.server, "attempts = 2 AND delivered_at IS NULL")
    assert first.is_signed_in()
    ada.box.up()
    ada.server.wait(PAUSES[1])
    link = ada.letter("Choose a new password").link
    until(ada.server, "delivered_at IS NOT NULL")  # the time of the link begins then
    ada.server.wait(LIVES[Purpose.RECOVER] - MINUTE)
    ada.choose_password(phone, link)
    ada.letter("Your password was replaced by way of a mail")
    assert len(ada.box.letters) == came + 2, "nothing was sent twice"


def until(server: Server, condition: str) -> None:
    """Wait until this is so for the newest mail."""
    last = time.monotonic() + MINUTE
    while not server.query(
        f"SELECT 1 FROM (SELECT * FROM mails ORDER BY made_at DESC LIMIT 1) AS newest WHERE {condition}"
    ):
        assert time.monotonic() < last, server.query("SELECT made_at, attempts, next_at, answer FROM mails")
        time.sleep(0.02)


def test_this_was_not_me_ends_the_strangers_session_from_any_browser_and_leads_to_recovery(ada: Ada) -> None:
    first, thief, phone = ada.sign_up(), ada.browser("Safari on macOS"), ada.browser("Chrome on Android")
    thief.sign_in(ada.email)
    assert thief.is_signed_in()
    letter = ada.letter("Your account was signed in to from a new browser or place")
    go(phone.page, letter.link)
    assert phone.heading() == "Was this not you?"
    ada.look(phone, "not-me")
    phone.press("This wasn’t me")
    ada.look(phone, "not-me-done")
    assert not thief.is_signed_in()
    assert first.is_signed_in()
    with answered(phone.page):
        phone.page.get_by_role("link", name="Get a link to choose a new password").click()
    assert phone.page.get_by_label("Email").input_value() == ada.email
    phone.press("Send the link")
    ada.choose_password(phone, ada.letter("Choose a new password").link)
    assert not first.is_signed_in()
    ada.letter("Your password was replaced by way of a mail")


def test_the_last_mail_comes_when_the_account_is_gone(ada: Ada) -> None:
    first = ada.sign_up()
    go(first.page, "/account/data")
    with answered(first.page):
        first.page.get_by_role("button", name="Delete my account").click()
    first.page.get_by_label("Password", exact=True).fill(PASSWORD)
    first.press("Confirm")
    assert first.heading() == "Your account is deleted"
    assert "/links/" not in ada.letter("Your account is deleted").text


def test_with_an_authenticator_app_a_passkey_does_in_place_of_a_code(
    open_browser: OpenBrowser, server: Server, postbox: Postbox
) -> None:
    ada = Ada(open_browser, server, postbox, f"ada-{uuid.uuid4().hex[:8]}@example.org", script=True)
    first = ada.sign_up()
    device = Device(first)
    add(first, "Laptop")
    ada.letter("A passkey was added to your account")
    first.page.goto("/account/authenticator")
    moved = server.folder / "clock"
    code = phone_of(first.page).code(int(moved.read_text()) if moved.exists() else 0)
    first.page.get_by_label("Code", exact=True).fill(code)
    first.press("Add the app")
    ada.letter("A second factor was added to your account")
    device.away(True)  # or it would answer what /sign-in offers
    ada.forget_password(first)
    device.away(False)
    go(first.page, ada.letter("Choose a new password").link)
    ada.look(first, "choose-by-passkey")
    first.page.get_by_label("New password", exact=True).fill("short")
    first.press("Use a passkey instead of a code")
    assert first.page.get_by_text("Use 8 to 128 characters. This has 5.").is_visible()
    first.page.get_by_label("New password", exact=True).fill(NEW)
    first.press("Use a passkey instead of a code")
    assert first.heading() == "Your new password is set"
    assert not first.is_signed_in()
