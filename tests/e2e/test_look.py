"""Every page, light and dark, small and wide: readable by all, within its width, and light of weight."""

import json
import uuid
from urllib.parse import urlencode, urlsplit

import pytest
from playwright.sync_api import Response

from tests import backings
from tests.e2e.acts import check
from tests.e2e.conftest import SIZES, OpenBrowser, Person
from tests.server import Server

pytestmark = pytest.mark.e2e

PUBLIC = [
    "/",
    "/sign-in",
    "/sign-up",
    "/sign-up/passkey",
    "/sign-out",
    "/signed-out",
    "/recover",
    "/recover/sent",
    "/mail",
    "/links/none",
    "/nowhere",
]
PRIVATE = [
    "/",
    "/holds",
    "/account",
    "/account/password",
    "/account/authenticator",
    "/account/passkeys",
    "/account/passkeys/add",
    "/account/name",
    "/account/email",
    "/account/data",
    "/devices",
    "/activity",
    "/confirm?action=others",
    "/sign-out",
]
FIRST_VISIT = 60 * 1024


in_both_lights = pytest.mark.parametrize("ada", [*dict.fromkeys([*SIZES, (1280, False)])], ids=str, indirect=True)


@pytest.fixture(params=SIZES, ids=str)
def ada(request: pytest.FixtureRequest, open_browser: OpenBrowser) -> Person:
    width, dark = request.param
    return open_browser(width=width, dark=dark)


@in_both_lights
def test_every_public_page_is_accessible(ada: Person) -> None:
    for path in PUBLIC:
        ada.page.goto(path)
        check(ada.page)


@in_both_lights
def test_every_private_page_is_accessible(ada: Person, open_browser: OpenBrowser) -> None:
    email = f"ada-{uuid.uuid4().hex[:8]}@example.org"
    ada.sign_up(email)
    phone = open_browser("Chrome on Android")
    phone.sign_in(email)
    gone = open_browser("Safari on macOS")
    gone.sign_in(email)
    gone.sign_out()
    for path in PRIVATE:
        ada.page.goto(path)
        check(ada.page)


def test_every_page_of_an_administrator_is_accessible(ada: Person, open_browser: OpenBrowser, server: Server) -> None:
    names = [f"{name}-{uuid.uuid4().hex[:8]}@example.org" for name in ("root", "eve")]
    ada.sign_up(names[0])
    server.run("users", "admin", names[0])
    phone, laptop = open_browser("Chrome on Android"), open_browser("Safari on macOS")
    phone.sign_up(names[1], "Eve")
    laptop.sign_in(names[1])
    for path in ("/admin", "/admin?q=nobody-at-all", *(f"/admin?q={name}" for name in names)):
        ada.page.goto(path)
        check(ada.page)
    for name in ("Ada", "Eve"):
        ada.page.goto(f"/admin?q={names[name == 'Eve']}")
        ada.follow(name)
        check(ada.page)
    for act in ("End Safari on macOS", "Close the account"):
        ada.press(act)
        check(ada.page)


def test_every_answer_to_a_form_is_accessible(ada: Person) -> None:
    ada.sign_up("not an address", name="")
    check(ada.page)
    ada.sign_in("ada@example.org", "wrong wrong")
    check(ada.page)
    ada.page.goto("/sign-in?arrived=1")
    check(ada.page)
    ada.sign_up(f"ada-{uuid.uuid4().hex[:8]}@example.org")
    ada.sign_out()
    check(ada.page)


def test_the_page_of_a_sign_out_that_could_not_be_done_is_accessible(ada: Person, server: Server) -> None:
    ada.sign_up(f"ada-{uuid.uuid4().hex[:8]}@example.org")
    with backings.locked(server.folder):
        ada.sign_out()
        assert urlsplit(ada.page.url).path == "/sign-out"
        check(ada.page)


def test_a_first_visit_weighs_little(open_browser: OpenBrowser) -> None:
    ada = open_browser()
    answers: list[Response] = []
    ada.page.on("response", lambda answer: answers.append(answer))
    ada.page.goto("/", wait_until="networkidle")
    assert {answer.status for answer in answers} == {200}
    assert sum(len(answer.body()) for answer in answers) <= FIRST_VISIT


def test_nothing_is_blocked_by_the_policy_and_no_script_fails(open_browser: OpenBrowser) -> None:
    ada = open_browser()
    problems: list[str] = []
    ada.page.on(
        "console", lambda message: problems.append(message.text) if message.type in ("error", "warning") else None
    )
    ada.page.on("pageerror", lambda error: problems.append(str(error)))
    ada.sign_up(f"ada-{uuid.uuid4().hex[:8]}@example.org")
    for path in PRIVATE:
        ada.page.goto(path, wait_until="networkidle")
    assert problems == []


def test_everything_can_be_reached_by_keyboard(open_browser: OpenBrowser) -> None:
    ada = open_browser()
    ada.page.goto("/sign-in")
    ada.page.keyboard.press("Tab")
    assert ada.page.evaluate("() => document.activeElement.getAttribute('href')") == "#main"
    reached: list[str] = []
    for _ in range(12):
        ada.page.keyboard.press("Tab")
        reached.append(
            ada.page.evaluate("() => document.activeElement.name || document.activeElement.textContent.trim()")
        )
    for name in ("email", "password", "keep", "Sign in"):
        assert name in reached


def test_a_long_name_without_spaces_widens_no_page(ada: Person, open_browser: OpenBrowser, server: Server) -> None:
    email = f"{uuid.uuid4().hex}{'w' * 32}@{'w' * 60}.example.org"
    ada.sign_up(email, "W" * 80)
    app = json.loads(server.run("clients", "add", "M" * 80, "--redirect-uri", "http://127.0.0.1/callback", "--json"))
    asked = {"response_type": "code", "client_id": app["client_id"], "code_challenge": "x" * 43}
    asks = f"/oauth/authorize?{urlencode(asked | {'code_challenge_method': 'S256'})}"
    held = {cookie["name"]: cookie["value"] for cookie in ada.context.cookies()}
    assert server.ask("POST", asks, held, decision="allow")[0] == 303
    open_browser("Chrome on Android").sign_in(email)
    gone = open_browser("Safari on macOS")
    gone.sign_in(email)
    for (sid,) in server.query("SELECT s.id FROM sessions s JOIN users u ON u.id = s.user_id WHERE u.email = ?", email):
        server.ask("POST", f"/devices/{sid}/name", held, name="W" * 60)
    gone.sign_out()
    for path in (*PRIVATE, "/sign-in", "/sign-up", f"{asks}&prompt=consent"):
        ada.page.goto(path)
        check(ada.page)
    ada.sign_out()
    check(ada.page)
