"""Every page, light and dark, small and wide: readable by all, within its width, and light of weight."""

import json
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlencode, urlsplit

import pytest
from playwright.sync_api import ConsoleMessage, Error, Page, Response, expect

from tests import backings
from tests.browsers import Site
from tests.e2e.acts import check
from tests.e2e.conftest import SIZES, OpenBrowser, Person
from tests.pages import SLOW, pages
from tests.server import Server

pytestmark = pytest.mark.e2e

FIRST_VISIT = 60 * 1024
PHONE = 320
WAYS = ("/sign-", "/signed-out", "/recover")  # in and out: the member who is here stands beside them


@pytest.fixture(params=SIZES, ids=str)
def ada(request: pytest.FixtureRequest, open_browser: OpenBrowser) -> Person:
    width, dark = request.param
    return open_browser(width=width, dark=dark)


@pytest.fixture(scope="module")
def every_page(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """An address of each page of the site, but for the one that simulates a day."""
    site = Site(tmp_path_factory.mktemp("map"))
    found = [path for path in pages(site.app) if path != SLOW]
    site.close()
    return found


# A link alone on its line is a target; one within a sentence is as high as its line (WCAG 2.5.8).
TOO_SMALL = """() => {
    const box = (part) => part.getBoundingClientRect();
    const seen = (part) => part.checkVisibility({ visibilityProperty: true }) && box(part).width > 1;
    const within = (link) => link.closest("p, li, dd, dt, td, th, h1, h2").innerText.trim() !== link.innerText.trim();
    const touched = (part) => (/checkbox|radio/.test(part.type) ? part.labels[0] : part);
    return [...document.querySelectorAll("a, button, summary, select, input:not([type=hidden])")]
        .filter((part) => seen(part) && !part.matches(".skip") && !(part.matches("a:not(.button, .brand)") && within(part)))
        .map(touched)
        .filter((part) => box(part).height < 44)
        .map((part) => `${part.innerText || part.name} ${box(part).height}`);
}"""


def look(person: Person, path: str) -> None:
    """Look at one page. On a phone a finger finds every target."""
    person.page.goto(path)
    check(person.page)
    if (person.page.viewport_size or {})["width"] == PHONE:
        assert person.page.evaluate(TOO_SMALL) == [], path


def test_every_page_that_a_visitor_sees_is_accessible_and_on_a_phone_a_finger_finds_every_target(
    ada: Person, every_page: list[str]
) -> None:
    for path in (*every_page, "/nowhere"):
        look(ada, path)


# From the rule above each row to its lines of text, from line to line, and to the rule below.
STEPS = """() => [...document.querySelectorAll(".ways > div")].map((row) => {
    const { top, bottom } = row.getBoundingClientRect();
    const texts = document.createTreeWalker(row, NodeFilter.SHOW_TEXT), written = document.createRange();
    const at = new Set([Math.round(top), Math.round(bottom)]);
    while (texts.nextNode()) {
        written.selectNodeContents(texts.currentNode);
        for (const line of written.getClientRects()) if (line.width) at.add(Math.round(line.top));
    }
    const places = [...at].sort((one, other) => one - other);
    return places.slice(1).map((place, number) => place - places[number]);
})"""


def test_on_a_phone_the_rows_of_the_account_stand_in_even_steps(open_browser: OpenBrowser) -> None:
    person = open_browser(width=PHONE)
    person.join("even@example.org")
    person.page.goto("/account")
    rows = person.page.evaluate(STEPS)
    between = [step for _, *steps, _ in rows for step in steps]
    for steps in ([row[0] for row in rows], between, [row[-1] for row in rows]):
        assert len(steps) > 5
        assert max(steps) - min(steps) <= 1, rows


# On a phone and in the dark, the walk with the long name looks at these.
@pytest.mark.parametrize("ada", [(1280, False)], ids=str, indirect=True)
def test_every_page_that_a_member_sees_is_accessible_has_its_own_title_and_place_and_the_browser_complains_of_none(
    ada: Person, open_browser: OpenBrowser, every_page: list[str]
) -> None:
    email = f"ada-{uuid.uuid4().hex[:8]}@example.org"
    ada.join(email)
    phone = open_browser("Chrome on Android")
    phone.sign_in(email)
    gone = open_browser("Safari on macOS")
    gone.sign_in(email)
    gone.sign_out()
    titles: dict[str, str] = {}
    for path in every_page:
        with complaints(ada.page) as found:
            answer = ada.page.goto(path)
            check(ada.page)
        at, title = urlsplit(ada.page.url).path, ada.page.title()
        assert titles.setdefault(title, at) == at or ada.page.get_by_text("Error 40").count(), title
        if answer and answer.ok:
            assert found == [], path
            if not path.startswith(WAYS):
                expect(ada.page.locator("header [aria-current]"), path).to_have_count(1)


@contextmanager
def complaints(page: Page) -> Iterator[list[str]]:
    """Collect what is blocked by the policy, scripts that fail, and whatever else the browser complains of."""
    found: list[str] = []

    def note(message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            found.append(message.text)

    def fail(error: Error) -> None:
        found.append(str(error))

    page.on("console", note)
    page.on("pageerror", fail)
    yield found
    page.remove_listener("console", note)
    page.remove_listener("pageerror", fail)


def test_every_page_of_an_administrator_is_accessible(ada: Person, open_browser: OpenBrowser, server: Server) -> None:
    names = [f"{name}-{uuid.uuid4().hex[:8]}@example.org" for name in ("root", "eve")]
    ada.join(names[0])
    server.run("users", "admin", names[0])
    phone, laptop = open_browser("Chrome on Android"), open_browser("Safari on macOS")
    phone.join(names[1], "Eve")
    laptop.sign_in(names[1])
    for path in ("/admin", "/admin?q=nobody-at-all", *(f"/admin?q={name}" for name in names)):
        ada.page.goto(path)
        check(ada.page)
    for name in ("Ada", "Eve"):
        ada.page.goto(f"/admin?q={names[name == 'Eve']}")
        ada.follow(name)
        check(ada.page)
    for act in ("End Safari on macOS", "Close the account"):
        ada.press(act)
        check(ada.page)


def test_every_answer_to_a_form_is_accessible(ada: Person) -> None:
    ada.sign_up("not an address", name="")
    check(ada.page)
    ada.sign_in("ada@example.org", "wrong wrong")
    check(ada.page)
    ada.page.goto("/sign-in?arrived=1")
    check(ada.page)
    ada.sign_up(f"ada-{uuid.uuid4().hex[:8]}@example.org")
    ada.sign_out()
    check(ada.page)


def test_the_page_of_a_sign_out_that_could_not_be_done_is_accessible(ada: Person, server: Server) -> None:
    ada.join(f"ada-{uuid.uuid4().hex[:8]}@example.org")
    with backings.locked(server.folder):
        ada.sign_out()
        assert urlsplit(ada.page.url).path == "/sign-out"
        check(ada.page)


def test_a_first_visit_weighs_little(open_browser: OpenBrowser) -> None:
    ada = open_browser()
    answers: list[Response] = []
    ada.page.on("response", lambda answer: answers.append(answer))
    ada.page.goto("/", wait_until="networkidle")
    assert {answer.status for answer in answers} == {200}
    assert sum(len(answer.body()) for answer in answers) <= FIRST_VISIT


def test_everything_can_be_reached_by_keyboard(open_browser: OpenBrowser) -> None:
    ada = open_browser()
    ada.page.goto("/sign-in")
    ada.page.keyboard.press("Tab")
    assert ada.page.evaluate("() => document.activeElement.getAttribute('href')") == "#main"
    reached: list[str] = []
    for _ in range(12):
        ada.page.keyboard.press("Tab")
        reached.append(
            ada.page.evaluate("() => document.activeElement.name || document.activeElement.textContent.trim()")
        )
    for name in ("email", "password", "keep", "Sign in"):
        assert name in reached


def test_a_long_name_without_spaces_widens_no_page(
    ada: Person, open_browser: OpenBrowser, server: Server, every_page: list[str]
) -> None:
    email = f"{uuid.uuid4().hex}{'w' * 32}@{'w' * 60}.example.org"
    ada.join(email, "W" * 80)
    app = json.loads(server.run("clients", "add", "M" * 80, "--redirect-uri", "http://127.0.0.1/callback", "--json"))
    asked = {"response_type": "code", "client_id": app["client_id"], "code_challenge": "x" * 43}
    asks = f"/oauth/authorize?{urlencode(asked | {'code_challenge_method': 'S256'})}"
    held = {cookie["name"]: cookie["value"] for cookie in ada.context.cookies()}
    assert server.ask("POST", asks, held, decision="allow")[0] == 303
    open_browser("Chrome on Android").sign_in(email)
    gone = open_browser("Safari on macOS")
    gone.sign_in(email)
    for (sid,) in server.query("SELECT s.id FROM sessions s JOIN users u ON u.id = s.user_id WHERE u.email = ?", email):
        server.ask("POST", f"/devices/{sid}/name", held, name="W" * 60)
    gone.sign_out()
    for path in (*every_page, f"{asks}&prompt=consent"):
        look(ada, path)
    ada.sign_out()
    check(ada.page)
