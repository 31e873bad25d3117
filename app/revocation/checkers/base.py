"""The interface of a checker, and how several make one."""

from typing import Protocol

from app.revocation.entries import Bearer, Entry


class Checker(Protocol):
    """Reads entries in order, some perhaps twice, and decides whether a token may still be accepted.

    *horizon*: Unix seconds. A checker may forget what concerns only tokens expired by then, so it refuses such a token
    even if the clock is set back. A caller that can ask the log may ask it instead.
    """

    @property
    def horizon(self) -> int: ...

    def apply(self, entry: Entry) -> None:
        """Take note of one entry."""

    def allows(self, bearer: Bearer) -> bool:
        """Return whether this checker knows of no reason to refuse the token."""

    def forget(self, now: int) -> None:
        """Let go of entries that concern only tokens expired at *now* (Unix seconds)."""

    def snapshot(self) -> bytes:
        """Return what is remembered, in the form in which it would be handed to another verifier."""


class AllOf:
    """A checker that allows what every one of its checkers allows."""

    def __init__(self, *checkers: Checker) -> None:
        self.checkers = checkers
        self._appliers = [checker.apply for checker in checkers]

    @property
    def horizon(self) -> int:
        return max(checker.horizon for checker in self.checkers)

    def apply(self, entry: Entry) -> None:
        for apply in self._appliers:
            apply(entry)

    def allows(self, bearer: Bearer) -> bool:
        return all(checker.allows(bearer) for checker in self.checkers)

    def forget(self, now: int) -> None:
        for checker in self.checkers:
            checker.forget(now)

    def snapshot(self) -> bytes:
        return b"".join(checker.snapshot() for checker in self.checkers)
