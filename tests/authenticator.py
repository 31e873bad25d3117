"""An authenticator app on a phone, and the recovery codes on a piece of paper."""

import re
from dataclasses import dataclass

import pyotp
from werkzeug.test import TestResponse

from app import clock
from tests.browsers import PASSWORD, Browser, form

PAGE = "/account/authenticator"


@dataclass
class Phone:
    """Shows codes of this *secret*. *paper*: the recovery codes."""

    secret: str
    paper: list[str]

    def code(self, later: int = 0) -> str:
        """The code of now, or of so many seconds later."""
        return self.at(clock.now() + later)

    def at(self, now: int) -> str:
        """The code of *now*, in Unix seconds."""
        return pyotp.TOTP(self.secret).at(now)


def shown(browser: Browser, page: str = PAGE) -> tuple[dict[str, str], Phone]:
    """Open the page on which an app is added, or codes are made: its form, and what a phone and a pen take from it."""
    text = browser.get(page).text
    draft = re.search(r'name="draft"[^>]* value="(\w+)"', text)
    key = re.search(r'class="key"[^>]*>([^<]+)<', text)
    assert draft, text
    ready = {"draft": draft[1], **form_id(text)}
    return ready, Phone(key[1].replace(" ", "") if key else "", re.findall(r"<li><code>([^<]+)</code></li>", text))


def form_id(text: str) -> dict[str, str]:
    found = re.search(r'name="once" value="([^"]+)"', text)
    assert found
    return {"once": found[1]}


def add_app(browser: Browser, **more: str) -> Phone:
    """Add an authenticator app, as its owner does."""
    ready, phone = shown(browser)
    answer = browser.post(PAGE, **ready, code=phone.code(), **more)
    assert answer.status_code == 303, answer.text
    return phone


def to_second_page(browser: Browser, email: str = "ada@example.org", **more: str) -> TestResponse:
    """Give the password; the answer leads to where a code is asked for."""
    answer = browser.post("/sign-in", **form(browser, "/sign-in"), email=email, password=PASSWORD, **more)
    assert answer.headers["Location"].startswith("/sign-in/code"), answer.headers
    return answer


def sign_in(browser: Browser, code: str, email: str = "ada@example.org", **more: str) -> TestResponse:
    """Give the password and then the code."""
    page = to_second_page(browser, email, **more).headers["Location"]
    return browser.post("/sign-in/code", **form(browser, page), code=code)
