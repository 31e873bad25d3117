"""Passkeys in a real browser: Chromium's own, with an authenticator in software."""

import uuid
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import CDPSession

from tests.e2e.acts import check
from tests.e2e.conftest import SIZES, OpenBrowser, Person
from tests.server import Server

pytestmark = pytest.mark.e2e
FRESH = 600
QUESTIONS = """
    window.questions = [];
    const get = navigator.credentials.get.bind(navigator.credentials);
    navigator.credentials.get = (options) => {
        document.documentElement.dataset.questions = questions.push(options);
        return get(options);
    };
"""


class Device:
    """The authenticator of one browser. While it is *away*, it answers nothing."""

    def __init__(self, person: Person, *, is_sure: bool = True) -> None:
        self._session: CDPSession = person.context.new_cdp_session(person.page)
        self._session.send("WebAuthn.enable", {"enableUI": False})
        options = {
            "protocol": "ctap2",
            "transport": "internal",
            "hasResidentKey": True,
            "hasUserVerification": is_sure,
            "isUserVerified": is_sure,
            "automaticPresenceSimulation": True,
        }
        added = self._session.send("WebAuthn.addVirtualAuthenticator", {"options": options})
        self._id: str = added["authenticatorId"]

    def away(self, is_away: bool) -> None:
        self._send("WebAuthn.setAutomaticPresenceSimulation", enabled=not is_away)

    def keys(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self._send("WebAuthn.getCredentials")["credentials"]
        return found

    def lend(self, other: "Device") -> None:
        """Have another device hold the same keys, as a password manager does."""
        for key in self.keys():
            other._send("WebAuthn.addCredential", credential=key)

    def lose(self) -> None:
        self._send("WebAuthn.clearCredentials")

    def _send(self, method: str, **more: Any) -> dict[str, Any]:
        found: dict[str, Any] = self._session.send(method, {"authenticatorId": self._id, **more})
        return found


@pytest.fixture
def email() -> str:
    return f"ada-{uuid.uuid4().hex[:8]}@example.org"


@pytest.fixture(params=SIZES, ids=str)
def open_one(request: pytest.FixtureRequest, open_browser: OpenBrowser) -> Callable[[], Person]:
    width, dark = request.param
    return lambda: open_browser("Chrome on Android", width=width, dark=dark)


def sign_up(ada: Person, email: str) -> None:
    ada.page.goto("/sign-up")
    ada.follow("Sign up with a passkey, and no password")
    check(ada.page)
    ada.page.get_by_label("Name", exact=True).fill("Ada")
    ada.page.get_by_label("Email", exact=True).fill(email)
    ada.press("Create a passkey")
    assert ada.is_signed_in()


def add(ada: Person, name: str) -> None:
    ada.page.goto("/account/passkeys/add")
    check(ada.page)
    ada.page.get_by_label("Name", exact=True).fill(name)
    ada.press("Add a passkey")
    assert ada.page.get_by_text("The passkey was added.").is_visible()


def test_an_account_begins_with_a_passkey_and_is_offered_it_at_the_door(
    open_one: Callable[[], Person], email: str
) -> None:
    ada = open_one()
    device = Device(ada)
    sign_up(ada, email)
    ada.sign_out()
    ada.page.goto("/sign-in")  # the device answers what the page offers, without a press
    ada.page.get_by_role("heading", name="You are signed in as Ada").wait_for()
    assert ada.is_signed_in()
    assert len(device.keys()) == 1


def test_a_press_signs_in(open_one: Callable[[], Person], email: str) -> None:
    ada = open_one()
    Device(ada)
    sign_up(ada, email)
    ada.sign_out()
    ada.page.add_init_script("delete PublicKeyCredential.isConditionalMediationAvailable")  # which offers nothing
    ada.page.goto("/sign-in")
    check(ada.page)
    ada.press("Sign in with a passkey")
    assert ada.is_signed_in()


def test_a_press_ends_what_the_page_offers(open_one: Callable[[], Person]) -> None:
    ada = open_one()
    Device(ada).away(True)
    ada.page.add_init_script(QUESTIONS)
    ada.page.goto("/sign-in")
    ada.page.locator("[data-questions='1']").wait_for()
    ada.page.get_by_role("main").get_by_role("button", name="Sign in with a passkey", exact=True).click()
    ada.page.locator("[data-questions='2']").wait_for()
    assert ada.page.evaluate("questions.map((one) => [one.mediation, one.signal?.aborted])") == [
        ["conditional", True],
        [None, None],
    ]


def test_a_passkey_proves_the_users_identity_again(open_one: Callable[[], Person], email: str, server: Server) -> None:
    ada = open_one()
    Device(ada)
    sign_up(ada, email)
    server.wait(FRESH)
    ada.page.goto("/account/passkeys/add")
    assert ada.heading() == "Confirm that it is you"
    check(ada.page)
    ada.press("Confirm with a passkey")
    assert ada.heading() == "Add a passkey"


def test_a_second_key_and_the_removal_of_the_first_when_it_is_lost(
    open_one: Callable[[], Person], open_browser: OpenBrowser, email: str
) -> None:
    ada, phone = open_one(), open_browser("Chrome on Android")
    lost, kept = Device(ada), Device(phone)
    phone.join(email)
    add(phone, "Phone")
    ada.sign_in(email)
    add(ada, "Laptop")
    found = open_browser("Safari on macOS")
    finder = Device(found)
    lost.lend(finder)
    phone.page.goto("/account/passkeys")
    check(phone.page)
    phone.follow("Remove Laptop")
    check(phone.page)
    phone.press("Remove it")
    assert not ada.is_signed_in(), "the other sessions end, unless that is unticked"
    found.page.goto("/sign-in")
    found.page.get_by_text("That did not work").wait_for()
    assert not found.is_signed_in()
    assert len(kept.keys()) == 1


def test_a_user_who_has_lost_the_only_key_is_told_so(open_one: Callable[[], Person], email: str) -> None:
    ada = open_one()
    device = Device(ada)
    sign_up(ada, email)
    ada.page.goto("/account/passkeys")
    ada.follow("Remove Chrome on Android")
    assert ada.heading() == "Chrome on Android is your only way in"
    ada.sign_out()
    device.lose()
    ada.page.goto("/sign-in")
    ada.page.get_by_role("main").get_by_role("button", name="Sign in with a passkey", exact=True).click()
    ada.page.get_by_text("No passkey was used.").wait_for()
    assert not ada.is_signed_in()


def test_a_device_that_has_a_key_says_so(open_one: Callable[[], Person], email: str) -> None:
    ada = open_one()
    Device(ada)
    sign_up(ada, email)
    ada.page.goto("/account/passkeys/add")
    ada.page.get_by_role("main").get_by_role("button", name="Add a passkey", exact=True).click()
    ada.page.get_by_text("This device has a passkey of this account already.").wait_for()


def test_without_javascript_there_is_no_button_and_the_other_way_is_named(open_browser: OpenBrowser) -> None:
    ada = open_browser(javascript=False)
    ada.page.goto("/sign-in")
    assert ada.page.get_by_text(
        "A passkey needs JavaScript, which is off in this browser. Sign in with your password."
    ).is_visible()
    assert not ada.page.get_by_role("button", name="Sign in with a passkey").is_visible()
