"""A page that was made for one person does not post for another who has signed in on the same browser since: every form."""

import re
from dataclasses import dataclass
from html import unescape
from html.parser import HTMLParser

import pytest

from tests.browsers import ACCESS, PASSWORD, Browser, Site, form
from tests.oauth.conftest import App, web
from tests.oauth.flow import Flow

pytestmark = pytest.mark.page

__all__ = ["web"]  # a fixture


@dataclass
class Filled:
    """A form of a page: where it leads, and what it sends; each button of it is one."""

    action: str
    fields: dict[str, str]


class Forms(HTMLParser):
    """Collects the forms of a page that are posted."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[Filled] = []
        self._fields: dict[str, str] = {}

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag == "form":
            self._fields = {}
            if given.get("method") == "post":
                self.found.append(Filled(given["action"], self._fields))
        elif tag in ("input", "button") and given.get("name"):
            typed = PASSWORD if given.get("type") == "password" else given.get("value", "")
            self._fields.setdefault(given["name"], typed)


def forms(browser: Browser, path: str) -> list[Filled]:
    parser = Forms()
    parser.feed(browser.get(path).text)
    return parser.found


def test_every_form_of_every_page(site: Site, web: App) -> None:
    browser = site.member()
    site.run("users", "admin", "ada@example.org")
    bob = site.member("bob@example.org", "Chrome on Android")
    Flow(web).connect(browser)
    site.thief(bob.pocket()).get("/account")
    other = site.browser("Chrome on Android")
    other.sign_in()
    site.thief(other.pocket()).get("/account")
    person = re.search(r'href="(/admin/people/[^"]+)"', browser.get("/admin?q=bob").text)
    assert person
    pages = [
        "/",
        "/devices",
        "/account",
        "/account/password",
        "/account/authenticator",
        "/account/passkeys/add",
        "/sign-up/passkey",
        "/account/name",
        "/account/email",
        "/recover",
        "/activity",
        "/confirm?action=all",
        "/sign-out",
        "/sign-in",
    ]
    pages += [
        "/sign-up",
        Flow(web).path(prompt="consent"),
        "/oauth/end-session",
        "/admin",
        unescape(person[1]),
        "/nowhere",
    ]
    found = {(form.action, frozenset(form.fields)): form for page in pages for form in forms(browser, page)}
    kinds = {re.sub(r"/[\w-]{16,}/", "/ID/", action.partition("?")[0]) for action, _ in found}
    assert {
        "/sign-out", "/devices/ID/end", "/devices/ID/name", "/devices/ID/mine", "/devices/end-others", "/devices/end-all",
        "/account/apps/ID/end", "/account/password", "/account/name", "/account/email", "/account/email/verify", "/recover", "/account/authenticator", "/account/passkeys/add", "/sign-in/passkey", "/sign-up/passkey", "/confirm", "/sign-in", "/sign-up", "/oauth/authorize",
        "/oauth/end-session",
    } <= kinds  # fmt: skip
    assert any(kind.startswith("/admin/people/") for kind in kinds)

    browser.sign_in("bob@example.org")
    before = site.query("SELECT size FROM log_head"), site.query("SELECT count(*) FROM activity")
    for sent in found.values():
        answer = browser.post(sent.action, **sent.fields)
        assert answer.status_code == 409, sent
        assert "That page was another person’s" in answer.text
    assert (site.query("SELECT size FROM log_head"), site.query("SELECT count(*) FROM activity")) == before
    assert browser.is_signed_in()


def test_a_dead_access_token_of_the_same_person_does_not_let_it_post_for_the_one_who_is_signed_in(site: Site) -> None:
    ada, bob = site.member(), site.member("bob@example.org", "Chrome on Android")
    fields = form(ada, "/account/password", current=PASSWORD, password="another one entirely")
    left = ada.pocket()
    ada.sign_out()
    mixed = site.thief(bob.pocket() | {ACCESS: left[ACCESS]})
    assert mixed.post("/account/password", **fields).status_code == 409


def test_a_page_that_an_older_version_made_posts_as_it_did_then(site: Site) -> None:
    """Such a page carries an id without a mark: it may be open while the site is upgraded."""
    browser = site.member()
    assert browser.post("/sign-out", once="mHQvF0pbmD4wS_0O5oK7uWn-2Zc3xTqa").status_code == 303
    assert not browser.is_signed_in()


@pytest.mark.parametrize("mark", [".0", ".x", f".{'0' * 32}", "..", ".\u00e9"])
def test_a_forged_mark_posts_for_no_user(site: Site, mark: str) -> None:
    browser = site.member()
    assert browser.post("/sign-out", once=f"mHQvF0pbmD4wS_0O5oK7uWn-2Zc3xTqa{mark}").status_code == 409
    assert browser.is_signed_in()
