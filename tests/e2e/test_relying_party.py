"""Relying parties in a real browser: signed in with the site, and gone when the site has signed out. Readable by all."""

import re
import uuid
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import Browser, BrowserContext, Page

from tests.conftest import LONG
from tests.e2e.acts import check, follow, press
from tests.e2e.conftest import SIZES, Person
from tests.oauth.conftest import App, register_app
from tests.oauth.flow import CALLBACK, Flow
from tests.oauth.test_propagation import PLACES, Held
from tests.relying_party.conftest import Party, World, running, until

pytestmark = pytest.mark.e2e
SIGNED_IN = "You are signed in here, Ada"


@pytest.fixture(scope="module")
def world(shared_instance: Path) -> Iterator[World]:
    with running(shared_instance, is_registered=True) as made:
        yield made


@pytest.fixture
def ada(world: World, chromium: Browser) -> Iterator[Person]:
    """A new user, who is signed in at the site and nowhere else."""
    with chromium.new_context(base_url=world.issuer.url) as context:
        yield _join(context)


def _join(context: BrowserContext) -> Person:
    context.set_default_timeout(15_000)
    person = Person(context)
    person.join(f"{uuid.uuid4().hex}@example.org")
    return person


def visit(person: Person, party: Party, *, decision: str = "Allow") -> Page:
    """Sign in at a relying party, in another tab."""
    tab = person.context.new_page()
    tab.goto(party.url)
    follow(tab, "Sign in with Signed Out")
    press(tab, re.compile(f"^{decision}"))
    tab.wait_for_url(f"{party.url}/**")
    return tab


def heading(tab: Page) -> str:
    return tab.get_by_role("heading", level=1).inner_text()


def look_again(tab: Page) -> str:
    tab.reload()
    return heading(tab)


@pytest.mark.parametrize(
    ("delivery", "how"), [("push", "Signed Out told this site"), ("poll", "This site asks Signed Out again and again")]
)
def test_an_open_page_leaves_by_itself_when_its_person_signs_out_at_the_issuer(
    world: World, ada: Person, delivery: str, how: str
) -> None:
    tab = visit(ada, world[delivery])
    assert heading(tab) == SIGNED_IN
    ada.sign_out()
    tab.bring_to_front()
    tab.get_by_role("heading", name="Ada left").wait_for()
    assert how in tab.get_by_role("main").inner_text()


@pytest.mark.parametrize("delivery", ["push", "poll"])
def test_without_javascript_the_next_page_that_is_opened_says_so(
    world: World, chromium: Browser, delivery: str
) -> None:
    with chromium.new_context(base_url=world.issuer.url, java_script_enabled=False) as context:
        ada = _join(context)
        tab = visit(ada, world[delivery])
        ada.sign_out()
        seen = until(lambda: look_again(tab), lambda found: found == "Ada left")
        assert set(seen) <= {SIGNED_IN, "Ada left"}


def test_a_site_that_asks_learns_of_it_when_a_page_is_opened_and_one_that_never_asks_does_not(
    world: World, ada: Person
) -> None:
    asks, never = visit(ada, world["ask"]), visit(ada, world["never"])
    ada.sign_out()
    assert [heading(tab) for tab in (asks, never)] == [SIGNED_IN, SIGNED_IN]
    assert [look_again(tab) for tab in (asks, never)] == ["Ada left", SIGNED_IN]


@pytest.mark.question("A16", "A17")
def test_sign_out_ends_what_hangs_on_the_browser_wherever_it_is_presented(world: World, ada: Person) -> None:
    """Three apps: a relying party that is told, one that holds tokens, and one that was let in for longer."""
    tab = visit(ada, world["push"])
    with world.inside() as site:
        held = {
            "hanging": connect(ada, register_app(site, "Hanging")),
            "off-line": connect(ada, register_app(site, "Lasting"), "offline_access"),
        }
        ada.sign_out()
        ada.page.wait_for_url("**/signed-out")
        until(lambda: look_again(tab), lambda found: found == "Ada left")
        lives = {(name, place): one.lives(place) for name, one in held.items() for place in PLACES}
    expected = {(name, place): name == "off-line" for name in held for place in PLACES}
    assert (lives, ada.is_signed_in(), heading(tab)) == (expected, False, "Ada left")


def connect(ada: Person, app: App, scope: str = "email") -> Held:
    """Let *app* in, in another tab, and take what it is given."""
    flow = Flow(app, scope=f"openid {scope}")
    tab = ada.context.new_page()
    tab.route(f"{CALLBACK}**", lambda route: route.fulfill(body="taken"))
    tab.goto(flow.path())
    with tab.expect_request(f"{CALLBACK}**") as sent:
        press(tab, re.compile("^Allow"))
    tokens = flow.exchange(parse_qs(urlsplit(sent.value.url).query)["code"][0]).get_json()
    return Held(app, tokens["access_token"], tokens["refresh_token"])


def test_a_user_who_signs_out_at_a_party_is_asked_at_the_issuer_and_led_back(world: World, ada: Person) -> None:
    tab = visit(ada, world["ask"])
    press(tab, "Sign out")
    assert heading(tab) == "Relying party (ask) asks to sign you out here too"
    press(tab, "Sign Out of this browser")
    tab.wait_for_url(f"{world['ask'].url}/signed-out?**")
    assert heading(tab) == "You are signed out here"
    assert "Signed Out has led you back" in tab.get_by_role("main").inner_text()
    assert not ada.is_signed_in()


def test_a_user_who_stays_at_the_issuer_is_signed_out_at_the_party_all_the_same(world: World, ada: Person) -> None:
    party = world["never"]
    tab = visit(ada, party)
    press(tab, "Sign out")
    follow(tab, "Stay signed in")
    assert ada.is_signed_in()
    tab.goto(party.url)
    assert heading(tab) == "You are signed out here"
    follow(tab, "Sign in with Signed Out")  # it was allowed, and asks no more
    tab.wait_for_url(f"{party.url}/")
    assert heading(tab) == SIGNED_IN


def test_a_user_who_does_not_allow_it_is_not_known_there(world: World, ada: Person) -> None:
    tab = visit(ada, world["push"], decision="Deny")
    assert heading(tab) == "You were not signed in"


@pytest.mark.parametrize(("width", "dark"), SIZES)
def test_their_pages_and_their_answers_in_the_lab_are_accessible(
    world: World, chromium: Browser, width: int, dark: bool
) -> None:
    context = chromium.new_context(
        base_url=world.issuer.url,
        viewport={"width": width, "height": 800},
        color_scheme="dark" if dark else "light",
    )
    page = context.new_page()
    page.goto("/lab")
    press(page, "Sign in to begin", "Keep a copy", "The server revokes", "Present the token")
    page.get_by_role("heading", name="In their own processes").wait_for()
    check(page)
    assert page.get_by_text("It does not answer.").count() == 1
    for party in [*world.parties.values()][: None if LONG else 1]:  # their templates are the same
        for path in ("/", "/tokens", "/callback", "/signed-out"):
            page.goto(f"{party.url}{path}")
            check(page)
        assert context.cookies(page.url) == []
    tab = visit(_join(context), world["ask"])
    check(tab)
    press(tab, "Sign out")
    tab.goto(world["ask"].url)
    check(tab)
    context.close()
