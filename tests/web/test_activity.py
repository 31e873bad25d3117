"""The activity page marks what its owner should look at, and leads to the device."""

import re

import pytest

from app.web import devices
from tests.browsers import Browser, Site
from tests.oauth.conftest import register_app
from tests.oauth.flow import Flow

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
    assert led_to(ada, lines(ada)[0]) == "/devices"
    assert f"/devices/{phone.session()['sid']}" in lines(ada)[0]


def test_a_line_leads_to_its_device_on_a_later_page(site: Site, ada: Browser) -> None:
    site.browser("Chrome on Android").sign_in()
    for _ in range(devices.PAGE_SIZE + 1):
        site.wait(61)
        site.browser("Safari on macOS").sign_in()
    [oldest] = [line for line in lines(ada) if "Chrome on Android" in line]
    assert led_to(ada, oldest) == "/devices?page=2"


def test_a_line_leads_to_a_device_that_ended_long_before_others(site: Site, ada: Browser) -> None:
    for _ in range(devices.ENDED_PAGE + 1):
        tablet = site.browser("Safari on macOS")
        tablet.sign_in()
        site.wait(1)
        tablet.sign_out()
    signed_out = [line for line in lines(ada) if "Signed out" in line]
    assert led_to(ada, signed_out[0]) == "/devices"
    assert led_to(ada, signed_out[-1]).startswith("/devices/ended?before=")


def test_the_line_of_an_app_leads_to_its_own_line(site: Site, ada: Browser) -> None:
    """It hangs on the browser that let it in, so it stands where that one does."""
    Flow(register_app(site, "Web")).connect(ada)
    [connected] = [line for line in lines(ada) if "An app was connected" in line]
    assert led_to(ada, connected) == "/devices"


def test_another_users_device_is_nowhere(site: Site, ada: Browser) -> None:
    eve = site.member("eve@example.org")
    assert ada.get(f"/devices/{eve.session()['sid']}").status_code == 404
    assert site.browser().get(f"/devices/{eve.session()['sid']}").status_code == 303


def led_to(browser: Browser, line: str) -> str:
    """Follow the link of a line to the page that lists what it is about; return where that is."""
    [link] = re.findall(r'href="(/devices/[^"]+)"', line)
    answer = browser.get(link)
    assert answer.status_code == 303
    page, _, place = answer.location.partition("#")
    assert f'id="{place}"' in browser.get(page).text
    return page


def test_an_event_without_a_listed_device_leads_nowhere(site: Site, ada: Browser) -> None:
    site.browser().sign_in(password="not this one")
    assert "see the device" not in lines(ada)[0]
    site.wait(20 * 24 * 60 * 60)
    ada.sign_in(keep="y")
    site.wait(12 * 24 * 60 * 60)
    ada.is_signed_in()
    assert ["see the device" in line for line in lines(ada) if "Signed in" in line] == [True, False]
