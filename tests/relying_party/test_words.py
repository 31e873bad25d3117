"""Times and spans, as the pages of a relying party say them."""

import time

import pytest

from app.relying_party import words

pytestmark = pytest.mark.sqlite


@pytest.mark.parametrize(
    ("seconds", "says"),
    [
        (-5, "just now"),
        (0.24, "0.2 seconds ago"),
        (60, "60 seconds ago"),
        (600, "10 minutes ago"),
        (5 * 60 * 60, "5 hours ago"),
    ],
)
def test_how_long_ago(monkeypatch: pytest.MonkeyPatch, seconds: float, says: str) -> None:
    monkeypatch.setattr(time, "time", lambda: 1000000.0)
    assert words.ago(1000000.0 - seconds) == says


def test_when_and_how_often() -> None:
    assert words.time_of_day(3600) == "01:00 UTC"
    assert [words.span(1), words.span(5), words.span(0.5)] == ["second", "5 seconds", "0.5 seconds"]
