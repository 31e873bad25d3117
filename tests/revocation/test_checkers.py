"""Checkers over random histories, with the plain meaning of the log as the oracle."""

import tracemalloc
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from app.revocation.checkers.base import AllOf, Checker
from app.revocation.checkers.bitmap import PAGE
from app.revocation.checkers.cutoff import Cutoff
from app.revocation.checkers.denylist import Denylist
from app.revocation.entries import Entry, Kind, Scope
from tests.conftest import LONG

LIFE = 300


@dataclass(frozen=True)
class Token:
    """An access token as a verifier sees it."""

    jti: str
    sid: str
    sub: str
    opened: int
    exp: int


# One step of a history: who, which of their sessions, what happens, and how long after the step before.
steps = st.lists(
    st.tuples(
        st.sampled_from(["ada", "bob"]),
        st.integers(0, 3),
        st.sampled_from(["open", "end token", "end session", "end user"]),
        st.integers(0, 200),
    ),
    max_size=30,
)


def unfold(history: list[tuple[str, int, str, int]]) -> tuple[list[Entry], list[Token], int]:
    """Play a history: the entries of its log, a token of each session that opened, and the time at its end."""
    entries: list[Entry] = []
    tokens: dict[tuple[str, int], Token] = {}
    now = 1000
    for user, number, what, later in history:
        now += later
        position = len(entries) + 1
        if what == "open":
            token = Token(f"t{position}", f"s{position}", user, position, now + LIFE)
            tokens[user, number] = token
            entries.append(Entry(position, Kind.OPENED, Scope.SESSION, token.sid, position, token.exp, now, None, None))
        elif (user, number) in tokens:
            token = tokens[user, number]
            scope, subject = {
                "end token": (Scope.TOKEN, token.jti),
                "end session": (Scope.SESSION, token.sid),
                "end user": (Scope.USER, user),
            }[what]
            entries.append(Entry(position, Kind.REVOKED, scope, subject, token.opened, now + LIFE, now, "why", None))
    return entries, list(tokens.values()), now


def is_over(token: Token, entries: list[Entry]) -> bool:
    """The meaning of a revocation: all of the subject that opened at or before its position is over."""
    return any(
        entry.kind is Kind.REVOKED
        and entry.subject in (token.jti, token.sid, token.sub)
        and entry.position >= token.opened
        for entry in entries
    )


History = list[tuple[str, int, str, int]]


def make() -> Checker:
    """As `app.revocation.memory` does."""
    return AllOf(Denylist(), Cutoff())


def told(entries: list[Entry]) -> Checker:
    checker = make()
    for entry in entries:
        checker.apply(entry)
    return checker


@given(history=steps)
def test_a_caught_up_checker_allows_nothing_that_is_over(history: History) -> None:
    entries, tokens, _ = unfold(history)
    checker = told(entries)
    for token in tokens:
        assert not (checker.allows(token) and is_over(token, entries))


@given(history=steps)
def test_an_exact_checker_refuses_nothing_that_is_not(history: History) -> None:
    entries, tokens, _ = unfold(history)
    checker = told(entries)
    for token in tokens:
        assert checker.allows(token) is not is_over(token, entries)


@given(history=steps)
@example(history=[("ada", 0, what, 0) for what in ("open", "end token", "end session", "end user")])
def test_entries_applied_twice_change_nothing(history: History) -> None:
    entries, tokens, _ = unfold(history)
    once, twice = told(entries), told([*entries, *entries])
    assert [once.allows(token) for token in tokens] == [twice.allows(token) for token in tokens]


@given(history=steps, later=st.integers(0, 2 * LIFE))
def test_what_was_forgotten_stays_refused_even_if_the_clock_is_set_back(history: History, later: int) -> None:
    entries, tokens, now = unfold(history)
    checker = told(entries)
    checker.forget(now + later)
    for token in tokens:
        assert not (checker.allows(token) and is_over(token, entries))


