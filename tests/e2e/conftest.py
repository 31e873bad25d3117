"""Real browsers, by name, on the real server."""

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from re import Pattern

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, Playwright, sync_playwright

from tests.browsers import AGENTS, PASSWORD
from tests.conftest import LONG
from tests.e2e.acts import answered, follow, go, press
from tests.server import Server

# Small and wide, light and dark; for every day the one that is hardest to get right.
SIZES = [(320, True), *([(1280, False), (320, False), (1280, True)] if LONG else [])]
QUIET = [
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


def launch(playwright: Playwright, *, without: list[str] | None = None) -> Browser:
    """Start Chromium: the system's where there is one, else Playwright's own.

    Take the one that was built without windows: a page costs it a third of the processor time, but it keeps none to
    go back to.

    *without*: switches that Playwright would set and that would spoil the test, which gets the whole Chromium.
    """
    found = find_whole() if without else shutil.which("chromium-headless-shell") or find_whole()
    return playwright.chromium.launch(executable_path=found, args=switches(), ignore_default_args=without)


def find_whole() -> str | None:
    """Return the path of the system's full Chromium, or None to use Playwright's."""
    return next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)


def switches() -> list[str]:
    """Return the arguments of every Chromium in the tests."""
    return [*QUIET, *(["--no-sandbox"] if os.geteuid() == 0 else [])]


def with_or_without(javascript: bool) -> str:
    return "with JavaScript" if javascript else "without JavaScript"


@pytest.fixture(scope="session")
def playwright_session() -> Iterator[Playwright]:
    with sync_playwright() as playwright:
        yield playwright


@pytest.fixture(scope="session")
def chromium(playwright_session: Playwright) -> Iterator[Browser]:
    browser = launch(playwright_session)
    yield browser
    browser.close()


@pytest.fixture(scope="module")
def server(shared_instance: Path) -> Iterator[Server]:
    """Two worker processes. Tests of one module share it, each with its own users."""
    running = Server(shared_instance, WORKERS="2")
    yield running
    running.stop()


@pytest.fixture(scope="module")
def base_url(server: Server) -> str:
    """By the name that it has in pytest-playwright, as the next one."""
    return server.url


@pytest.fixture
def context(chromium: Browser, base_url: str) -> Iterator[BrowserContext]:
    with chromium.new_context(base_url=base_url) as opened:
        yield opened


@pytest.fixture(params=[True, False] if LONG else [True], ids=with_or_without)
def javascript(request: pytest.FixtureRequest) -> bool:
    return bool(request.param)


OpenBrowser = Callable[..., "Person"]


@pytest.fixture
def open_browser(chromium: Browser, server: Server) -> Iterator[OpenBrowser]:
    """Open a browser with its own cookies under a name such as "Safari on macOS"."""
    opened: list[BrowserContext] = []

    def open_one(
        label: str = "Firefox on Linux", *, javascript: bool = True, width: int = 1280, dark: bool = False
    ) -> Person:
        context = chromium.new_context(
            base_url=server.url,
            user_agent=AGENTS[label],
            java_script_enabled=javascript,
            viewport={"width": width, "height": 900},
            color_scheme="dark" if dark else "light",
        )
        context.set_default_timeout(15_000)
        opened.append(context)
        return Person(context)

    yield open_one
    for context in opened:
        context.close()


class Person:
    """A user at a browser, who reads labels and presses buttons."""

    def __init__(self, context: BrowserContext) -> None:
        self.context = context
        self.page: Page = context.new_page()

    def join(self, email: str, name: str = "Ada") -> None:
        """Sign up by requests of this browser, and open the home page: for tests that are not about the form."""
        self.context.request.get("/sign-up")  # sets the probe, as in a browser that was shown the form
        form = {"name": name, "email": email, "password": PASSWORD}
        assert self.context.request.post("/sign-up", form=form, max_redirects=0).status == 303
        self.page.goto("/")

    def sign_up(self, email: str, name: str = "Ada") -> None:
        self.page.goto("/sign-up")
        self.page.get_by_label("Name", exact=True).fill(name)
        self.page.get_by_label("Email", exact=True).fill(email)
        self.page.get_by_label("Password", exact=True).fill(PASSWORD)
        self.press("Sign up")

    def sign_in(self, email: str, password: str = PASSWORD, *, keep: bool = False) -> None:
        go(self.page, "/sign-in")
        self.fill_in(email, password)
        if keep:
            self.page.get_by_label("Keep me signed in").check()
        self.press("Sign in")

    def fill_in(self, email: str, password: str = PASSWORD) -> None:
        self.page.get_by_label("Email", exact=True).fill(email)
        self.page.get_by_label("Password", exact=True).fill(password)

    def press(self, *buttons: str | Pattern[str]) -> None:
        press(self.page, *buttons)

    def follow(self, link: str | Pattern[str]) -> None:
        follow(self.page, link)

    def sign_out(self) -> None:
        with answered(self.page):
            self.page.get_by_role("banner").get_by_role("button", name="Sign Out", exact=True).click()

    def heading(self) -> str:
        return self.page.get_by_role("heading", level=1).inner_text()

    def is_signed_in(self) -> bool:
        """Ask for a private page with the cookies of this browser, beside its open pages."""
        return self.context.request.get("/account", max_redirects=0).status == 200
