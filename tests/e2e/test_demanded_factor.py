"""Where a second factor is demanded: added after sign-up, with or without JavaScript, and asked for beside the password."""

import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.authenticator import Phone
from tests.e2e.acts import check
from tests.e2e.conftest import SIZES, OpenBrowser, Person
from tests.e2e.test_passkeys import Device
from tests.server import Server

pytestmark = pytest.mark.e2e
FRESH = 600


@pytest.fixture(scope="module")
def server(shared_instance: Path) -> Iterator[Server]:
    running = Server(shared_instance, WORKERS="2", SECOND_FACTOR="everyone")
    yield running
    running.stop()


@pytest.fixture
def email() -> str:
    return f"ada-{uuid.uuid4().hex[:8]}@example.org"


def test_without_javascript_an_app_is_added_right_after_sign_up(
    server: Server, open_browser: OpenBrowser, email: str
) -> None:
    ada = open_browser(javascript=False, width=320)
    ada.sign_up(email)
    assert ada.heading() == "Add a second factor"
    assert not ada.is_signed_in()
    ada.follow("Add a passkey")
    assert ada.page.get_by_text("A passkey needs JavaScript").is_visible()
    ada.follow("Add an authenticator app instead")
    phone = Phone(ada.page.locator("code.key").inner_text().replace(" ", ""), [])
    now = int(ada.page.locator("html").get_attribute("data-now") or "")
    ada.page.get_by_label("Code", exact=True).fill(phone.at(now))
    ada.press("Add the app")
    assert ada.is_signed_in()


def add_passkey(ada: Person) -> None:
    check(ada.page)
    ada.follow("Add a passkey")
    check(ada.page)
    ada.press("Add a passkey")
    assert ada.heading() == "Keep these recovery codes"
    check(ada.page)
    ada.press("I have kept them: use these")
    assert ada.is_signed_in()


@pytest.mark.parametrize(("width", "dark"), SIZES)
def test_a_passkey_is_added_after_sign_up_and_asked_for_beside_the_password(
    server: Server, open_browser: OpenBrowser, email: str, width: int, dark: bool
) -> None:
    ada, other = (open_browser(width=width, dark=dark) for _ in range(2))
    key, copy = Device(ada), Device(other)
    ada.sign_up(email)
    add_passkey(ada)
    ada.page.goto("/account/passkeys")
    check(ada.page)
    ada.page.get_by_role("link", name="Remove").click()
    assert ada.heading().endswith("is your only second factor")
    check(ada.page)
    other.sign_in(email)
    assert other.heading() == "Your password was right. Now use a passkey"
    check(other.page)
    key.lend(copy)
    other.press("Sign in with a passkey")
    assert other.is_signed_in()
    server.wait(FRESH)
    other.page.goto("/account/recovery-codes")
    assert other.heading() == "Confirm that it is you"
    check(other.page)
    other.press("Confirm with a passkey")
    assert other.heading() == "Make new recovery codes"
