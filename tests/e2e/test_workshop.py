"""A workshop: a teacher and three attendees in four browsers, and a board that follows them by itself."""

import re
from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.conftest import LONG
from tests.e2e.acts import check
from tests.e2e.conftest import OpenBrowser, Person
from tests.server import Server
from tests.workshop import DESIGNS, FORGOTTEN, STILL

pytestmark = pytest.mark.e2e
LIVE = 15_000  # ms: the board asks every two seconds, and the machine may be busy
WAYS = {
    "Ada": ("The server revokes", "the server revoked", f"{STILL} still accept"),
    "Bob": ("The browser forgets", "the browser forgot", f"{FORGOTTEN} still accept"),
    "Cy": ("Let it expire", "it expired", f"all {DESIGNS} refuse"),
}


@pytest.fixture
def teacher(open_browser: OpenBrowser) -> Person:
    """A user who has just opened a room."""
    teacher = open_browser("Safari on macOS")
    teacher.page.goto("/lab")
    teacher.page.get_by_role("link", name="Workshop").click()
    teacher.page.get_by_label("Name of the room").fill("Thursday")
    teacher.press("Open a room")
    return teacher


def arrive(open_browser: OpenBrowser, teacher: Person, nickname: str, *, javascript: bool = True) -> Person:
    """Come in by the link on the board."""
    link = teacher.page.get_by_role("link", name="/join").get_attribute("href")
    attendee = open_browser("Chrome on Android", width=390, javascript=javascript)
    attendee.page.goto(link or "")
    attendee.page.get_by_label("Nickname").fill(nickname)
    attendee.press("Join the room")
    expect(attendee.page.get_by_text(f"{nickname}, in room")).to_be_visible()
    return attendee


def row(teacher: Person, nickname: str) -> Locator:
    return teacher.page.get_by_role("row").filter(has=teacher.page.get_by_role("rowheader", name=nickname, exact=True))


def stay(page: Page) -> None:
    page.evaluate("() => { window.stayed = true }")


def stayed(page: Page) -> bool:
    return bool(page.evaluate("() => window.stayed === true"))


def experiment(attendee: Person, way: str) -> None:
    attendee.press("Sign in to begin", "Keep a copy", way, "Present the token")
    expect(attendee.page.get_by_role("img", name=re.compile("^From the "))).to_have_count(2)


@pytest.fixture
def problems(teacher: Person) -> Iterator[list[str]]:
    found: list[str] = []
    teacher.page.on("console", lambda said: found.append(said.text) if said.type in ("error", "warning") else None)
    teacher.page.on("pageerror", lambda error: found.append(str(error)))
    yield found
    assert found == []


@pytest.mark.usefixtures("problems")
def test_three_attendees_are_followed_live_then_one_is_reset_and_then_all(
    teacher: Person, open_browser: OpenBrowser
) -> None:
    page = teacher.page
    expect(page.get_by_text("No one is here yet")).to_be_visible()
    stay(page)
    people = {nickname: arrive(open_browser, teacher, nickname) for nickname in WAYS}
    for nickname, (button, ended, found) in WAYS.items():
        expect(row(teacher, nickname)).to_contain_text("has not begun", timeout=LIVE)
        experiment(people[nickname], button)
        expect(row(teacher, nickname)).to_contain_text(ended, timeout=LIVE)
        expect(row(teacher, nickname)).to_contain_text(found)
    assert stayed(page), "without a reload"

    row(teacher, "Ada").get_by_text("More").click()
    teacher.press("Reset Ada")
    expect(page.get_by_text("That attendee starts again")).to_be_visible()
    expect(row(teacher, "Ada")).to_contain_text("has not begun")
    expect(row(teacher, "Bob")).to_contain_text(FORGOTTEN)
    people["Ada"].page.goto("/lab")
    experiment(people["Ada"], "The browser forgets")
    expect(row(teacher, "Ada")).to_contain_text(FORGOTTEN, timeout=LIVE)

    teacher.press("Reset all")
    expect(page.get_by_role("row").filter(has_text="has not begun")).to_have_count(3)
    for person in people.values():
        person.page.goto("/lab")
        expect(person.page.get_by_role("button", name="Sign in to begin")).to_be_visible()


