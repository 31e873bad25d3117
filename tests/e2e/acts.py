"""What a user does on a page, done when the page has answered."""

from collections.abc import Iterator
from contextlib import contextmanager
from re import Pattern

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Error, Page


@contextmanager
def answered(page: Page) -> Iterator[None]:
    """Wait until what is done within has led to another page, or to another main part of this one.

    A click comes back as soon as it is made: a test that looks then may still see the page before, or none.
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


# The parts of a page, without what users do not see. One evaluation finds all, as each takes a message to the browser and back.
_FACTS = r"""() => ({
    parts: [document.querySelector("title"), ...document.querySelectorAll("link, style, body > *")].map((part) =>
        part.outerHTML.replace(/ (value|action|data-[\w-]+)="[^"]*"|\?[^"]*(?=")/g, "")),
    looks: [innerWidth, matchMedia("(prefers-color-scheme: dark)").matches],
    excess: document.documentElement.scrollWidth - document.documentElement.clientWidth,
    headings: document.querySelectorAll("h1").length,
})"""
# Only what is wrong comes back: axe lists all that is right as well, which takes the browser long to send.
_VIOLATIONS = """() => axe.run({ resultTypes: ["violations"] }).then((found) =>
    found.violations.map((violation) => [violation.id, violation.nodes.map((node) => node.target)]))"""
_looked_at: set[tuple[object, ...]] = set()


def check(page: Page) -> None:
    """Look whether every user can read the page, on a screen of its width. It needs a page with JavaScript.

    Axe is the most expensive thing that browsers do in the tests. It skips a page if it has seen each of its parts on
    such a screen, as with the form that stands at twenty addresses.
    """
    page.wait_for_load_state()
    facts = page.evaluate(_FACTS)
    assert facts["excess"] <= 0, f"{page.url} is too wide by {facts['excess']} px"
    assert facts["headings"] == 1, page.url
    shown = {(part, *facts["looks"]) for part in facts["parts"]}
    if shown <= _looked_at:
        return
    page.evaluate(Axe().axe_script)
    assert page.evaluate(_VIOLATIONS) == [], page.url
    _looked_at.update(shown)
