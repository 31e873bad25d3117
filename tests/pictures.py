"""Takes the pictures of the README from the real site: `make pictures`."""

import sys
import tempfile
from pathlib import Path
from urllib.parse import urlsplit

from playwright.sync_api import Browser, FloatRect, Page, sync_playwright

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from tests.browsers import AGENTS
from tests.e2e.conftest import Person, launch
from tests.forking import PROJECT
from tests.server import Server

PATIENCE = 120_000  # milliseconds: what is computed for a page waits for a busy machine
PICTURES = PROJECT / "docs" / "pictures"


def person(chromium: Browser, server: Server, label: str, *, scale: float = 1.5, width: int = 900) -> Person:
    context = chromium.new_context(
        base_url=server.url,
        user_agent=AGENTS[label],
        viewport={"width": width, "height": 760},
        device_scale_factor=scale,
        reduced_motion="reduce",
    )
    found = Person(context)
    context.set_default_timeout(PATIENCE)
    return found


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
    ada.page.goto("/confirm")
    ada.page.get_by_label("Password", exact=True).fill("plenty of violet otters")
    ada.press("Confirm")
    ada.press("End Safari on macOS")
    server.wait(45)
    ada.sign_out()
    ada.page.wait_for_url("**/signed-out")
    ada.page.screenshot(path=PICTURES / "receipt.png", full_page=True)


def press(visitor: Person, *buttons: str) -> None:
    """Press one after the other, each on the page that the one before brought."""
    for name in buttons:
        visitor.page.evaluate("() => document.querySelector('main').setAttribute('data-old', '')")
        visitor.press(name)
        visitor.page.locator("main:not([data-old])").wait_for()


def around(page: Page, selector: str, margin: int = 36) -> FloatRect:
    """Return a part of the page, with some air about it."""
    page.evaluate("() => scrollTo(0, 0)")
    box = page.locator(selector).bounding_box()
    if box is None:
        raise LookupError(selector)
    wide, high = box["width"] + 2 * margin, box["height"] + 2 * margin
    return {"x": box["x"] - margin, "y": box["y"] - margin, "width": wide, "height": high}


def experiment(chromium: Browser, server: Server) -> None:
    """A visitor signs out with a copy in a thief's pocket, and presents it everywhere."""
    visitor = person(chromium, server, "Firefox on Linux", scale=1, width=1120)
    page = visitor.page
    page.goto("/lab")
    press(visitor, "Sign out and replay")
    page.screenshot(path=PICTURES / "answer.png")
    press(visitor, "Start again", "Sign in to begin", "Keep a copy")
    server.wait(70)
    press(visitor, "The server revokes", "Present the token")
    server.wait(20)
    page.reload()
    page.screenshot(path=PICTURES / "timeline.png", full_page=True, clip=around(page, "#answers + figure"))
    page.screenshot(path=PICTURES / "experiment.png", full_page=True)
    for name, path in (("designs", "designs"), ("design", "designs/status-list"), ("costs", "costs")):
        page.goto(f"/lab/{path}")
        page.screenshot(path=PICTURES / f"{name}.png", full_page=name in ("design", "costs"))


def workshop(chromium: Browser, server: Server) -> None:
    """A teacher opens a room; three attendees come, predict, and try."""
    teacher = person(chromium, server, "Safari on macOS", scale=1, width=1280)
    teacher.page.goto("/lab/rooms")
    teacher.page.get_by_label("Name of the room").fill("Thursday")
    teacher.press("Open a room")
    link = teacher.page.get_by_role("link", name="/join").get_attribute("href") or ""
    for nickname, way, questions in (
        ("Ada", "The server revokes", ("Q1", "Q2", "Q3", "Q4", "Q5")),
        ("Bob", "The browser forgets", ("Q1", "Q2", "Q3")),
        ("Cy", "Let it expire", ("Q1", "Q2", "Q3", "Q4")),
    ):
        attendee = person(chromium, server, "Chrome on Android")
        attendee.page.goto(urlsplit(link).path)
        attendee.page.get_by_label("Nickname").fill(nickname)
        attendee.press("Join the room")
        attendee.page.goto("/lab")
        press(attendee, "Sign in to begin", "Keep a copy", way, "Present the token")
        for number, question in enumerate(questions):
            attendee.page.goto(f"/lab/path/{question}")
            choices = attendee.page.get_by_role("radio")
            choices.nth((number + len(nickname)) % choices.count()).check()
            attendee.page.get_by_role("main").get_by_role("button").first.click()
            attendee.page.wait_for_load_state()
    teacher.page.reload()
    teacher.page.screenshot(path=PICTURES / "board.png", full_page=True)


def main() -> None:
    PICTURES.mkdir(parents=True, exist_ok=True)
    server = Server(Path(tempfile.mkdtemp()) / "instance", SITE_URL="http://localhost:8000")
    try:
        with sync_playwright() as playwright:
            chromium = launch(playwright)
            tell(chromium, server)
            experiment(chromium, server)
            workshop(chromium, server)
    finally:
        server.stop()


if __name__ == "__main__":
    main()
