"""An app that runs in the browser, on oidc-client-ts, by other authors: from another origin, without a secret."""

import json
import threading
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Error, Response, expect

from tests.clients.conftest import register
from tests.clients.copied import copied
from tests.clients.library import App
from tests.e2e.conftest import OpenBrowser, Person
from tests.forking import PROJECT
from tests.server import Server

pytestmark = pytest.mark.e2e

NODE = PROJECT / "tests" / "node"
FILES = {
    "/": (NODE / "page" / "index.html", "text/html"),
    "/app.js": (NODE / "page" / "app.js", "text/javascript"),
    "/oidc-client-ts.js": (NODE / "node_modules/oidc-client-ts/dist/browser/oidc-client-ts.min.js", "text/javascript"),
}


class Page(ThreadingHTTPServer):
    """The app's own server: a few files, and the copied configuration with what it was told when it was registered."""

    people = ""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Files)
        self.address = f"http://127.0.0.1:{self.server_port}/"
        self.is_quick = threading.Event()
        self.is_quick.set()


class Files(BaseHTTPRequestHandler):
    server: Page

    def do_GET(self) -> None:
        self.server.is_quick.wait()
        file, kind = FILES.get(urlsplit(self.path).path, (None, "text/javascript"))
        self.send_response(200)
        self.send_header("Content-Type", kind)
        self.end_headers()
        self.wfile.write(file.read_bytes() if file else self.server.people.encode())

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


@contextmanager
def serving() -> Iterator[Page]:
    with Page() as page:
        threading.Thread(target=page.serve_forever).start()
        try:
            yield page
        finally:
            page.shutdown()


@pytest.fixture(scope="module")
def calendar() -> Iterator[Page]:
    with serving() as page:
        yield page


@pytest.fixture(scope="module")
def app(server: Server, calendar: Page) -> App:
    address = calendar.address
    found = register(server, "--public", "--post-logout-redirect-uri", address, redirect_uri=address)
    calendar.people = f"""const {{ UserManager }} = window.oidc;
const [ISSUER, ID] = {json.dumps([found.issuer, found.id])};
{copied("oidc-client-ts", address.rstrip("/"))}
export {{ people }};"""
    return found


@pytest.fixture
def ada(open_browser: OpenBrowser, app: App) -> Person:
    """Ada, who has just let the app in."""
    ada, email = open_browser(), f"ada-{uuid.uuid4().hex[:8]}@example.org"
    ada.join(email)
    ada.sign_out()
    ada.page.goto(app.redirect_uri)
    says(ada, "Nobody is signed in")
    ada.page.get_by_role("button", name="Sign in").click()
    ada.fill_in(email)
    ada.press("Sign in")
    ada.press("Allow Calendar")
    says(ada, "Ada is signed in")
    return ada


def says(person: Person, words: str) -> None:
    expect(person.page.get_by_role("heading", level=1)).to_have_text(words)


def call_api(person: Person, app: App, user: dict[str, str]) -> int:
    """Have the page use its access token; return the status."""
    status: int = person.page.evaluate(CALL, [app.issuer, user["access_token"]])
    return status


CALL = """async ([issuer, token]) =>
  (await fetch(`${issuer}/api/me`, { headers: { Authorization: `Bearer ${token}` } })).status"""


def test_from_discovery_to_revocation_and_no_refresh_afterwards(ada: Person, app: App) -> None:
    before = ada.page.evaluate("people.getUser()")
    assert call_api(ada, app, before) == 200
    after = ada.page.evaluate("people.signinSilent()")
    assert call_api(ada, app, after) == 200
    assert {before["access_token"], before["refresh_token"]}.isdisjoint((after["access_token"], after["refresh_token"]))

    ada.page.evaluate("people.revokeTokens()")
    ada.page.evaluate("async kept => people.storeUser(Object.assign(await people.getUser(), kept))", after)
    assert call_api(ada, app, after) == 401
    assert ada.page.evaluate("people.signinSilent().catch(problem => problem.error)") == "invalid_grant"


def test_signing_out_of_the_app_signs_out_of_the_site_once_the_person_says_so(ada: Person, app: App) -> None:
    kept = ada.page.evaluate("people.getUser()")
    ada.page.get_by_role("button", name="Sign out").click()
    says(ada, "Calendar asks to sign you out here too")
    ada.press("Sign Out of this browser")
    says(ada, "Nobody is signed in")
    assert ada.page.url == app.redirect_uri
    assert call_api(ada, app, kept) == 401
    assert not ada.is_signed_in()


def test_after_the_sign_out_the_page_waits_for_an_app_that_is_slow(ada: Person, calendar: Page) -> None:
    def is_look(answer: Response) -> bool:
        return "/live" in answer.url and answer.status == 401

    ada.page.get_by_role("button", name="Sign out").click()
    says(ada, "Calendar asks to sign you out here too")
    calendar.is_quick.clear()
    try:
        with ada.page.expect_response(is_look):
            button = ada.page.get_by_role("button", name="Sign Out of this browser")
            button.evaluate("button => { setTimeout(() => button.click()) }")  # `click` would wait for the app
        with ada.page.expect_response(is_look):  # the page has stayed
            pass
    finally:
        calendar.is_quick.set()
    says(ada, "Nobody is signed in")


def test_two_tabs_of_one_app_each_with_its_own_tokens_renew_for_an_hour(ada: Person, app: App, server: Server) -> None:
    other = Person(ada.context)
    other.page.goto(app.redirect_uri)
    says(other, "Nobody is signed in")
    other.page.get_by_role("button", name="Sign in").click()
    expect(other.page.get_by_role("button", name="Allow Calendar")).to_be_visible()  # the site's page is there by now
    other.press("Allow Calendar")
    says(other, "Ada is signed in")
    tabs, seen = (ada, other), set()
    for _ in range(12):
        server.wait(5 * 60)
        for tab in tabs:
            renewed = tab.page.evaluate("people.signinSilent()")
            assert call_api(tab, app, renewed) == 200
            seen.add(renewed["refresh_token"])
    assert len(seen) == 24, "no tab was given what is the other's"
    held = [tab.page.evaluate("people.getUser()") for tab in tabs]
    assert len({user["profile"]["sid"] for user in held}) == 1
    listed = ada.context.request.get("/devices", headers={"Accept": "application/json"}).json()["sessions"]
    assert [line["sid"] for line in listed if line["app"] and not line["ended_at"]] == [held[0]["profile"]["sid"]]

    other.page.evaluate("people.revokeTokens()")
    assert [call_api(tab, app, user) for tab, user in zip(tabs, held, strict=True)] == [401, 401]
    assert ada.page.evaluate("people.signinSilent().catch(problem => problem.error)") == "invalid_grant"


def test_bba_10_a_page_of_an_origin_that_is_not_registered_can_read_nothing(ada: Person, app: App) -> None:
    kept = ada.page.evaluate("people.getUser()")
    assert call_api(ada, app, kept) == 200
    with serving() as elsewhere:
        # By its name: the port of a loopback number is the app's to choose.
        ada.page.goto(f"http://localhost:{elsewhere.server_port}/app.js")
        with pytest.raises(Error, match="Failed to fetch"):
            call_api(ada, app, kept)
        with pytest.raises(Error, match="Failed to fetch"):
            ada.page.evaluate("issuer => fetch(`${issuer}/.well-known/openid-configuration`)", app.issuer)
