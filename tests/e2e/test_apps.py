"""Apps, with a real browser: a user lets one in, sees it, ends it, and is signed out at its request."""

import re
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from urllib.parse import parse_qs, urlsplit

import pytest

from tests.browsers import PASSWORD, Site
from tests.e2e.acts import check
from tests.e2e.conftest import SIZES, OpenBrowser, Person
from tests.oauth.conftest import App, register_app
from tests.oauth.flow import Flow
from tests.server import Server

pytestmark = pytest.mark.e2e
ALLOW = re.compile("^Allow")


class Page(BaseHTTPRequestHandler):
    """A page of the app, wherever a browser is led. A server with a `front` leads on to that other origin."""

    def do_GET(self) -> None:
        front = getattr(self.server, "front", None)
        if front:
            self.send_response(302)
            self.send_header("Location", f"{front}{self.path}")
            self.end_headers()
            return
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.end_headers()
        self.wfile.write(b"<title>The app</title><h1>The app</h1>")

    def log_message(self, *args: object) -> None:
        """No one reads it."""


@dataclass
class Visited:
    """An app of the site, and the address at which it waits for browsers."""

    app: App
    url: str

    def flow(self, **more: str) -> Flow:
        return Flow(self.app, redirect_uri=f"{self.url}/callback", **more)


@contextmanager
def waiting(front: str | None = None) -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Page)
    server.front = front  # type: ignore[attr-defined]
    Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    with waiting() as found:
        yield found


@pytest.fixture(scope="module")
def back_end(address: str) -> Iterator[str]:
    """A second origin of the app: it takes what the site answers, and leads the browser on to its pages."""
    with waiting(address) as found:
        yield found


@pytest.fixture(scope="module")
def inside(server: Server) -> Iterator[Site]:
    """The same site in this process, on the same database."""
    site = Site(server.folder, SITE_URL=server.url)
    yield site
    site.close()


@pytest.fixture
def notes(inside: Site, address: str) -> Visited:
    uris = {"redirect_uris": [f"{address}/callback"], "post_logout_redirect_uris": [f"{address}/bye"]}
    return Visited(register_app(inside, f"Notes {uuid.uuid4().hex[:6]}", **uris), address)


@pytest.fixture
def ada(open_browser: OpenBrowser, javascript: bool) -> Person:
    return open_browser(javascript=javascript)


@pytest.fixture
def two(inside: Site, back_end: str) -> Visited:
    """An app whose addresses are at one origin, and its pages at another."""
    uris = {"redirect_uris": [f"{back_end}/callback"], "post_logout_redirect_uris": [f"{back_end}/bye"]}
    return Visited(register_app(inside, f"Notes {uuid.uuid4().hex[:6]}", **uris), back_end)


def tokens(notes: Visited, flow: Flow, url: str) -> dict[str, str]:
    code = parse_qs(urlsplit(url).query)["code"][0]
    found: dict[str, str] = flow.exchange(code).get_json()
    return found


def email() -> str:
    return f"ada-{uuid.uuid4().hex[:8]}@example.org"


def test_a_user_signs_in_allows_sees_and_ends_an_app(ada: Person, notes: Visited) -> None:
    address = email()
    ada.join(address)
    ada.sign_out()
    flow = notes.flow()
    ada.page.goto(flow.path())
    assert ada.heading() == "Sign in to see that page"
    ada.fill_in(address)
    ada.press("Sign in")
    assert ada.heading().startswith("Notes")
    ada.press(ALLOW)
    ada.page.wait_for_url(re.compile(re.escape(notes.url)))
    given = tokens(notes, flow, ada.page.url)
    ada.page.goto("/devices")
    ada.press(re.compile("^End Notes"))
    assert ada.page.get_by_text("Ended. From now on its tokens are refused.").is_visible()
    assert notes.app.refresh(given["refresh_token"]).status_code == 400
    assert ada.is_signed_in()


def test_a_user_who_denies_goes_back_with_nothing(ada: Person, notes: Visited) -> None:
    ada.join(email())
    ada.page.goto(notes.flow().path())
    ada.press("Deny")
    ada.page.wait_for_url(re.compile(re.escape(notes.url)))
    assert parse_qs(urlsplit(ada.page.url).query)["error"] == ["access_denied"]
    ada.page.goto("/devices")
    assert ada.page.get_by_text("Notes").count() == 0


def test_a_user_who_allowed_before_is_led_through_the_sign_in_without_another_question(
    ada: Person, notes: Visited
) -> None:
    """The form of the sign-in ends at the app: its page's policy has to let it. And no address on the way is too long."""
    address = email()
    ada.join(address)
    ada.page.goto(notes.flow().path())
    ada.press(ALLOW)
    ada.page.wait_for_url(re.compile(re.escape(notes.url)))
    ada.page.goto("/")
    ada.sign_out()
    ada.page.wait_for_url("**/signed-out")
    state = '{"back": "/ä?b=1&c=2"}' * 200
    ada.page.goto(notes.flow(state=state).path())
    ada.fill_in(address)
    ada.press("Sign in")
    ada.page.wait_for_url(re.compile(re.escape(notes.url)))
    assert parse_qs(urlsplit(ada.page.url).query)["state"] == [state]


