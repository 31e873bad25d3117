"""A browser shows that it keeps a cookie before anything is made; one that keeps no Secure cookie on loopback may go on."""

import re
from typing import Any
from urllib.parse import urlsplit

import pytest
from werkzeug.test import TestResponse

from tests.browsers import ACCESS, MAIL, PASSWORD, PROBE, REFRESH, SITE_URL, Browser, Site, form

pytestmark = pytest.mark.page
LAN = "http://192.0.2.1:8000"
HTTPS = "https://signed-out.example"
ACCOUNT = {"name": "Ada", "email": "ada@example.org", "password": PASSWORD}
TABLES = ("users", "sessions", "lab_visitors", "lab_rooms", "log_entries", "forms_sent")
NOT_KEPT = "No cookie came back from this browser"


class Choosy(Browser):
    """A browser that drops the cookies whose names begin with *drops*, as soon as it is given them."""

    def __init__(self, site: Site, drops: str, base_url: str = SITE_URL) -> None:
        super().__init__(site, "Safari on macOS", "127.0.0.1")
        self.forget(PROBE)  # it was never here
        self._drops = drops
        self._base_url = base_url
        self._host = urlsplit(base_url).hostname or ""
        self.given: list[str] = []

    def post(self, path: str, _headers: dict[str, str] | None = None, **form: str) -> TestResponse:
        return super().post(path, {"Origin": self._base_url, **(_headers or {})}, **form)

    def open_and_post(self, page: str, path: str, **form: str) -> TestResponse:
        """Open a page, and send what its form sends."""
        self.get(page)
        return self.post(path, **form)

    def names(self) -> set[str]:
        """The names of all cookies that it was given, kept or not."""
        return {line.partition("=")[0] for line in self.given}

    def _open(self, method: str, path: str, form: dict[str, str] | None, headers: dict[str, str]) -> TestResponse:
        answer = self.client.open(
            path, method=method, base_url=self._base_url, data=form, headers={"Accept": "text/html", **headers}
        )
        self.given += answer.headers.getlist("Set-Cookie")
        for name in self.names():
            if name.startswith(self._drops):
                self.client.delete_cookie(name, domain=self._host)
        return answer


@pytest.fixture
def safari(site: Site) -> Choosy:
    """A browser that keeps no Secure cookie over http."""
    return Choosy(site, drops="__Host-")


@pytest.fixture
def closed(site: Site) -> Choosy:
    """A browser that keeps no cookie at all."""
    return Choosy(site, drops="")


def rows(site: Site) -> dict[str, Any]:
    return {table: site.query(f"SELECT count(*) FROM {table}")[0][0] for table in TABLES}


def sign_up(browser: Browser) -> TestResponse:
    return browser.post("/sign-up", **form(browser, "/sign-up", **ACCOUNT))


def test_a_browser_that_keeps_no_secure_cookie_on_this_machine_signs_up_in_and_out(safari: Choosy) -> None:
    assert sign_up(safari).status_code == 303
    assert safari.is_signed_in()
    assert "Secure" not in re.findall(r"<code>([^<]*HttpOnly[^<]*)</code>", safari.get("/holds").text)[0]
    copied = {name: safari.cookie(name) for name in ("loopback-access", "loopback-refresh")}
    assert "You are signed out" in safari.get(safari.sign_out().headers["Location"]).text
    assert not safari.is_signed_in()
    for name, value in copied.items():
        safari.client.set_cookie(name, value or "")
    assert not safari.is_signed_in()
    assert safari.sign_in().status_code == 303
    assert safari.is_signed_in()


def test_what_it_is_given_is_out_of_reach_of_scripts_and_of_other_sites(safari: Choosy) -> None:
    sign_up(safari)
    plain = [line for line in safari.given if line.startswith("loopback-")]
    assert plain
    assert all("HttpOnly" in line and "SameSite=Lax" in line and "Domain" not in line for line in plain)


def test_it_plays_with_the_lab_and_keeps_its_bench(site: Site, safari: Choosy) -> None:
    assert safari.open_and_post("/lab", "/lab/sign-in").headers["Location"] == "/lab#copy"
    assert "Keep a copy" in safari.get("/lab").text
    room = safari.post("/lab/rooms", name="Monday").headers["Location"]
    assert safari.get(room).status_code == 200, "the visitor who opened it is its teacher"
    assert rows(site)["lab_visitors"] == 1


