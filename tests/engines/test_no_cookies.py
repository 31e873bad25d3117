"""A real browser that blocks cookies is told so at each door, and nothing is made."""

import pytest

from tests.browsers import PASSWORD
from tests.engines.conftest import OpenEngine
from tests.server import Server

pytestmark = pytest.mark.e2e

TABLES = ("users", "sessions", "lab_visitors", "lab_rooms")


@pytest.mark.parametrize(
    ("path", "fields", "button"),
    [
        ("/sign-up", {"name": "Ada", "email": "ada@example.org", "password": PASSWORD}, "Sign up"),
        ("/sign-in", {"email": "ada@example.org", "password": PASSWORD}, "Sign in"),
        ("/lab", {}, "Sign in to begin"),
        ("/lab/rooms", {"name": "Monday"}, "Open a room"),
    ],
)
def test_nothing_is_made_and_the_page_says_what_to_do(
    open_engine: OpenEngine, server: Server, path: str, fields: dict[str, str], button: str
) -> None:
    before = [server.query(f"SELECT count(*) FROM {table}") for table in TABLES]
    browser = open_engine(cookies=False)
    browser.go(f"{server.url}{path}")
    browser.fill(**fields)
    browser.press(button)
    assert browser.heading() == "No cookie came back from this browser"
    assert browser.has("Allow cookies for")
    assert [server.query(f"SELECT count(*) FROM {table}") for table in TABLES] == before
