"""The walk in real Firefox, WebKit and Chromium: sign up and in, devices, end, receipt, eviction, the lab, consent."""

import re
import uuid
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from urllib.parse import parse_qs, urlsplit

import pytest

from tests.browsers import PASSWORD, Site
from tests.engines.conftest import OpenEngine
from tests.engines.driver import Browser
from tests.kit.signed_out import SignedOut
from tests.oauth.conftest import App, register_app
from tests.oauth.flow import Flow
from tests.server import Server

pytestmark = [pytest.mark.e2e, pytest.mark.tls]

MANY = 3  # live sessions that a person may have here
SECURE, LOOPBACK = "__Host-Http-", "loopback-"
LIGHT_DARK = {("rgb(28, 29, 32)", "rgb(253, 252, 250)"), ("rgb(235, 234, 230)", "rgb(20, 21, 24)")}  # --ink on --paper
NAMES = {"chromium": "Chrome", "firefox": "Firefox", "webkit": "Safari"}


@pytest.fixture
def prefix(engine: str, scheme: str) -> str:
    """How the names of the cookies begin: all that differs by browser. docs/testing.md says why."""
    return LOOPBACK if (engine, scheme) == ("webkit", "http") else SECURE


@pytest.fixture
def email() -> str:
    return f"ada-{uuid.uuid4().hex[:8]}@example.org"


@pytest.fixture(params=[True, False], ids=["with JavaScript", "without JavaScript"])
def browser(open_engine: OpenEngine, request: pytest.FixtureRequest) -> Browser:
    return open_engine(javascript=request.param)


def sign_up(browser: Browser, server: Server, email: str) -> None:
    browser.go(f"{server.url}/sign-up")
    browser.fill(name="Ada", email=email, password=PASSWORD)
    browser.press("Sign up")
    assert browser.heading() == "You are signed in as Ada"


def sign_in(browser: Browser, email: str) -> None:
    browser.fill(email=email, password=PASSWORD)
    browser.press("Sign in")


def test_a_user_signs_up_ends_another_browser_signs_out_and_in(
    browser: Browser, engine: str, prefix: str, server: Server, email: str
) -> None:
    sign_up(browser, server, email)
    phone = server.sign_in(email)
    browser.follow("Devices", within="//header")
    assert browser.heading() == "You are signed in on 2 devices"
    assert NAMES[engine] in browser.text()
    browser.press("End the others")
    assert browser.heading() == "You are signed in on this device only"
    assert not server.is_signed_in(phone)
    copied = browser.cookies()
    browser.sign_out()
    assert browser.heading() == "You are signed out"
    assert browser.has("POST /oauth/revoke")
    assert not {f"{prefix}access", f"{prefix}refresh"} & browser.cookies().keys()
    for name in ("access", "refresh"):
        assert not server.is_signed_in({f"{SECURE}{name}": copied[f"{prefix}{name}"]["value"]})
    browser.go(f"{server.url}/account")
    assert browser.heading() == "Sign in to see that page"
    browser.tick("keep")
    sign_in(browser, email)
    assert browser.heading() == "This is your account"
    assert "expiry" in browser.cookies()[f"{prefix}refresh"], "it is kept when the browser is closed"


def test_the_colours_and_the_focus_are_as_the_page_says(open_engine: OpenEngine, server: Server, email: str) -> None:
    browser = open_engine(javascript=True)
    sign_up(browser, server, email)
    look = browser.run("const look = getComputedStyle(document.body); return [look.color, look.backgroundColor]")
    assert tuple(look) in LIGHT_DARK, "this engine reads light-dark()"
    server.sign_in(email)
    browser.go(f"{server.url}/devices")
    browser.press("End the others")
    assert browser.run("return document.activeElement.getAttribute('role')") == "status", "what was done has the focus"


