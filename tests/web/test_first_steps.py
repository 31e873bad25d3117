"""A new account sees three next steps, and each is ticked when it was taken, and by nothing else."""

import re

import pytest

from app.config import DAY
from tests.browsers import PASSWORD, Browser, Site

pytestmark = pytest.mark.page


@pytest.fixture
def ada(site: Site) -> Browser:
    return site.member()


def ticked(browser: Browser) -> list[bool] | None:
    """Return which of the three are ticked, or None if no steps are shown."""
    [shown] = re.findall(r'<ol class="first">(.*?)</ol>', browser.get("/").text, re.DOTALL) or [""]
    return [mark == " data-done" for mark in re.findall(r"<li( data-done)?>", shown)] or None


def test_nothing_is_ticked_after_the_sign_up(ada: Browser) -> None:
    assert ticked(ada) == [False, False, False]


def test_a_second_browser_is_one_that_is_signed_in_beside_the_first(site: Site, ada: Browser) -> None:
    ada.sign_in()
    ada.post("/account/password", current=PASSWORD, password="nine quiet walruses")
    assert ticked(ada) == [False, False, False], "it is the same browser"
    phone = site.browser("Chrome on Android")
    phone.sign_in(password="nine quiet walruses")
    assert ticked(ada) == [True, False, False]
    phone.sign_out()
    assert ticked(ada) == [True, False, True], "what was done stays done"


@pytest.mark.parametrize("act", ["/devices/{sid}/end", "/devices/{sid}/not-me", "/devices/end-others"])
def test_an_end_from_devices_is_ticked(site: Site, ada: Browser, act: str) -> None:
    phone = site.browser("Chrome on Android")
    phone.sign_in()
    ada.post(act.format(sid=phone.session()["sid"]))
    assert ticked(ada) == [True, True, False]


def test_an_end_by_the_operator_or_a_time_out_ticks_nothing(site: Site, ada: Browser) -> None:
    site.run("sessions", "end", "ada@example.org")
    ada.sign_in()
    site.wait(DAY)
    ada.sign_in()
    assert ticked(ada) == [False, False, False]


def test_a_sign_out_is_ticked_and_all_three_done_are_shown_no_more(site: Site, ada: Browser) -> None:
    ada.sign_out()
    ada.sign_in()
    assert ticked(ada) == [False, False, True]
    phone = site.browser("Chrome on Android")
    phone.sign_in()
    ada.post("/devices/end-others")
    assert ticked(ada) is None


def test_they_are_shown_for_a_week(site: Site, ada: Browser) -> None:
    site.wait(7 * DAY)
    ada.sign_in()
    assert ticked(ada) is not None
    site.wait(1)
    assert ticked(ada) is None
