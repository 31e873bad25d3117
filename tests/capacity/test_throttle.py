"""Counts leave the memory of a process with the window, and are bounded however many visitors come."""

import pytest
from limits import parse
from werkzeug.exceptions import TooManyRequests

from app.capacity.throttle import Throttle, Windows
from tests.browsers import Site
from tests.conftest import StillClock

LIMIT = parse("2 per 10 minutes")


@pytest.fixture
def windows(still_clock: StillClock) -> Windows:
    return Windows()


def test_the_window_moves_with_each_hit(windows: Windows, still_clock: StillClock) -> None:
    assert windows.hit(LIMIT, "guesses", "eve")
    still_clock.now += 400
    assert windows.hit(LIMIT, "guesses", "eve")
    assert not windows.hit(LIMIT, "guesses", "eve")
    assert not windows.test(LIMIT, "guesses", "eve")
    assert windows.get_window_stats(LIMIT, "guesses", "eve") == (still_clock.now + 200, 0)
    still_clock.now += 199
    assert not windows.test(LIMIT, "guesses", "eve")
    still_clock.now += 1
    assert windows.hit(LIMIT, "guesses", "eve"), "the first has left, and what was refused was not counted"
    assert not windows.test(LIMIT, "guesses", "eve")


@pytest.mark.stores("where it is counted")
def test_the_window_moves_by_our_clock_wherever_it_is_counted(site: Site, still_clock: StillClock) -> None:
    guesses = Throttle("guesses", "2 per 10 minutes")
    with site.app.app_context():
        assert guesses.count("eve")
        site.wait(400)
        assert guesses.count("eve")
        assert not guesses.count("eve")
        with pytest.raises(TooManyRequests) as refused:
            guesses.check("eve")
        assert refused.value.retry_after == 200
        still_clock.now += 199
        assert not guesses.is_open("eve")
        still_clock.now += 1
        assert guesses.is_open("eve"), "the first has left"
        assert guesses.count("eve")
        assert not guesses.is_open("eve")


def test_keys_and_names_are_counted_apart(windows: Windows) -> None:
    for _ in range(2):
        windows.hit(LIMIT, "guesses", "192.0.2.1", "eve")
    assert not windows.test(LIMIT, "guesses", "192.0.2.1", "eve")
    assert windows.test(LIMIT, "guesses", "192.0.2.1", "ada")
    assert windows.test(LIMIT, "guesses", "192.0.2.1")
    assert windows.test(LIMIT, "codes", "192.0.2.1", "eve")


def test_counts_that_left_the_window_take_no_memory(windows: Windows, still_clock: StillClock) -> None:
    for number in range(1000):
        windows.hit(LIMIT, "guesses", str(number))
    assert len(windows) == 1000
    still_clock.now += 600
    for number in range(0, 1000, 2):
        windows.test(LIMIT, "guesses", str(number))
    windows.hit(LIMIT, "guesses", "another")
    assert len(windows) == 1


def test_a_key_that_was_only_asked_about_takes_no_memory(windows: Windows) -> None:
    for number in range(1000):
        assert windows.test(LIMIT, "guesses", str(number))
        assert windows.get_window_stats(LIMIT, "guesses", str(number)).remaining == 2
    assert len(windows) == 0


def test_a_full_counter_drops_the_keys_hit_longest_ago(windows: Windows, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Windows, "MAX_KEYS", 100)
    for _ in range(2):
        windows.hit(LIMIT, "codes", "eve")
        windows.hit(LIMIT, "guesses", "eve")
    for number in range(99):
        windows.hit(LIMIT, "guesses", str(number))
    assert not windows.test(LIMIT, "guesses", "eve")
    windows.hit(LIMIT, "guesses", "one more")
    assert windows.test(LIMIT, "guesses", "eve"), "it was hit longest ago"
    assert not windows.test(LIMIT, "codes", "eve"), "what fills one count moves no other"
    assert len(windows) == 101


@pytest.mark.parametrize("wrong", [24 * 60 * 60, 601, 1])
def test_hits_of_a_clock_that_ran_ahead_hold_no_visitor_off_once_it_is_right(
    windows: Windows, still_clock: StillClock, wrong: int
) -> None:
    still_clock.now += wrong
    for _ in range(2):
        windows.hit(LIMIT, "guesses", "eve")
    still_clock.now -= wrong
    assert windows.hit(LIMIT, "guesses", "eve")
    assert windows.get_window_stats(LIMIT, "guesses", "eve").remaining == 1
