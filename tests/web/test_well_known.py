"""What browsers, crawlers and researchers look for at addresses that are the same on every site."""

from collections.abc import Callable
from datetime import UTC, datetime
from urllib.robotparser import RobotFileParser

import pytest

from app import clock
from app.config import DAY
from tests.browsers import SITE_URL, Browser, Site
from tests.pages import SLOW

pytestmark = pytest.mark.page
FORM = "Change your password"


def follow(browser: Browser, path: str) -> str:
    """Go where *path* leads."""
    answer = browser.get(path)
    while answer.status_code == 303:
        answer = browser.get(answer.headers["Location"])
    return answer.text


def test_a_password_manager_finds_the_form(site: Site) -> None:
    assert FORM in follow(site.member(), "/.well-known/change-password")


def test_a_password_manager_of_a_visitor_finds_the_form_after_the_sign_in_page(site: Site) -> None:
    ada = site.member()
    ada.sign_out()
    page = follow(ada, "/.well-known/change-password")
    assert 'name="next" type="hidden" value="/account/password"' in page
    answer = ada.sign_in(next="/account/password")
    assert FORM in follow(ada, answer.headers["Location"])


def test_it_is_no_form_for_everything_and_an_address_that_should_not_exist_does_not(site: Site) -> None:
    path = "/.well-known/resource-that-should-not-exist-whose-status-code-should-not-be-200"
    assert site.browser().get(path).status_code == 404


def fields(site: Site) -> dict[str, str]:
    """Read security.txt as RFC 9116 has it."""
    answer = site.browser().get("/.well-known/security.txt")
    assert (answer.status_code, answer.headers["Content-Type"]) == (200, "text/plain; charset=utf-8")
    lines = [line.partition(": ") for line in answer.text.splitlines()]
    assert len({name for name, _, _ in lines}) == len(lines)
    return {name: value for name, _, value in lines}


def test_a_researcher_finds_whom_to_tell_and_that_this_is_current(site: Site) -> None:
    found = fields(site)
    assert found["Contact"] == "mailto:security@localhost"
    expires = datetime.fromisoformat(found["Expires"])
    now = datetime.fromtimestamp(clock.now(), UTC)
    assert 0 < (expires - now).days < 365
    site.wait(200 * DAY)
    assert datetime.fromisoformat(fields(site)["Expires"]) > expires
    assert "Canonical" not in found, "the field takes https only"


def test_the_operator_says_whom_to_tell(open_site: Callable[..., Site]) -> None:
    site = open_site(
        SITE_URL="https://signed-out.example", TEST_CONTROLS="0", SECURITY_CONTACT="https://signed-out.example/report"
    )
    found = fields(site)
    assert found["Contact"] == "https://signed-out.example/report"
    assert found["Canonical"] == "https://signed-out.example/.well-known/security.txt"


def test_a_crawler_is_led_to_what_is_the_same_for_all_and_no_further(site: Site) -> None:
    answer = site.browser().get("/robots.txt")
    assert (answer.status_code, answer.headers["Content-Type"]) == (200, "text/plain; charset=utf-8")
    rules = answer.text.splitlines()
    assert rules[0] == "User-agent: *"
    assert rules[-1] == "Disallow: /"
    allowed = [rule.removeprefix("Allow: ").removesuffix("$") for rule in rules if rule.endswith("$")]
    assert {"/", "/sign-in", "/lab", "/lab/rooms"} <= set(allowed)
    quick = [path for path in allowed if path != SLOW]
    assert [site.browser().get(path).status_code for path in quick] == [200] * len(quick)
    robots = RobotFileParser()
    robots.parse(rules)
    assert not any(robots.can_fetch("bot", f"{SITE_URL}{path}") for path in ("/devices", "/lab/costs?x=1", "/account"))


def test_there_is_an_icon_for_what_reads_no_page(site: Site) -> None:
    answer = site.browser().get("/favicon.ico")
    assert answer.status_code == 200
    assert answer.headers["Content-Type"] in ("image/x-icon", "image/vnd.microsoft.icon")
    assert answer.data.startswith(b"\0\0\1\0")


def test_they_ask_for_no_session_and_may_be_kept_for_a_day(site: Site) -> None:
    ada = site.member()
    site.wait(301)
    for path in ("/robots.txt", "/favicon.ico", "/.well-known/security.txt"):
        answer = ada.get(path)
        assert answer.headers.getlist("Set-Cookie") == []
        assert answer.headers["Cache-Control"] == "public, max-age=86400"
