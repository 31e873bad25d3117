"""The interface of a checker, and how several make one."""

from typing import Protocol

from app.revocation.entries import Bearer, Entry


class Checker(Protocol):
    """Folds entries, in order and perhaps twice, and says whether a token may still be accepted.

    *horizon*: Unix seconds. What concerns only tokens expired by then may be forgotten, so such a token is refused,
    even if the clock is set back; whoever can ask the log may ask it instead.
    """

    @property
    def horizon(self) -> int: ...

    def apply(self, entry: Entry) -> None:
        """Take note of one entry."""

    def allows(self, bearer: Bearer) -> bool:
        """Return whether nothing this checker knows speaks against the token."""

    def forget(self, now: int) -> None:
        """Let go of entries that concern only tokens expired at *now* (Unix seconds)."""

    def snapshot(self) -> bytes:
        """Return what is remembered, as it would be handed to somebody else."""


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
