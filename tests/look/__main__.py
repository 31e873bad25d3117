"""Looks at every page as pa11y and Lighthouse do: `make look`.

`python -m tests.look pa11y` and `python -m tests.look lighthouse` do one part alone.
"""

import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pyotp
from playwright.sync_api import Browser, Playwright, sync_playwright

from tests.browsers import AGENTS, PASSWORD, Site
from tests.e2e.acts import go
from tests.e2e.conftest import Person, find_whole, launch
from tests.forking import PROJECT
from tests.pages import pages
from tests.server import Server

PARTS = ("pa11y", "lighthouse")
PROGRAM = PROJECT / "tests" / "look" / "node" / "look.mjs"
MISSING = "/nowhere"
AGENT = AGENTS["Firefox on Linux"]

Look = dict[str, Any]


class Crowd:
    """People who have done what shows each page in its own state."""

    def __init__(self, chromium: Browser, server: Server, every: list[str]) -> None:
        self._chromium, self._server, self._every = chromium, server, every

    def looks(self) -> Iterator[Look]:
        """Yield each user and the pages they look at. Receipts and half sign-ins are kept for minutes only, so they come first."""
        yield self._look("leaver", self._leaver(), ["/signed-out"])
        careful = self._careful()
        yield self._look("half signed in", self._half(), ["/sign-in/code"])
        yield self._look("careful member", careful, [page for page in self._every if "/account" in page])
        yield self._look("visitor", self._person(), [*self._every, MISSING])
        yield self._look("member", self._member(), [*self._every, self._consent()])
        administration = ["/admin", "/admin?q=member", "/admin?q=nobody", self._profile()]
        yield self._look("administrator", self._admin(), administration)
        yield self._look("attendee", self._attendee(), ["/lab", "/lab/path/Q1", "/lab/path"])
        teacher, board = self._teacher()
        yield self._look("teacher", teacher, ["/lab/rooms", board, f"{board}/join"])

    def _look(self, name: str, person: Person, paths: list[str]) -> Look:
        cookies = [{"name": each["name"], "value": each["value"]} for each in person.context.cookies()]
        person.context.close()
        return {"name": name, "agent": AGENT, "cookies": cookies, "paths": paths}

    def _person(self, label: str = "Firefox on Linux") -> Person:
        return Person(self._chromium.new_context(base_url=self._server.url, user_agent=AGENTS[label]))

    def _joined(self, name: str) -> Person:
        person = self._person()
        person.sign_up(f"{name}@example.org", name.title())
        return person

    def _leaver(self) -> Person:
        person = self._joined("leaver")
        person.sign_out()
        return person

    def _member(self) -> Person:
        """A user with a phone, an ended session and an app that was let in."""
        member = self._joined("member")
        for label in ("Chrome on Android", "Safari on macOS"):
            other = self._person(label)
            other.sign_in("member@example.org")
        other.sign_out()
        go(member.page, self._consent())
        member.press("Allow Calendar")
        return member

    def _consent(self) -> str:
        """Return the address at which an app asks for a user's identity."""
        asked = {"response_type": "code", "client_id": self._app, "code_challenge": "x" * 43, "prompt": "consent"}
        return f"/oauth/authorize?{urlencode(asked | {'code_challenge_method': 'S256'})}"

    @cached_property
    def _app(self) -> str:
        address = f"http://127.0.0.1:{self._server.port}/healthz"  # answers any response
        made = self._server.run("clients", "add", "Calendar", "--redirect-uri", address, "--json")
        return str(json.loads(made)["client_id"])

    def _careful(self) -> Person:
        person = self._joined("careful")
        person.page.goto("/account/authenticator")
        secret = person.page.locator("code.key").inner_text().replace(" ", "")
        person.page.get_by_label("Code", exact=True).fill(pyotp.TOTP(secret).now())
        person.press("Add the app")
        return person

    def _half(self) -> Person:
        person = self._person()
        person.page.goto("/sign-in")
        person.fill_in("careful@example.org", PASSWORD)
        person.press("Sign in")
        return person

    def _admin(self) -> Person:
        person = self._joined("root")
        self._server.run("users", "admin", "root@example.org")
        return person

    def _profile(self) -> str:
        [(found,)] = self._server.query("SELECT id FROM users WHERE email = ?", "member@example.org")
        return f"/admin/people/{found}"

    def _attendee(self) -> Person:
        person = self._person()
        person.page.goto("/lab")
        person.press("Sign in to begin", "Keep a copy", "A minute on", "The server revokes", "Present the token")
        return person

    def _teacher(self) -> tuple[Person, str]:
        person = self._person()
        person.page.goto("/lab/rooms")
        person.page.get_by_label("Name of the room").fill("Monday")
        person.press("Open a room")
        return person, f"/lab/rooms/{person.page.locator('.code code').inner_text()}"


def every_page(folder: Path) -> list[str]:
    site = Site(folder)
    found = list(pages(site.app))
    site.close()
    return found


def look(server: Server, every: list[str], parts: list[str]) -> int:
    """Look at the pages of *server*; return 1 if anything is wrong."""
    with sync_playwright() as playwright:
        asked = {"chromium": _whole(playwright), "site": server.url, "people": [], "open": []}
        if "pa11y" in parts:
            chromium = launch(playwright)
            asked["people"] = list(Crowd(chromium, server, every).looks())
            chromium.close()
    if "lighthouse" in parts:
        open_to_all = [path for path in every if server.ask("GET", path, {})[0] == 200]
        asked["open"] = [*open_to_all, MISSING]
    return subprocess.run(["node", str(PROGRAM)], input=json.dumps(asked), text=True, check=False).returncode


def _whole(playwright: Playwright) -> str:
    return find_whole() or playwright.chromium.executable_path


def main(parts: list[str]) -> int:
    with tempfile.TemporaryDirectory() as folder:
        every = every_page(Path(folder) / "map")
        server = Server(Path(folder) / "instance", WORKERS="2", SOURCE_URL="https://source.example/signed-out")
        try:
            return look(server, every, parts or list(PARTS))
        finally:
            server.stop()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
