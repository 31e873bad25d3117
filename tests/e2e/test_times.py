"""Times are in the reader's zone and language, and in UTC in their tips and without JavaScript."""

import re
import uuid
from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Browser, BrowserContext, Page

from tests.e2e.conftest import Person

pytestmark = pytest.mark.e2e

UTC = re.compile(r"\d{1,2} \w+ \d{4}, (\d\d):(\d\d) UTC")
EAST = 9  # hours, of Tokyo


@pytest.fixture
def reader(chromium: Browser, base_url: str) -> Iterator[Callable[[bool], Page]]:
    """Open the browser of a new user who reads German in Tokyo."""
    opened: list[BrowserContext] = []

    def open_one(javascript: bool) -> Page:
        opened.append(
            chromium.new_context(
                base_url=base_url, java_script_enabled=javascript, locale="de-DE", timezone_id="Asia/Tokyo"
            )
        )
        ada = Person(opened[-1])
        ada.join(f"ada-{uuid.uuid4().hex[:8]}@example.org")
        return ada.page

    yield open_one
    for context in opened:
        context.close()


def in_tokyo(title: str) -> str:
    found = UTC.fullmatch(title)
    assert found
    return f"{(int(found[1]) + EAST) % 24:02}:{found[2]}"


def test_the_activity_has_the_readers_clock_and_calendar(reader: Callable[[bool], Page]) -> None:
    page = reader(True)
    page.goto("/activity")
    for time in page.locator(".events time").all():
        assert time.inner_text() == in_tokyo(time.get_attribute("title") or "")
        assert (time.get_attribute("lang") or "").startswith("de")
    assert re.fullmatch(r"\d{1,2}\. \w+ \d{4}", page.locator(".events .day").first.inner_text())


def test_so_have_the_details_of_a_device(reader: Callable[[bool], Page]) -> None:
    page = reader(True)
    page.goto("/devices")
    page.locator("summary").click()
    time = page.locator("time[data-day]").first
    assert in_tokyo(time.get_attribute("title") or "") in time.inner_text()


def test_without_javascript_each_time_says_that_it_is_utc(reader: Callable[[bool], Page]) -> None:
    page = reader(False)
    page.goto("/activity")
    assert re.fullmatch(r"\d\d:\d\d UTC", page.locator(".events time").first.inner_text())
    page.goto("/devices")
    page.locator("summary").click()
    assert UTC.fullmatch(page.locator("time[data-day]").first.inner_text())
