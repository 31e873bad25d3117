"""What a relying party that is told does with what it hears, and when it stops trusting it."""

from collections.abc import Iterator
from typing import Any

import pytest

from app.relying_party.deliveries import steady
from app.relying_party.issuer import Issuer
from app.relying_party.memory import Memory
from app.relying_party.push import SILENCE_SECONDS, Event, Push, events
from app.relying_party.token import Bearer
from app.relying_party.verdict import Unheard

BEARER = Bearer("lab:ada", "lab:laptop", "jti", 7, 2**40)


@pytest.fixture
def push() -> Push:
    """With an issuer that does not answer."""
    return Push(Issuer("http://127.0.0.1:1"))


def told(push: Push, *news: tuple[str, dict[str, Any]], asked: float | None = None, after: int = 5) -> None:
    begin = Event("begin", {"after": after, "epoch": "e", "clock": 1000.0})
    known = push._known[0] if push._known else None
    push._listen(known, iter([begin, *(Event(*event) for event in news)]), steady() if asked is None else asked)


def revoked(position: int, subject: str) -> tuple[str, dict[str, Any]]:
    return "revoked", {"position": position, "scope": "session", "subject": subject, "opened": 7, "until": 2**40}


def alive(position: int, clock: float = 1000.0) -> tuple[str, dict[str, Any]]:
    return "alive", {"position": position, "clock": clock}


def test_it_decides_from_memory_once_it_has_heard_that_nothing_is_missing(push: Push) -> None:
    with pytest.raises(Unheard):
        push.decide(BEARER)
    told(push, alive(8))
    assert push.decide(BEARER).status == 200
    told(push, revoked(9, "lab:laptop"), alive(9), after=8)
    assert push.decide(BEARER).status == 401
    assert push.heard() == 1


def test_a_stream_that_has_only_begun_says_nothing_yet(push: Push) -> None:
    told(push, revoked(9, "lab:another"))
    with pytest.raises(Unheard):
        push.decide(BEARER)


def test_news_that_were_held_up_on_their_way_are_no_fresh_ones(push: Push) -> None:
    told(push, alive(8), asked=steady() - SILENCE_SECONDS - 0.1)
    with pytest.raises(Unheard):
        push.decide(BEARER)
    told(push, alive(8, 1000.0 + SILENCE_SECONDS), asked=steady() - SILENCE_SECONDS - 0.1, after=8)
    assert push.decide(BEARER).status == 200


def test_another_log_or_a_gap_begins_a_new_memory(push: Push) -> None:
    told(push, alive(8))
    told(push, alive(20), after=19)
    with pytest.raises(Unheard):  # its session opened before that memory began, so the issuer has to be asked
        push.decide(BEARER)


def test_who_signed_in_anew_after_everything_was_ended_goes_on() -> None:
    memory = Memory("e", 0)
    memory.learn([{"position": 9, "subject": "lab:ada", "until": 2**40}], 9)
    assert memory.covers(BEARER)
    assert not memory.covers(Bearer("lab:ada", "lab:phone", "jti", 10, 2**40))


def test_what_no_token_can_outlive_is_forgotten() -> None:
    memory = Memory("e", 0)
    memory.learn([{"position": 9, "subject": "lab:ada", "until": 1}], 9)
    assert not memory.covers(BEARER)


def test_events_are_read_line_by_line_and_comments_are_none() -> None:
    lines: Iterator[str] = iter(["event: alive", "id: 3", 'data: {"position":3}', "", ": a comment", "", "event: x"])
    assert list(events(lines)) == [Event("alive", {"position": 3})]
