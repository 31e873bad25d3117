"""A person at a browser without scripts, over HTTP: goes where an app leads, fills in forms, presses buttons."""

from dataclasses import dataclass, field
from html.parser import HTMLParser
from http.cookiejar import CookieJar, DefaultCookiePolicy
from typing import Any

import httpx

from tests.browsers import PASSWORD
from tests.server import Server

LONGEST_COOKIE = 4096  # characters of name and value (RFC 6265bis, section 5.7)
_ID = "SELECT id FROM users WHERE email = ?"


class Person:
    """A user with an account, at a browser in which they are not signed in yet."""

    def __init__(self, server: Server, email: str) -> None:
        if not server.query(_ID, email):
            server.join(email)
        self.email = email
        self.id: str = server.query(_ID, email)[0][0]
        self.led: list[str] = []  # the pages of the site to which apps have led
        self._site = server.url
        # As browsers do, it takes this machine for a safe place also without TLS; httpx alone would not.
        cookies = httpx.Cookies(CookieJar(DefaultCookiePolicy(secure_protocols=("https", "http"))))
        hooks = {"request": [cookies.set_cookie_header], "response": [check_cookies, cookies.extract_cookies]}
        self._browser = httpx.Client(base_url=server.url, event_hooks=hooks, timeout=60)

    def decide(self, address: str, decision: str = "allow") -> str:
        """Go to *address*, sign in and decide if asked; return where that leads off the site, or ends on it."""
        self.led.append(address)
        answer = self._browser.get(address)
        for _ in range(9):
            if not answer.is_redirect:
                sent = self._fill_in(answer, {"email": self.email, "password": PASSWORD}, {"decision": decision})
                if sent is None:
                    return str(answer.url)
                answer = sent
                continue
            assert answer.next_request
            led = str(answer.next_request.url)
            if not led.startswith(f"{self._site}/"):
                return led
            answer = self._browser.get(led)
        raise AssertionError(f"led in circles, at last to {answer.url}")

    def go(self, address: str, decision: str = "allow", form: dict[str, str] | None = None) -> str:
        """The same from a page of an app, by a link or by its *form*, and follow the way back; return where it ends."""
        led = address
        for _ in range(9):
            if led.startswith(f"{self._site}/"):
                led = self.decide(led, decision)
                if led.startswith(f"{self._site}/"):
                    return led
            answer = self._browser.get(led) if form is None else self._post(led, form)
            form = None
            if not answer.is_redirect:
                assert answer.is_success, answer.text[:2000]  # a page of Django about its faults is long
                return str(answer.url)
            assert answer.next_request
            led = str(answer.next_request.url)
        raise AssertionError(f"led in circles, at last to {answer.url}")

    def read(self, address: str) -> Any:
        """Return what stands there, as JSON."""
        return self._browser.get(address).json()

    def status(self, address: str) -> int:
        """Return the status of the page at *address*, without following where it leads."""
        return self._browser.get(address).status_code

    def is_signed_in(self) -> bool:
        return self._browser.get("/account").is_success

    def sign_out(self) -> None:
        answer = self._browser.post("/sign-out", headers={"Origin": self._site})
        assert answer.is_redirect, answer.text

    def close(self) -> None:
        self._browser.close()

    def _fill_in(self, page: httpx.Response, *ways: dict[str, str]) -> httpx.Response | None:
        """Send the first form of *page* that asks for all of one of the *ways*, if there is one."""
        assert page.is_success, page.text
        for form in Forms(page.text).found:
            for known in ways:
                if known.keys() <= form.asks:
                    return self._post(str(page.url.join(form.action)), {**form.hidden, **known})
        return None

    def _post(self, address: str, form: dict[str, str]) -> httpx.Response:
        """Send a form of a page, which stands at the same host."""
        there = httpx.URL(address)
        return self._browser.post(address, data=form, headers={"Origin": f"{there.scheme}://{there.netloc.decode()}"})


def check_cookies(answer: httpx.Response) -> None:
    """Refuse a cookie that no browser would keep."""
    for line in answer.headers.get_list("Set-Cookie"):
        assert len(line.partition(";")[0]) <= LONGEST_COOKIE, f"too long for a browser: {line[:60]}"


@dataclass
class Form:
    """A form of a page: where it goes, what it sends unseen, and the names of what it asks for."""

    action: str
    hidden: dict[str, str] = field(default_factory=dict)
    asks: set[str] = field(default_factory=set)


class Forms(HTMLParser):
    """The forms of a page."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: list[Form] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag == "form":
            self.found.append(Form(given.get("action", "")))
        elif tag in ("input", "button") and self.found and "name" in given:
            if given.get("type") == "hidden":
                self.found[-1].hidden[given["name"]] = given.get("value", "")
            else:
                self.found[-1].asks.add(given["name"])
