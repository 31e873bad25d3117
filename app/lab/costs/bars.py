"""Bars on a logarithmic axis, and the words beside them. Pure geometry: x runs from 0 to 100 percent of the width."""

from collections.abc import Iterable
from math import log1p
from typing import NamedTuple

RULES = (1, 100, 10_000, 1_000_000)
RIGHTMOST = 90.0  # where the words of a rule still fit


class Value(NamedTuple):
    """One value to draw. *mean*: where the bar is marked."""

    name: str
    amount: float
    words: str
    mean: float = 0


class Bar(NamedTuple):
    """One bar, for all *names* with the same words."""

    names: list[str]
    words: str
    x: float
    mark: float


class Chart(NamedTuple):
    """Bars under one axis, the longest first."""

    bars: list[Bar]
    ticks: list[tuple[float, str]]


def chart(values: Iterable[Value], unit: str = "") -> Chart:
    """Draw *values* in a *unit*."""
    groups: dict[str, list[Value]] = {}
    for value in sorted(values, key=lambda value: -value.amount):
        groups.setdefault(value.words, []).append(value)
    most = max([same[0].amount for same in groups.values()] + [RULES[0]])

    def x(amount: float) -> float:
        return round(100 * log1p(amount) / log1p(most), 2)

    bars = [
        Bar([value.name for value in same], words, x(same[0].amount), x(same[0].mean)) for words, same in groups.items()
    ]
    return Chart(bars, [(x(rule), f"{rule:,} {unit}") for rule in RULES if x(rule) <= RIGHTMOST])


def many(count: int, one: str, more: str = "") -> str:
    """Return a count with its noun."""
    return f"1 {one}" if count == 1 else f"{count:,} {more or one + 's'}"
