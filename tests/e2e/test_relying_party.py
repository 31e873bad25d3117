"""The pages of relying parties, and the lab where they take part, in a real browser: readable by all, in its width."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from tests.e2e.test_look import check
from tests.relying_party.conftest import World, running

pytestmark = pytest.mark.e2e


@pytest.fixture(scope="module")
def world(shared_instance: Path) -> Iterator[World]:
    with running(shared_instance) as made:
        yield made


@pytest.mark.parametrize(("width", "scheme"), [(320, "light"), (320, "dark"), (1280, "light"), (1280, "dark")])
def test_their_pages_and_their_answers_in_the_lab_are_accessible(
    world: World, chromium: Browser, width: int, scheme: str
) -> None:
    context = chromium.new_context(
        base_url=world.issuer.url,
        viewport={"width": width, "height": 800},
        color_scheme="dark" if scheme == "dark" else "light",
    )
    page = context.new_page()
    page.goto("/lab")
    for button in ("Sign in to begin", "Keep a copy", "The server revokes", "Present the token"):
        page.get_by_role("button", name=button).click()
    page.get_by_role("heading", name="In processes of their own").wait_for()
    check(page)
    assert page.get_by_text("It does not answer.").count() == 1
    for party in world.parties.values():
        page.goto(f"http://127.0.0.1:{party.port}/")
        check(page)
        assert context.cookies(page.url) == []
    context.close()