def test_an_app_that_leads_on_to_another_origin_is_reached_after_each_form(
    ada: Person, two: Visited, address: str
) -> None:
    """Chromium holds the whole chain of redirects after a form to the policy of the page with the form."""

    def arrives(path: str) -> None:
        ada.page.wait_for_url(re.compile(f"^{re.escape(address)}/{path}"))

    account = email()
    ada.join(account)
    ada.page.goto(two.flow().path())
    ada.press("Deny")
    arrives("callback[?]error=access_denied")
    flow = two.flow()
    ada.page.goto(flow.path())
    ada.press(ALLOW)
    arrives("callback[?]code=")
    given = tokens(two, flow, ada.page.url)
    ada.page.goto(two.flow().path(prompt="login"))
    ada.page.get_by_label("Password", exact=True).fill(PASSWORD)
    ada.press("Confirm")
    arrives("callback[?]code=")
    wish = f"/oauth/end-session?id_token_hint={given['id_token']}&post_logout_redirect_uri={two.url}/bye"
    ada.page.goto(wish)
    ada.press("Sign Out of this browser")
    arrives("bye$")
    ada.page.goto(two.flow().path())
    ada.fill_in(account)
    ada.press("Sign in")
    arrives("callback[?]code=")


def test_a_form_leads_on_to_the_scheme_of_a_native_app(ada: Person, inside: Site) -> None:
    app = register_app(inside, "Phone", public=True, redirect_uris=["com.example.notes://"])
    said: list[str] = []
    ada.page.on("console", lambda message: said.append(message.text))
    ada.join(email())
    ada.page.goto(Flow(app, redirect_uri="com.example.notes://").path())
    with ada.page.expect_response(lambda answer: answer.request.method == "POST") as found:
        ada.page.get_by_role("button", name=ALLOW).click()
    assert found.value.headers["location"].startswith("com.example.notes://?code=")
    ada.page.goto("/devices")  # what the browser has to say to it has been said by then
    assert not [words for words in said if "Content Security Policy" in words]


def test_an_app_that_wants_it_to_be_really_them_has_the_password_asked_for(ada: Person, notes: Visited) -> None:
    ada.join(email())
    ada.page.goto(notes.flow().path(prompt="login"))
    assert ada.heading() == "Confirm that it is you"
    ada.page.get_by_label("Password", exact=True).fill(PASSWORD)
    ada.press("Confirm")
    ada.press(ALLOW)
    ada.page.wait_for_url(re.compile(re.escape(notes.url)))


@pytest.mark.question("A16")
def test_an_app_asks_to_sign_out_and_the_browser_goes_back_to_it(ada: Person, notes: Visited) -> None:
    ada.join(email())
    flow = notes.flow()
    ada.page.goto(flow.path())
    ada.press(ALLOW)
    ada.page.wait_for_url(re.compile(re.escape(notes.url)))
    given = tokens(notes, flow, ada.page.url)
    wish = f"/oauth/end-session?id_token_hint={given['id_token']}&post_logout_redirect_uri={notes.url}/bye&state=s"
    ada.page.goto(wish)
    assert ada.heading().endswith("asks to sign you out here too")
    ada.press("Sign Out of this browser")
    ada.page.wait_for_url(f"{notes.url}/bye?state=s")
    assert not ada.is_signed_in()
    assert notes.app.refresh(given["refresh_token"]).status_code == 400


@pytest.mark.parametrize(("width", "dark"), SIZES)
def test_every_page_about_apps_is_accessible(
    open_browser: OpenBrowser, notes: Visited, *, width: int, dark: bool
) -> None:
    ada = open_browser(width=width, dark=dark)
    ada.join(email())
    for scope in ("openid profile", "openid email offline_access"):
        flow = notes.flow(scope=scope)
        ada.page.goto(flow.path())
        check(ada.page)
        ada.press(ALLOW)
        ada.page.wait_for_url(re.compile(re.escape(notes.url)))
        given = tokens(notes, flow, ada.page.url)
    for path, heading in (
        ("/devices", "You are signed in on this device only"),
        (f"/oauth/end-session?id_token_hint={given['id_token']}", "asks to sign you out here too"),
        ("/oauth/end-session?id_token_hint=x", "We could not read that request"),
        ("/oauth/authorize?client_id=nobody&redirect_uri=https://evil.example/", "This app is not known here"),
        (notes.flow().path(prompt="login"), "Confirm that it is you"),
    ):
        ada.page.goto(path)
        assert heading in ada.heading()
        check(ada.page)
