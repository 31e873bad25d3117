"""What docs/testing.md tells other people about the pages is so."""

import re
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, expect

from app.identity import demo
from tests.e2e.conftest import OpenBrowser, Person
from tests.kit.signed_out import SignedOut
from tests.server import Server

pytestmark = pytest.mark.e2e

TEXT = (Path(__file__).parents[2] / "docs" / "testing.md").read_text()
EXAMPLE = Path(__file__).with_name("test_example.py").read_text()
ROWS = [
    [re.findall("`([^`]+)`", cell) or [cell.strip()] for cell in line.strip("|").split("|")]
    for line in TEXT.splitlines()
    if re.match(r"\| `/[^|]*` \| (visitor|member) \|", line)
]


@pytest.fixture
def people(server: Server, open_browser: OpenBrowser) -> dict[str, Person]:
    """A visitor, and a member with two more sessions."""
    people = {"visitor": open_browser(), "member": open_browser()}
    member = people["member"].context
    SignedOut(server.url).sign_in_as(member, "grace@example.org")
    for label in ("Chrome on Android", "Safari on macOS"):
        SignedOut(server.url).sign_in_as(open_browser(label).context, "grace@example.org")
    return people


def called(words: str) -> re.Pattern[str]:
    """A name in which words in capitals stand for anything."""
    return re.compile("^" + re.sub(r"\b[A-Z]+\b", ".+", words) + "$")


def on(page: Page, kind: int, words: str) -> Locator:
    main = page.get_by_role("main")
    if kind == 3:
        return main.get_by_label(words, exact=True)
    return main.get_by_role("button" if kind == 4 else "heading", name=called(words)).first


def test_every_page_has_what_is_listed(people: dict[str, Person]) -> None:
    assert len(ROWS) == 23
    for (path,), (who,), *names in ROWS:
        page = people[who].page
        page.goto(path)
        for kind, words in [(kind, words) for kind, cell in enumerate(names, 2) for words in cell if words]:
            expect(on(page, kind, words), f"{path} for a {who}: {words}").to_be_visible()


def test_the_example_is_the_test_that_runs() -> None:
    assert f"```python\n{EXAMPLE}```\n" in TEXT


def test_the_demo_accounts_are_those() -> None:
    assert all(f"`{known}`" in TEXT for known in (*demo.ACCOUNTS, demo.PASSWORD))
