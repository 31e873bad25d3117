"""Times and codes read as a person would say them."""

import re
from pathlib import Path

import pytest

from app.identity.lifetime import State
from app.identity.session import Reason
from app.web import words

HOUR, DAY = 3600, 86400


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (0, "0 seconds"),
        (1, "1 second"),
        (59.4, "59 seconds"),
        (60, "1 minute"),
        (89, "1 minute"),
        (91, "2 minutes"),
        (59 * 60 + 29, "59 minutes"),
        (59 * 60 + 30, "1 hour"),
        (36 * HOUR, "36 hours"),
        (2 * DAY - HOUR // 2, "2 days"),
        (14 * DAY, "14 days"),
        (-5, "0 seconds"),
    ],
)
def test_a_span_is_rounded_to_the_unit_a_person_would_use(seconds: float, said: str) -> None:
    assert words.span(seconds) == said


def test_a_moment_is_near_or_so_far_away() -> None:
    assert words.ago(970, 1000) == "just now"
    assert words.ago(1000, 1000 + HOUR) == "1 hour ago"
    assert words.until(1000 + 5 * 60, 1000) == "in 5 minutes"
    assert words.until(1000, 1000) == "now"


@pytest.mark.parametrize(("seconds", "shown"), [(0, "0:00"), (252, "4:12"), (3661, "1:01:01"), (-1, "0:00")])
def test_a_countdown_reads_like_a_clock(seconds: int, shown: str) -> None:
    assert words.clock(seconds) == shown


def test_an_exact_moment_is_written_for_machines_and_for_people() -> None:
    assert words.rfc3339(1_700_000_000) == "2023-11-14T22:13:20Z"
    assert words.day(1_700_000_000) == "14 November 2023, 22:13 UTC"


@pytest.mark.parametrize("length", [0, 1, 5, 10, 43, 600])
def test_a_secret_is_never_shown_whole(length: int) -> None:
    secret = ("abcdefghij" * 60)[:length]
    shown = words.shorten(secret)
    assert "…" in shown
    assert len(shown) - 1 <= length / 2


def test_every_reason_for_which_a_session_can_end_has_its_own_words() -> None:
    for code in [*Reason, State.IDLE, State.EXPIRED]:
        assert words.reason(code) != code.replace("_", " ")


def test_the_glossary_has_every_reason_for_which_a_session_can_end() -> None:
    listed = re.findall(r"^\| `(\w+)` \|", Path("docs/glossary.md").read_text(), re.MULTILINE)
    assert sorted(listed) == sorted([*Reason, State.IDLE, State.EXPIRED])


def test_every_event_that_is_recorded_has_its_own_words() -> None:
    code = "\n".join(file.read_text() for file in Path("app").rglob("*.py"))
    recorded = set(re.findall(r'activity\.record\(\s*"(\w+)"', code))
    recorded |= {found for pair in re.findall(r'activity\.record\("(\w+)" if .*? else "(\w+)"', code) for found in pair}
    assert len(recorded) > 10
    for event in recorded - {"signed_up", "signed_in", "signed_out"}:  # these read well as they are
        assert words.event(event) != event.replace("_", " ").capitalize()


def test_what_is_written_to_a_person_can_be_said_about_that_person() -> None:
    assert words.theirs(words.reason("ended_elsewhere")) == "ended from another of their browsers"
    assert words.theirs("you signed out everywhere") == "they signed out everywhere"
    assert words.theirs("a young yourself") == "a young yourself"


def test_an_unknown_code_is_still_readable() -> None:
    assert words.reason("some_other") == "some other"
    assert words.event("some_other") == "Some other"
    assert words.reason(None) == ""