def test_a_session_without_a_form_is_one_that_this_engine_keeps(
    open_engine: OpenEngine, prefix: str, server: Server, email: str
) -> None:
    browser, controls = open_engine(javascript=True), SignedOut(f"http://localhost:{server.port}")
    for cookie in controls.cookies_for(email, keep=True, secure=prefix == SECURE):
        expires = cookie.pop("expires")
        del cookie["domain"]  # to WebDriver, one that is named goes to hosts below it, too
        browser.add_cookie(**cookie, expiry=expires)
    browser.go(f"{server.url}/account")
    assert browser.heading() == "This is your account"
    server.wait(60 * 60)  # the access token is over, and the refresh token gets both again
    browser.go(f"{server.url}/devices")
    assert browser.heading() == "You are signed in on this device only"
    assert f"{prefix}refresh" in browser.cookies()


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1"])
def test_the_cookies_are_those_that_this_engine_keeps(
    open_engine: OpenEngine, prefix: str, server: Server, email: str, host: str
) -> None:
    browser, url = open_engine(javascript=True), server.url.replace("localhost", host)
    browser.go(f"{url}/static/icon.svg")
    browser.forget()
    browser.go(f"{url}/sign-up")
    browser.fill(name="Ada", email=email, password=PASSWORD)
    browser.press("Sign up")
    found = browser.cookies()
    assert {name.removeprefix(prefix) for name in found} == {"probe", "mail", "access", "refresh"}
    assert {cookie["secure"] for cookie in found.values()} == {prefix == SECURE}
    assert all(cookie["httpOnly"] and cookie["sameSite"] == "Lax" for cookie in found.values())


def test_an_evicted_user_reads_why(browser: Browser, server: Server, email: str) -> None:
    sign_up(browser, server, email)
    server.wait(60)
    for _ in range(MANY):
        server.sign_in(email)
    browser.go(f"{server.url}/devices")
    assert "/sign-in" in browser.url()
    assert "this one was idle longest" in browser.heading()
    sign_in(browser, email)
    assert browser.heading() == f"You are signed in on {MANY} devices"


def test_an_open_page_leaves_when_its_session_is_over(open_engine: OpenEngine, server: Server, email: str) -> None:
    browser = open_engine(javascript=True)
    sign_up(browser, server, email)
    server.wait(60)
    for _ in range(MANY):
        server.sign_in(email)
    browser.await_url("/sign-in?next=/")
    assert "this one was idle longest" in browser.heading()


def test_a_visitor_replays_the_old_token_in_the_lab(browser: Browser, server: Server) -> None:
    browser.go(f"{server.url}/lab")
    browser.press("Sign in to begin", "Keep a copy", "A minute on", "The server revokes", "Present the token")
    assert re.fullmatch(r"[1-9]\d? of 19 designs still accept the old token", browser.heading())
    browser.press("Past the expiry", "Present it again")
    assert browser.heading() == "0 of 19 designs still accept the old token"


def test_a_visitor_predicts_and_opens_a_room_as_its_teacher(browser: Browser, server: Server) -> None:
    browser.go(f"{server.url}/lab/rooms")
    browser.fill(name="Monday")
    browser.press("Open a room")
    assert browser.heading() == "Monday"
    browser.go(f"{server.url}/lab/path/Q1")
    browser.tick("guess")
    browser.press("Predict, and try it")
    assert browser.text("//*[@id='answer']")


class Page(BaseHTTPRequestHandler):
    """A page of the app, wherever a browser is led."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.end_headers()
        self.wfile.write(b"<title>The app</title><main><h1>The app</h1></main><footer><p></p></footer>")

    def log_message(self, *args: object) -> None:
        """No one reads it."""


@pytest.fixture(scope="module")
def callback() -> Iterator[str]:
    waits = ThreadingHTTPServer(("127.0.0.1", 0), Page)
    Thread(target=waits.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{waits.server_port}/callback"
    waits.shutdown()
    waits.server_close()


@pytest.fixture
def notes(server: Server, shared_instance: Path, callback: str) -> Iterator[App]:
    inside = Site(shared_instance, SITE_URL=server.url)
    yield register_app(inside, f"Notes {uuid.uuid4().hex[:6]}", redirect_uris=[callback])
    inside.close()


def test_an_app_is_let_in_and_leaves_with_its_person(
    browser: Browser, server: Server, email: str, notes: App, callback: str
) -> None:
    server.join(email)
    flow = Flow(notes, redirect_uri=callback)
    browser.go(f"{server.url}{flow.path()}")
    sign_in(browser, email)
    assert "asks who you are" in browser.heading()
    browser.press(browser.text("//main//button[@value='allow']"))
    assert browser.url().startswith(callback)
    code = parse_qs(urlsplit(browser.url()).query)["code"][0]
    given = flow.exchange(code).get_json()
    browser.go(f"{server.url}/devices")
    browser.sign_out()
    assert browser.heading() == "You are signed out"
    assert notes.refresh(given["refresh_token"]).status_code == 400
