"""When a checker may forget what it remembers, in buckets of a minute: a million entries cost a few MB."""

from collections.abc import Callable, Iterator, MutableSequence
from typing import Any, Generic, TypeVar

T = TypeVar("T")
SECONDS = 60


class Expiries(Generic[T]):
    """Things, each with the Unix second after which no token that it concerns is good. *horizon*: up to then, all is forgotten."""

    def __init__(self, bucket: Callable[[], MutableSequence[Any]] = list) -> None:
        self._new = bucket
        self._buckets: dict[int, MutableSequence[T]] = {}
        self.horizon = 0

    def add(self, until: int, thing: T) -> None:
        """Remember when *thing* may be forgotten."""
        found = self._buckets.get(until // SECONDS)
        if found is None:
            found = self._buckets[until // SECONDS] = self._new()
        found.append(thing)

    def pop(self, now: int) -> Iterator[T]:
        """Yield what may be forgotten at *now* (Unix seconds)."""
        self.horizon = max(self.horizon, now // SECONDS * SECONDS - 1)
        for minute in [minute for minute in self._buckets if minute < now // SECONDS]:
            yield from self._buckets.pop(minute)
