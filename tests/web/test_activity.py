"""The activity page marks what its owner should look at, and leads to the device."""

import re

import pytest

from tests.browsers import Browser, Site

pytestmark = pytest.mark.page


@pytest.fixture
def ada(site: Site) -> Browser:
    return site.member()


def lines(browser: Browser) -> list[str]:
    """The events, the newest first, without the days that part them."""
    page = browser.get("/activity").text
    return [line for line in re.findall(r"<li[ >].*?</li>", page, re.DOTALL) if "<time" in line]


def test_a_warning_has_another_shape_and_says_so_in_words(site: Site, ada: Browser) -> None:
    site.browser().sign_in(password="not this one")
    failed, *routine = lines(ada)
    assert "A sign-in failed" in failed
    assert "Be careful:" in failed
    assert "<path" in failed
    assert len(routine) == 2
    for line in routine:
        assert "Be careful:" not in line
        assert "<path" not in line


def test_a_line_leads_to_the_device_that_it_is_about(site: Site, ada: Browser) -> None:
    phone = site.browser("Chrome on Android")
    phone.sign_in()
    [address] = re.findall(r'href="(/devices#session-[^"]+)"', lines(ada)[0])
    assert address == f"/devices#session-{phone.session()['sid']}"
    assert f'id="{address.partition("#")[2]}"' in ada.get("/devices").text


def test_what_is_about_no_device_or_one_that_is_listed_no_more_leads_nowhere(site: Site, ada: Browser) -> None:
    site.browser().sign_in(password="not this one")
    assert "see the device" not in lines(ada)[0]
    site.wait(20 * 24 * 60 * 60)
    ada.sign_in(keep="y")
    site.wait(12 * 24 * 60 * 60)
    ada.is_signed_in()
    assert ["see the device" in line for line in lines(ada) if "Signed in" in line] == [True, False]
