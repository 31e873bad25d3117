"""Signed Out for your own Playwright tests: copy this file, or put this repository on your path.

The site has to run with TEST_CONTROLS=1. What its controls change, they change for every user.
"""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any
from urllib.error import HTTPError
from urllib.request import ProxyHandler, Request, build_opener

if TYPE_CHECKING:
    from playwright.sync_api import BrowserContext

# On this very machine, without the environment's proxy.
_open = build_opener(ProxyHandler({})).open


class SignedOut:
    """The site at *base_url*, such as http://localhost:8000."""

    def __init__(self, base_url: str) -> None:
        self.base_url = base_url.rstrip("/")

    def sign_in_as(self, context: "BrowserContext", email: str, *, keep: bool = False) -> None:
        """Sign a browser in without a form; the account is made where there is none."""
        # By the browser's own client, so that the devices page calls the session by the browser's name.
        browser = context.browser
        secure = browser is None or browser.browser_type.name != "webkit" or self.base_url.startswith("https:")
        data = {"email": email, "keep": keep, "secure": secure}
        answer = context.request.post(f"{self.base_url}/test/session", data=data, fail_on_status_code=True)
        context.add_cookies(answer.json()["cookies"])

    def cookies_for(
        self, email: str, *, keep: bool = False, password: str = "", secure: bool = True
    ) -> list[dict[str, Any]]:
        """Begin a session; return its cookies, as `context.add_cookies` takes them.

        *password*: for an account that is made now; without it, its password is random.
        *secure*: False for WebKit over http, which keeps no Secure cookie there.
        """
        asked = {"email": email, "keep": keep, "password": password, "secure": secure}
        cookies: list[dict[str, Any]] = self._post("session", **asked)["cookies"]
        return cookies

    def move_time(self, seconds: int) -> None:
        """Move the site's clock on, or back."""
        self._post("clock", seconds=seconds)

    @contextmanager
    def store_is_down(self) -> Iterator[None]:
        """Let no process of the site reach its database meanwhile."""
        self._post("store", down=True)
        try:
            yield
        finally:
            self._post("store", down=False)

    def race(self, refreshes: int = 2) -> None:
        """Hold the next requests that renew a session until so many have come, or for five seconds."""
        self._post("race", refreshes=refreshes)

    def reset(self) -> None:
        """Put the clock back and end outage and race; accounts and sessions stay."""
        self._post("reset")

    def _post(self, control: str, **asked: Any) -> dict[str, Any]:
        url = f"{self.base_url}/test/{control}"
        request = Request(url, json.dumps(asked).encode(), {"Content-Type": "application/json"})  # noqa: S310 - http
        try:
            with _open(request, timeout=30) as got:
                answer: dict[str, Any] = json.load(got)
        except HTTPError as problem:
            raise RuntimeError(f"{url} answered {problem.code}: {problem.read().decode()}") from problem
        return answer
