"""The path as a first-time visitor goes it, on a phone; and its pages, readable by all."""

import re

import pytest
from playwright.sync_api import Page, expect

from app.lab import questions
from tests.e2e.acts import check
from tests.e2e.conftest import SIZES, OpenBrowser, Person

pytestmark = pytest.mark.e2e
PHONE = {"width": 360, "height": 740}


@pytest.fixture
def phone(open_browser: OpenBrowser, javascript: bool) -> Person:
    phone = open_browser("Chrome on Android", javascript=javascript, width=360)
    phone.page.set_viewport_size(PHONE)
    return phone


def predict(page: Page, choice: str) -> None:
    page.get_by_role("radio", name=choice, exact=True).check()
    page.get_by_role("button", name="Predict, and try it", exact=True).click()
    expect(page).to_have_url(re.compile("#answer$"))


OFF_THE_MIDDLE = """() => [...document.querySelectorAll("a.button")].map((link) => {
  const words = document.createRange();
  words.selectNodeContents(link);
  const middle = ({ top, bottom }) => (top + bottom) / 2;
  return Math.abs(middle(words.getBoundingClientRect()) - middle(link.getBoundingClientRect()));
})"""


def fits(page: Page) -> bool:
    return bool(page.evaluate("() => document.documentElement.scrollWidth <= document.documentElement.clientWidth"))


@pytest.mark.parametrize("javascript", [False], ids=["without JavaScript"])
def test_the_words_of_a_link_that_looks_like_a_button_stand_in_its_middle(phone: Person) -> None:
    for path in ("/", "/lab/path/Q1"):
        phone.page.goto(path)
        if path != "/":
            predict(phone.page, "None")
        off = phone.page.evaluate(OFF_THE_MIDDLE)
        assert off
        assert max(off) < 2, path


@pytest.mark.parametrize("javascript", [True], ids=["with JavaScript"])
def test_a_first_time_visitor_goes_the_whole_path_on_a_phone(phone: Person) -> None:
    page, right = phone.page, 0
    page.goto("/lab/path")
    page.get_by_role("link", name="Begin with Q1", exact=True).click()
    for question in questions.ALL.values():
        expect(page.get_by_role("heading", level=1)).to_have_text(f"“{question.claim}”")
        predict(page, next(iter(question.choices.values())))
        right += page.get_by_text("As you predicted.").count()
        assert page.locator("#answer h2").inner_text() in question.choices.values()
        assert fits(page), question.id
        if page.get_by_role("link", name=re.compile("^Next")).count():
            page.get_by_role("link", name=re.compile("^Next")).click()
    page.get_by_role("link", name="All claims", exact=True).click()
    assert phone.heading() == f"You have tried every claim, and predicted {right} of 31"
    assert fits(page)


def test_an_attendee_who_comes_back_goes_on_where_they_stopped(phone: Person) -> None:
    page = phone.page
    page.goto("/lab/path/Q1")
    predict(page, "None")
    page.goto("/lab/path")
    page.get_by_role("link", name="Continue with Q2", exact=True).click()
    predict(page, "Nothing")
    expect(page.get_by_text("POST /lab/revoke")).to_be_visible()
    page.go_back()
    page.goto("/lab/path")
    assert phone.heading() == "You have tried 2 of 31 claims, and predicted 2"


@pytest.mark.question("A8")
@pytest.mark.parametrize("javascript", [True], ids=["with JavaScript"])
def test_a_preference_is_kept_in_this_browser_and_goes_when_it_is_forgotten(phone: Person) -> None:
    page = phone.page
    page.goto("/lab/path/A8")
    predict(page, "The preference")
    page.get_by_role("radio", name="By name", exact=True).check()
    page.reload()
    expect(page.get_by_text("Sign Out forgets it, too")).to_be_visible()
    expect(page.get_by_text("Sign Out would leave it here")).to_be_hidden()
    listed = page.locator("[data-preference] li")
    expect(listed).to_have_text(["Apple", "Pear", "Quince"])
    page.get_by_role("button", name="Forget it", exact=True).click()
    expect(listed).to_have_text(["Pear", "Apple", "Quince"])
    assert page.evaluate("() => localStorage.length") == 0


@pytest.mark.parametrize("javascript", [False], ids=["without JavaScript"])
def test_without_javascript_it_is_said_what_would_be_kept_here(phone: Person) -> None:
    phone.page.goto("/lab/path/A8")
    predict(phone.page, "The preference")
    expect(phone.page.get_by_text("With JavaScript you could choose an order here")).to_be_visible()


@pytest.mark.parametrize(("width", "dark"), SIZES)
def test_its_pages_are_accessible_light_and_dark(open_browser: OpenBrowser, width: int, dark: bool) -> None:
    page = open_browser(width=width, dark=dark).page
    page.goto("/lab/path/Q3")  # `test_look` sees Q1 and what is the same for all
    check(page)
    for name, choice in (("Q2", "Nothing"), ("Q3", "Refused"), ("A8", "The preference"), ("A16", "It goes on under every design")):  # fmt: skip
        page.goto(f"/lab/path/{name}")
        predict(page, choice)
        check(page)
    for path in ("/lab/path", "/lab/hand-out?answers=1"):
        page.goto(path)
        check(page)