@given(history=steps)
def test_forgetting_refuses_no_token_that_has_time_left(history: History) -> None:
    entries, tokens, now = unfold(history)
    checker = told(entries)
    checker.forget(now)
    for token in tokens:
        if token.exp > now and not is_over(token, entries):
            assert checker.allows(token)


@pytest.mark.question("A9")
def test_memory_does_not_grow_with_what_has_expired() -> None:
    checker, empty = make(), make().snapshot()
    for position in range(1, 3001, 3):
        sid, user = f"s{position}", f"u{position}"
        checker.apply(Entry(position, Kind.OPENED, Scope.SESSION, sid, position, position, position, None, None))
        checker.apply(Entry(position + 1, Kind.REVOKED, Scope.SESSION, sid, position, position, position, "why", None))
        checker.apply(Entry(position + 2, Kind.REVOKED, Scope.USER, user, 0, position, position, "why", None))
        checker.forget(position)
    checker.forget(3100)
    assert checker.snapshot() == empty


def opened(position: int) -> Entry:
    return Entry(position, Kind.OPENED, Scope.SESSION, f"s{position}", position, LIFE, 0, None, None)


def ended(position: int, scope: Scope, subject: str, opened: int = 0, until: int = LIFE) -> Entry:
    return Entry(position, Kind.REVOKED, scope, subject, opened, until, 0, "why", None)


OLD, NEW = 100, 1000


@pytest.mark.parametrize(
    ("older", "newer"),
    [
        (ended(2, Scope.TOKEN, "t1", 1, OLD), ended(3, Scope.SESSION, "s1", 1, NEW)),
        (ended(2, Scope.SESSION, "s1", 1, NEW), ended(3, Scope.TOKEN, "t1", 1, OLD)),
        (ended(2, Scope.USER, "ada", 0, OLD), ended(3, Scope.USER, "ada", 0, NEW)),
    ],
    ids=["a token and then its session", "a session and then a token of it", "a user twice"],
)
def test_what_is_forgotten_takes_nothing_along_that_lasts_longer(older: Entry, newer: Entry) -> None:
    checker = told([opened(1), older, newer])
    checker.forget(OLD + 100)
    assert not checker.allows(Token("t9", "s1", "ada", 1, NEW))
    checker.forget(NEW + 100)
    assert checker.snapshot() == make().snapshot()


@pytest.mark.parametrize(
    ("make", "count"),
    [(Cutoff, 1), (Denylist, 2)],
    ids=["cutoff", "denylist"],
)
def test_a_checker_says_how_many_things_it_remembers(make: Callable[[], Any], count: int) -> None:
    checker = make()
    assert len(checker) == 0
    for entry in (opened(1), opened(2), opened(3), ended(4, Scope.SESSION, "s1", 1), ended(5, Scope.TOKEN, "t2", 2)):
        checker.apply(entry)
    checker.apply(ended(6, Scope.USER, "bob"))
    assert len(checker) == count


def test_a_denylist_hands_over_its_pages_and_its_tokens() -> None:
    checker = Denylist()
    for entry in (ended(1, Scope.TOKEN, "t1"), ended(2, Scope.SESSION, "s1", 2 * PAGE + 9)):
        checker.apply(entry)
    page = bytearray(PAGE // 8)
    page[1] = 0b10
    assert checker.snapshot() == (2).to_bytes(8) + page + b"t1"


def test_the_memory_of_a_million_revocations_among_ten_million_sessions_fits_in_20_mb() -> None:
    """For every day a tenth of them, in a tenth of the room: pages and buckets are as full."""
    count = 1_000_000 if LONG else 100_000
    tracemalloc.start()
    checker = Denylist()
    for position in range(1, 10 * count + 1, 10):
        checker.apply(Entry(position, Kind.REVOKED, Scope.SESSION, "s", position, position % 600, 0, "why", None))
    used, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert len(checker) == count
    assert used <= 20 * count
