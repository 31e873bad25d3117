"""Under any change of the clock, no ended session comes back, and no live one is lost early."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.browsers import ACCESS, REFRESH, Browser, Pocket, Site
from tests.conftest import StillClock

pytestmark = pytest.mark.page

HOUR, DAY = 3600, 86400


def works(site: Site, pocket: Pocket) -> bool:
    """Whether any copy of the cookies opens a page."""
    copies = [site.thief(pocket, only) for only in (None, ACCESS, REFRESH)]
    return any(copy.is_signed_in() for copy in copies) or copies[0].api(pocket[ACCESS]).status_code == 200


@pytest.fixture
def ada(site: Site) -> Browser:
    return site.member()


@pytest.fixture
def ended(site: Site, ada: Browser) -> Pocket:
    """The cookies of a session of Ada's that she has ended."""
    phone = site.browser("Chrome on Android")
    phone.sign_in(keep="y")
    pocket = phone.pocket()
    phone.sign_out()
    return pocket


@pytest.mark.parametrize("moves", [[HOUR, -HOUR], [-HOUR, HOUR], [HOUR, -2 * HOUR], [30 * DAY, -30 * DAY]])
def test_what_was_ended_stays_ended_however_the_clock_moves(site: Site, ended: Pocket, moves: list[int]) -> None:
    other = site.browser()
    for seconds in moves:
        site.wait(seconds)
        assert not works(site, ended)
        other.sign_up(f"eve-{abs(seconds)}-{len(moves)}@example.org")  # an entry, so that every memory is brought up
        other.sign_out()
        assert not works(site, ended)


@pytest.mark.parametrize("moves", [[HOUR, -HOUR], [-HOUR, HOUR], [30 * DAY, -30 * DAY]])
def test_a_session_that_lives_survives_a_clock_that_was_wrong_for_a_while(
    site: Site, ada: Browser, ended: Pocket, moves: list[int]
) -> None:
    token = ada.pocket()[ACCESS]
    for seconds in moves:
        site.wait(seconds)
        eve = site.member(f"eve-{seconds}@example.org")
        assert eve.is_signed_in(), "and what has expired by now is forgotten with this look"
    assert ada.api(token).status_code == 200, "the access token has time left"
    assert ada.is_signed_in()


def test_the_time_over_midnight_is_like_any_other(site: Site, still_clock: StillClock) -> None:
    still_clock.now += DAY - still_clock.now % DAY - 1
    ada, phone = site.member(), site.browser("Chrome on Android")
    phone.sign_in()
    left = phone.pocket()
    phone.sign_out()
    still_clock.now += 1
    assert ada.is_signed_in()
    assert ada.get("/devices").status_code == ada.get("/activity").status_code == 200
    assert not works(site, left)


@pytest.mark.question("A3")
def test_the_idle_time_out_comes_at_its_very_second(site: Site, still_clock: StillClock) -> None:
    ada = site.member()
    phone = site.browser("Chrome on Android")
    phone.sign_in(keep="y")
    [(idle_until,)] = site.query("SELECT idle_until FROM sessions WHERE id = :sid", sid=phone.session()["sid"])
    assert idle_until == still_clock.now + 14 * DAY
    still_clock.now = idle_until - 1
    assert phone.is_signed_in(), "and this use sets the idle time-out anew"
    assert not ada.is_signed_in(), "twelve hours were all it had"
    still_clock.now = idle_until - 1 + 14 * DAY
    assert not works(site, phone.pocket())


@pytest.mark.question("A3")
def test_the_absolute_time_out_comes_at_its_very_second_and_no_use_puts_it_off(
    site: Site, still_clock: StillClock
) -> None:
    ada = site.browser()
    ada.sign_up()
    ada.sign_in(keep="y")
    began = still_clock.now
    for day in range(0, 30, 7):
        still_clock.now = began + day * DAY
        assert ada.is_signed_in()
    still_clock.now = began + 30 * DAY - 1
    assert ada.is_signed_in()
    pocket = ada.pocket()
    still_clock.now = began + 30 * DAY
    assert not works(site, pocket)


@contextmanager
def restarted(instance: Path, **environ: str) -> Iterator[Site]:
    site = Site(instance, **environ)
    yield site
    site.close()


@pytest.mark.parametrize(("before", "after"), [("3000", "60"), ("60", "3000")])
def test_a_changed_life_of_access_tokens_brings_nothing_back_and_loses_nothing(
    instance: Path, still_clock: StillClock, before: str, after: str
) -> None:
    began = still_clock.now
    with restarted(instance, ACCESS_TOKEN_SECONDS=before) as site:
        ada, phone = site.member(), site.browser("Chrome on Android")
        phone.sign_in()
        kept, left = ada.pocket()[ACCESS], phone.pocket()
    with restarted(instance, ACCESS_TOKEN_SECONDS=after) as site:
        assert site.thief(left).is_signed_in(), "until it is ended"
        assert site.browser().api(kept).status_code == 200
        site.thief(left).sign_out()
        for second in (0, 59, 60, 61, 299, 2999, 3000, 3001):
            still_clock.now = began + second
            site.member(f"eve-{second}@example.org").sign_out()
            assert not works(site, left)
            expected = 200 if second < int(before) else 401
            assert site.browser().api(kept).status_code == expected, f"its own life counts, at second {second}"
    still_clock.now = began
    with restarted(instance, ACCESS_TOKEN_SECONDS=before) as site:
        assert not works(site, left), "nor after a restart with the clock set back"


@pytest.mark.parametrize("name", ["SESSION_IDLE_SECONDS", "SESSION_MAX_SECONDS"])
def test_a_longer_time_out_does_not_revive_a_session(instance: Path, still_clock: StillClock, name: str) -> None:
    with restarted(instance, **{name: "600"}) as site:
        ada = site.member()
        pocket = ada.pocket()
    still_clock.now += 600
    with restarted(instance, **{name: str(DAY)}) as site:
        assert not works(site, pocket)