@pytest.mark.parametrize(
    ("page", "path"),
    [
        ("/sign-up", "/sign-up"),
        ("/sign-in", "/sign-in"),
        ("/lab", "/lab/sign-in"),
        ("/lab", "/lab/copy"),
        ("/lab/path/Q1", "/lab/path/Q1"),
        ("/lab/path", "/lab/path/again"),
        ("/lab/rooms", "/lab/rooms"),
        ("{room}/join", "{room}/join"),
    ],
)
@pytest.mark.parametrize("headers", [{"Origin": SITE_URL}, {"Sec-Fetch-Site": "same-origin"}], ids=str)
def test_at_no_door_is_anything_made_for_a_browser_that_keeps_none(
    site: Site, closed: Choosy, page: str, path: str, headers: dict[str, str]
) -> None:
    room = site.browser().post("/lab/rooms", name="Monday").headers["Location"]
    site.member()
    before = rows(site)
    sent = {**ACCOUNT, "guess": "yes", "nickname": "Grace", "once": "x", "email": "grace@example.org"}
    assert closed.get(page.format(room=room)).status_code == 200
    answer = closed.post(path.format(room=room), headers, **sent)
    assert (answer.status_code, NOT_KEPT in answer.text) == (422, True)
    assert rows(site) == before


def test_a_wrong_password_of_such_a_browser_is_not_even_looked_at(site: Site, closed: Choosy) -> None:
    site.member()
    for _ in range(12):
        assert closed.sign_in(password="wrong").status_code == 422
    assert site.browser().sign_in().status_code == 303


@pytest.mark.parametrize("path", ["/sign-up", "/sign-in", "/lab/sign-in", "/lab/path/Q1", "/lab/rooms"])
def test_a_program_posts_as_before(site: Site, path: str) -> None:
    site.member()
    program = site.app.test_client()
    sent = {**ACCOUNT, "email": "grace@example.org"} if path == "/sign-up" else {**ACCOUNT, "guess": "yes"}
    answer = program.post(path, data=sent, base_url=SITE_URL)
    assert answer.status_code == 303 or (path, answer.status_code) == ("/lab/path/Q1", 422)
    assert all("Secure" in line for line in answer.headers.getlist("Set-Cookie"))


def test_a_browser_that_keeps_secure_cookies_is_left_with_no_other(site: Site) -> None:
    chrome = Choosy(site, drops="none of them")
    assert sign_up(chrome).status_code == 303
    assert chrome.is_signed_in()
    assert {cookie.key for cookie in chrome.client._cookies.values()} == {PROBE, MAIL, ACCESS, REFRESH}
    chrome.given.clear()
    chrome.get("/sign-in")
    chrome.get("/")
    assert chrome.given == [], "it is tried once"


def test_a_user_who_has_lost_the_cookie_opens_the_page_again_and_goes_on(site: Site) -> None:
    chrome = Choosy(site, drops="none of them")
    fields = form(chrome, "/sign-up", **ACCOUNT)
    chrome.client.delete_cookie(PROBE)
    chrome.client.delete_cookie("loopback-probe")
    answer = chrome.post("/sign-up", {"Referer": f"{SITE_URL}/sign-up?next=/devices"}, **fields)
    assert (answer.status_code, NOT_KEPT in answer.text) == (422, True)
    assert 'href="/sign-up?next=/devices"' in answer.text
    assert sign_up(chrome).status_code == 303


@pytest.mark.parametrize(
    ("address", "offered"),
    [
        ("http://localhost:8000", True),
        ("http://127.0.0.1:8000", True),
        ("http://127.9.9.9", True),
        ("http://[::1]:8000", True),
        ("http://attendee.localhost:8000", True),
        ("http://192.0.2.1:8000", False),
        ("http://10.0.0.7:8000", False),
        ("http://0.0.0.0:8000", False),
        ("http://example.org", False),
        ("http://localhost.example.org", False),
        ("http://notlocalhost:8000", False),
        ("http://[2001:db8::1]:8000", False),
    ],
)
def test_only_at_a_loopback_address_is_a_cookie_without_secure_offered(site: Site, address: str, offered: bool) -> None:
    safari = Choosy(site, drops="__Host-", base_url=address)
    answer = safari.open_and_post("/sign-up", "/sign-up", **ACCOUNT)
    assert (answer.status_code == 303) == offered
    assert any(name.startswith("loopback-") for name in safari.names()) == offered


