"""The lifeline says the truth in its geometry, and the same in words."""

from dataclasses import dataclass
from itertools import pairwise
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.web import lifeline
from app.web.lifeline import Lifeline

NOW = 1_700_000_000
MINUTE, HOUR, DAY = 60, 3600, 86400


@dataclass
class Life:
    id: str = "a"
    began_at: int = NOW - HOUR
    last_seen_at: int = NOW
    ends_at: int = NOW + 11 * HOUR
    ended_at: int | None = None


def home(life: Life, *tokens: tuple[int, int]) -> Lifeline:
    return lifeline.session_line(life, tokens, NOW)


def row(life: Life, *others: Life) -> lifeline.Lane:
    return lifeline.row_lines([life, *others], NOW)[life.id].lanes[0]


def test_home_shows_the_session_and_a_stroke_for_each_access_token() -> None:
    line = home(Life(), (NOW - 400, NOW - 100), (NOW - 100, NOW + 200))
    session, old, current = line.lanes
    assert (session.label, old.label, current.label) == ("Session", "Access tokens", "")
    assert (old.state, current.state) == ("ended", "live")
    assert session.start <= old.start < old.end == current.start < current.end == line.now
    assert old.tick is None
    assert current.tick is not None
    assert current.tick > current.end


def test_home_breaks_the_axis_where_much_time_is_left_out() -> None:
    assert len(home(Life(), (NOW - 100, NOW + 200)).breaks) == 2
    assert len(home(Life(began_at=NOW - 100), (NOW - 100, NOW + 200)).breaks) == 1
    assert home(Life(began_at=NOW - 100, ends_at=NOW + 200), (NOW - 100, NOW + 200)).breaks == ()


def test_home_says_in_words_what_it_draws() -> None:
    line = home(Life(), (NOW - 100, NOW + 200))
    assert line.words == (
        "Session: live, began 1 hour ago, ends in 11 hours. "
        "Its access token: live, began 2 minutes ago, expires in 3 minutes."
    )


def test_a_session_without_access_tokens_is_drawn_all_the_same() -> None:
    assert len(home(Life()).lanes) == 1


def test_the_older_of_two_sessions_begins_farther_left() -> None:
    old, new = Life("old", began_at=NOW - 9 * DAY), Life("new", began_at=NOW - MINUTE)
    assert row(old, new).start < row(new, old).start


def test_an_idle_session_is_solid_only_up_to_its_last_use() -> None:
    assert row(Life(last_seen_at=NOW - HOUR // 2)).end < row(Life()).end == lifeline.PRESENT


def test_an_ended_session_is_cut_and_has_a_tick_where_it_would_have_gone_on() -> None:
    lane = row(Life(began_at=NOW - 2 * HOUR, last_seen_at=NOW - HOUR, ended_at=NOW - HOUR))
    assert lane.state == "ended"
    assert lane.cut == lane.end
    assert lane.tick == 100.0
    assert "ended 1 hour ago" in lane.words


def test_a_session_that_reached_its_end_has_no_tick_beyond() -> None:
    assert row(Life(ends_at=NOW - MINUTE, ended_at=NOW - MINUTE)).tick is None


@pytest.mark.parametrize(("left", "state"), [(11 * HOUR, "live"), (HOUR, "expiring"), (0, "ended")])
def test_a_life_is_expiring_in_its_last_fifth_or_hour(left: int, state: str) -> None:
    assert row(Life(began_at=NOW - 30 * DAY, ends_at=NOW + left)).state == state


def test_the_scale_names_places_that_stand_apart_and_only_where_it_tells_something() -> None:
    assert lifeline.row_scale([Life(began_at=NOW - HOUR)], NOW) == ()
    assert lifeline.row_scale([], NOW) == ()
    for age in (HOUR + 1, DAY, 5 * DAY, 30 * DAY, 400 * DAY):
        marks = lifeline.row_scale([Life(began_at=NOW - age)], NOW)
        places = [x for x, _ in marks]
        assert marks[0] == (lifeline.PRESENT, "now")
        assert len(marks) >= 2
        assert all(right - left >= 24 for right, left in pairwise(places))
    life = Life(began_at=NOW - 5 * DAY)
    hour = row(Life("b", began_at=NOW - HOUR), life).start
    assert (hour, "1 hour ago") in lifeline.row_scale([life], NOW)


def test_a_receipt_cuts_everything_at_the_same_place() -> None:
    parts = [
        SimpleNamespace(what="session", began_at=NOW - HOUR, expires_at=NOW + DAY),
        SimpleNamespace(what="access token", began_at=NOW - MINUTE, expires_at=NOW + 4 * MINUTE),
        SimpleNamespace(what="refresh token", began_at=NOW - MINUTE, expires_at=NOW),
    ]
    line = lifeline.receipt_line(parts, NOW)
    assert {lane.cut for lane in line.lanes} == {lane.end for lane in line.lanes} == {lifeline.CUT}
    assert [lane.tick is not None for lane in line.lanes] == [True, True, False]
    assert "Access token, 4 minutes early" in line.words
    assert "Refresh token, at its end" in line.words


@given(
    began=st.integers(0, 400 * DAY),
    seen=st.integers(0, 400 * DAY),
    left=st.integers(-DAY, 400 * DAY),
    issued=st.integers(0, 10 * HOUR),
    lives=st.integers(1, DAY),
)
def test_nothing_is_ever_drawn_outside(began: int, seen: int, left: int, issued: int, lives: int) -> None:
    ends_at = NOW + max(left, -began)
    ended_at = ends_at if ends_at <= NOW else None
    life = Life(
        began_at=NOW - began, last_seen_at=min(NOW - min(seen, began), ends_at), ends_at=ends_at, ended_at=ended_at
    )
    token = (NOW - min(issued, began), NOW - min(issued, began) + lives)
    for lane in (row(life), *home(life, token).lanes):
        assert 0 <= lane.start <= lane.end <= 100
        assert lane.tick is None or 0 <= lane.tick <= 100
