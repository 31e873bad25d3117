"""Takes the pictures of the README from the real site: `make pictures`."""

import sys
import tempfile
from pathlib import Path

from playwright.sync_api import Browser, sync_playwright

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from tests.browsers import AGENTS
from tests.e2e.conftest import Person, launch
from tests.server import PROJECT, Server

PICTURES = PROJECT / "docs" / "pictures"


def person(chromium: Browser, server: Server, label: str) -> Person:
    return Person(
        chromium.new_context(
            base_url=server.url,
            user_agent=AGENTS[label],
            viewport={"width": 900, "height": 760},
            device_scale_factor=1.5,
            reduced_motion="reduce",
        )
    )


def tell(chromium: Browser, server: Server) -> None:
    """Ada signs in on three browsers, uses them, ends one, and signs out."""
    ada = person(chromium, server, "Firefox on Linux")
    ada.sign_up("ada@example.org")
    server.wait(40 * 60)
    phone = person(chromium, server, "Chrome on Android")
    phone.sign_in("ada@example.org", keep=True)
    server.wait(290)
    old = person(chromium, server, "Safari on macOS")
    old.sign_in("ada@example.org")
    for seconds in (310, 420, 130):
        ada.page.goto("/")
        server.wait(seconds)
    ada.page.goto("/")
    ada.page.screenshot(path=PICTURES / "home.png")
    ada.page.goto("/confirm")
    ada.page.get_by_label("Password", exact=True).fill("plenty of violet otters")
    ada.press("Confirm")
    ada.press("End Safari on macOS")
    server.wait(45)
    ada.page.goto("/devices")
    ada.page.screenshot(path=PICTURES / "devices.png")
    ada.sign_out()
    ada.page.wait_for_url("**/signed-out")
    ada.page.screenshot(path=PICTURES / "receipt.png", full_page=True)


def experiment(chromium: Browser, server: Server) -> None:
    """A visitor signs out with a copy in a thief's pocket, and presents it everywhere."""
    visitor = person(chromium, server, "Firefox on Linux")
    page = visitor.page
    page.goto("/lab")
    visitor.press("Sign in to begin")
    visitor.press("Keep a copy")
    server.wait(70)
    visitor.press("The server revokes")
    visitor.press("Present the token")
    page.locator("#answers").screenshot(path=PICTURES / "timeline.png")
    page.screenshot(path=PICTURES / "experiment.png", full_page=True)
    for name, path in (("designs", "designs"), ("design", "designs/status-list"), ("costs", "costs"), ("path", "path")):
        page.goto(f"/lab/{path}")
        page.screenshot(path=PICTURES / f"{name}.png", full_page=name != "path")


def main() -> None:
    PICTURES.mkdir(parents=True, exist_ok=True)
    server = Server(Path(tempfile.mkdtemp()) / "instance", SITE_URL="http://localhost:8000")
    try:
        with sync_playwright() as playwright:
            chromium = launch(playwright)
            tell(chromium, server)
            experiment(chromium, server)
    finally:
        server.stop()


if __name__ == "__main__":
    main()
