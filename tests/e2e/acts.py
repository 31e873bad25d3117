"""What a user does on a page, done when the page has answered."""

from collections.abc import Iterator
from contextlib import contextmanager
from re import Pattern

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Error, Page


@contextmanager
def answered(page: Page) -> Iterator[None]:
    """Wait until what is done within has led to another page, or to another main part of this one.

    A click comes back as soon as it is made: who looks then may still see the page before, or none.
    """
    page.evaluate("() => document.querySelector('main')?.setAttribute('data-before', '')")
    yield
    page.locator("main[data-before]").wait_for(state="detached")
    page.wait_for_load_state()


def go(page: Page, address: str) -> None:
    """Go to an address. A page whose session has ended may leave by itself at that moment, which cancels this: then go again."""
    try:
        page.goto(address)
    except Error as problem:
        if "ERR_ABORTED" not in problem.message and "interrupted by another navigation" not in problem.message:
            raise
        page.wait_for_load_state()
        page.goto(address)


def press(page: Page, *buttons: str | Pattern[str]) -> None:
    """Press buttons of the main part of the page, one after the other."""
    for button in buttons:
        with answered(page):
            page.get_by_role("main").get_by_role("button", name=button, exact=True).click()


def follow(page: Page, link: str | Pattern[str]) -> None:
    """Go where a link of the main part of the page leads."""
    with answered(page):
        page.get_by_role("main").get_by_role("link", name=link, exact=True).first.click()


def check(page: Page) -> None:
    """Look whether every user can read the page, on a screen of its width. It needs a page with JavaScript."""
    page.wait_for_load_state()
    violations = Axe().run(page).response["violations"]
    assert [(found["id"], [node["target"] for node in found["nodes"]]) for found in violations] == []
    wide = page.evaluate("() => document.documentElement.scrollWidth - document.documentElement.clientWidth")
    assert wide <= 0, f"{page.url} is too wide by {wide} px"
    assert page.get_by_role("heading", level=1).count() == 1
