"""Checkers over random histories, with the plain meaning of the log as the oracle."""

from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.revocation.checkers.base import AllOf, Checker
from app.revocation.checkers.cutoff import Cutoff
from app.revocation.checkers.denylist import Denylist
from app.revocation.entries import Entry, Kind, Scope

LIFE = 300


@dataclass(frozen=True)
class Token:
    """An access token as a verifier sees it."""

    jti: str
    sid: str
    sub: str
    opened: int
    exp: int


def site_checker() -> Checker:
    return AllOf(Denylist(), Cutoff())


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


@given(steps)
def test_a_caught_up_checker_says_exactly_what_the_log_says(history: list[tuple[str, int, str, int]]) -> None:
    entries, tokens, _ = unfold(history)
    checker = site_checker()
    for entry in entries:
        checker.apply(entry)
    for token in tokens:
        assert checker.allows(token) is not is_over(token, entries)


@given(steps)
def test_entries_applied_twice_change_nothing(history: list[tuple[str, int, str, int]]) -> None:
    entries, tokens, _ = unfold(history)
    checker = site_checker()
    for entry in [*entries, *entries]:
        checker.apply(entry)
    for token in tokens:
        assert checker.allows(token) is not is_over(token, entries)


@given(steps, st.integers(0, 2 * LIFE))
def test_what_was_forgotten_stays_refused_even_if_the_clock_is_set_back(
    history: list[tuple[str, int, str, int]], later: int
) -> None:
    entries, tokens, now = unfold(history)
    checker = site_checker()
    for entry in entries:
        checker.apply(entry)
    checker.forget(now + later)
    for token in tokens:
        assert not (checker.allows(token) and is_over(token, entries))


@given(steps)
def test_forgetting_refuses_no_token_that_has_time_left(history: list[tuple[str, int, str, int]]) -> None:
    entries, tokens, now = unfold(history)
    checker = site_checker()
    for entry in entries:
        checker.apply(entry)
    checker.forget(now)
    for token in tokens:
        if token.exp > now and not is_over(token, entries):
            assert checker.allows(token)


@pytest.mark.parametrize("make", [Denylist, Cutoff])
def test_memory_does_not_grow_with_what_has_expired(make: type[Denylist] | type[Cutoff]) -> None:
    checker = make()
    for position in range(1, 1001):
        scope = Scope.SESSION if make is Denylist else Scope.USER
        checker.apply(Entry(position, Kind.REVOKED, scope, f"x{position}", 0, position, position, "why", None))
        checker.forget(position)
    assert len(checker) == 0