@pytest.mark.parametrize("address", [HTTPS, SITE_URL])
def test_never_where_the_site_is_on_https(site: Site, address: str) -> None:
    secure = Site(site.folder, SITE_URL=HTTPS, TEST_CONTROLS="0")
    safari = Choosy(secure, drops="__Host-", base_url=address)
    safari.client.set_cookie("loopback-probe", "1", domain=urlsplit(address).hostname or "")
    answer = safari.open_and_post("/sign-up", "/sign-up", **ACCOUNT)
    assert (answer.status_code, NOT_KEPT in answer.text) == (422, True)
    assert safari.names() == {"__Host-Http-probe"}
    secure.close()


def test_never_where_it_is_on_https_are_such_cookies_read(site: Site, safari: Choosy) -> None:
    sign_up(safari)
    secure = Site(site.folder, SITE_URL=HTTPS, TEST_CONTROLS="0")
    held = "; ".join(f"{name}={safari.cookie(name)}" for name in ("loopback-access", "loopback-refresh"))
    for address in (HTTPS, SITE_URL):
        answer = secure.app.test_client().get("/account", base_url=address, headers={"Cookie": held})
        assert answer.status_code == 303
    secure.close()


def test_with_insecure_cookies_a_browser_that_keeps_none_is_told_too(site: Site) -> None:
    lan = Site(site.folder, SITE_URL=LAN, INSECURE_COOKIES="1", TEST_CONTROLS="0")
    closed, safari = (Choosy(lan, drops=drops, base_url=LAN) for drops in ("", "__Host-"))
    assert NOT_KEPT in closed.open_and_post("/sign-up", "/sign-up", **ACCOUNT).text
    assert safari.open_and_post("/sign-up", "/sign-up", **ACCOUNT).status_code == 303
    assert safari.names() == {"probe", "mail", "access", "refresh"}
    lan.close()


def test_cookies_that_another_program_of_this_machine_planted_count_for_one_page_and_are_gone(
    site: Site, safari: Choosy
) -> None:
    """A script of another port can give a browser all that a thief holds, to have its user act in the thief's account."""
    sign_up(safari)
    victim = Choosy(site, drops="none of them")
    for name in ("loopback-probe", "loopback-access", "loopback-refresh"):
        victim.client.set_cookie(name, safari.cookie(name) or "")
    victim.get("/sign-in")
    assert not victim.is_signed_in()
    assert [victim.cookie(f"loopback-{name}") for name in ("probe", "access", "refresh")] == [None] * 3


def test_planted_cookies_are_not_read_by_a_browser_that_was_here_before(site: Site, safari: Choosy) -> None:
    sign_up(safari)
    victim = site.browser()
    victim.get("/lab")
    for name in ("loopback-probe", "loopback-access", "loopback-refresh"):
        victim.client.set_cookie(name, safari.cookie(name) or "")
    assert not victim.is_signed_in()


def test_a_form_from_another_site_is_refused_before_the_user_is_asked(closed: Choosy) -> None:
    answer = closed.post("/sign-in", {"Origin": "https://evil.example"}, **ACCOUNT)
    assert answer.status_code == 403
    assert closed.names() == set()


@pytest.mark.parametrize(
    ("site_url", "address", "says", "says_not"),
    [
        (SITE_URL, SITE_URL, ["<code>localhost:8000</code>"], ["INSECURE_COOKIES", "Open the site at"]),
        (SITE_URL, "http://127.0.0.1:8000", ["<code>127.0.0.1:8000</code>"], ["INSECURE_COOKIES", "Open the site at"]),
        (SITE_URL, LAN, [f"SITE_URL={LAN} INSECURE_COOKIES=1", f'href="{SITE_URL}"'], ["begins with", "Allow cookies"]),
        (HTTPS, HTTPS, ["begins with <code>https://</code>"], ["INSECURE_COOKIES", "Open the site at"]),
        (HTTPS, LAN, [f'href="{HTTPS}"', "begins with <code>https://</code>"], ["INSECURE_COOKIES"]),
    ],
)
def test_the_mend_is_a_true_one(site: Site, site_url: str, address: str, says: list[str], says_not: list[str]) -> None:
    there = Site(site.folder, SITE_URL=site_url, TEST_CONTROLS="0")
    page = Choosy(there, drops="", base_url=address).open_and_post("/sign-in", "/sign-in", **ACCOUNT).text
    assert NOT_KEPT in page
    assert [words for words in says if words not in page] == []
    assert [words for words in says_not if words in page] == []
    there.close()