@pytest.mark.usefixtures("problems")
def test_what_is_open_or_has_the_focus_stays_so_while_the_board_changes(
    teacher: Person, open_browser: OpenBrowser
) -> None:
    arrive(open_browser, teacher, "Ada")
    row(teacher, "Ada").get_by_text("More").click(timeout=LIVE)
    remove = teacher.page.get_by_role("button", name="Remove Ada")
    remove.focus()
    arrive(open_browser, teacher, "Bob")
    expect(row(teacher, "Bob")).to_be_visible(timeout=LIVE)
    expect(remove).to_be_focused()


def test_fifty_people_fit_on_a_projector(teacher: Person, server: Server) -> None:
    page = teacher.page
    room, names = urlsplit(page.url).path, [f"Wilhelmina {number}" for number in range(50)]
    for name in names:
        _, pocket = server.ask("POST", f"{room}/join", {}, nickname=name)
        server.ask("POST", "/lab/sign-in", pocket)
        server.ask("POST", "/lab/copy", pocket)
    page.set_viewport_size({"width": 1280, "height": 720})
    page.reload()
    page.get_by_text("How to come in").click()
    people = page.get_by_role("list", name="Where everyone is")
    expect(people.get_by_role("listitem")).to_have_count(50)
    for person in (people.get_by_role("listitem").first, people.get_by_role("listitem").last):
        expect(person).to_be_in_viewport(ratio=1)  # also while the board is swapped
    assert page.evaluate("() => document.documentElement.scrollWidth") <= 1280


def test_without_javascript_a_link_refreshes_the_board(open_browser: OpenBrowser) -> None:
    teacher = open_browser(javascript=False)
    teacher.page.goto("/lab/rooms")
    teacher.page.get_by_label("Name of the room").fill("Thursday")
    teacher.press("Open a room")
    ada = arrive(open_browser, teacher, "Ada", javascript=False)
    ada.press("Sign in to begin")
    expect(teacher.page.get_by_text("No one is here yet")).to_be_visible()
    teacher.page.get_by_role("link", name="Refresh").click()
    expect(row(teacher, "Ada")).to_contain_text("signed in")


def test_a_closed_room_is_left_by_the_open_board(teacher: Person) -> None:
    other = teacher.context.new_page()
    other.goto(teacher.page.url)
    other.get_by_role("button", name="Close the room").click()
    expect(teacher.page.get_by_text("There is no room with this code")).to_be_visible(timeout=LIVE)


@pytest.mark.parametrize(
    ("width", "dark"),
    [(320, False), (1280, True)][: 2 if LONG else 1],
    ids=["small light", "wide dark"][: 2 if LONG else 1],
)
def test_every_page_of_a_workshop_is_accessible(open_browser: OpenBrowser, width: int, dark: bool) -> None:
    teacher = open_browser(width=width, dark=dark)
    teacher.page.goto("/lab/rooms")
    check(teacher.page)
    teacher.page.get_by_label("Name of the room").fill("Thursday")
    teacher.press("Open a room")
    check(teacher.page)
    experiment(arrive(open_browser, teacher, "Ada"), "The server revokes")
    expect(row(teacher, "Ada")).to_contain_text(STILL, timeout=LIVE)
    row(teacher, "Ada").get_by_text("More").click()
    check(teacher.page)
    board = teacher.page.url
    teacher.page.goto(f"{board}/join")
    check(teacher.page)
    teacher.page.get_by_label("Nickname").fill("ada")
    teacher.press("Join the room")
    check(teacher.page)
    teacher.page.goto("/lab/rooms?code=QK7-F2M")
    check(teacher.page)
