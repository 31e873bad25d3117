"""What a check costs and what it remembers, from a thousand revocations to ten million."""

import time
import tracemalloc
from dataclasses import dataclass

from app.revocation.checkers.base import AllOf
from app.revocation.checkers.cutoff import Cutoff
from app.revocation.checkers.denylist import Denylist
from app.revocation.entries import Entry, Kind, Scope
from tests.bench.report import point, say

SIZES = [10**power for power in range(3, 8)]
CHECKS = 200_000
FAR = 10**10


@dataclass(frozen=True, slots=True)
class Token:
    jti: str
    sid: str
    sub: str
    opened: int
    exp: int


def compare() -> None:
    """Every tenth session was revoked."""
    times: dict[int, float] = {}
    for size in SIZES:
        denylist = Denylist()
        checker = AllOf(denylist, Cutoff())
        tracemalloc.start()
        for position in range(10, 10 * size + 1, 10):
            entry = Entry(position, Kind.REVOKED, Scope.SESSION, "s", position, FAR + position % 600, 0, "why", None)
            checker.apply(entry)
        memory, _ = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        tokens = [Token("t", "s", "u", 1 + number * 7919 % (10 * size), FAR) for number in range(1000)]
        times[size] = _time(checker, tokens)
        label = f"{size:,}"
        point("one check, microseconds", label, times[size] * 1e6)
        point("memory, megabytes", label, memory / 1e6)
        say(
            f"check with {label} of {10 * size:,} sessions revoked / with 1,000",
            f"{times[size] / times[SIZES[0]]:.2f} ({times[size] * 1e6:.2f} µs, {memory / 1e6:.1f} MB)",
        )


def _time(checker: AllOf, tokens: list[Token]) -> float:
    best = float("inf")
    for _ in range(5):
        began = time.perf_counter()
        for _ in range(CHECKS // len(tokens)):
            for token in tokens:
                checker.allows(token)
        best = min(best, (time.perf_counter() - began) / CHECKS)
    return best
