"""Bars under a logarithmic axis, and the words beside them. Pure geometry: x runs from 0 to 100 percent of the width."""

from collections.abc import Iterable
from math import log1p
from typing import NamedTuple

RULES = (1, 100, 10_000, 1_000_000)
RIGHTMOST = 90.0  # where the words of a rule still fit


class Bar(NamedTuple):
    """One bar. *mean*: where it is marked."""

    name: str
    amount: float
    words: str
    mean: float = 0


class Chart(NamedTuple):
    """Bars in a *unit*, the longest first."""

    bars: list[Bar]
    unit: str

    def x(self, amount: float) -> float:
        most = max(self.bars[0].amount, RULES[0])
        return round(100 * log1p(amount) / log1p(most), 2)

    @property
    def ticks(self) -> list[tuple[float, str]]:
        return [(self.x(rule), f"{rule:,} {self.unit}") for rule in RULES if self.x(rule) <= RIGHTMOST]


def chart(bars: Iterable[Bar], unit: str = "") -> Chart:
    """Draw *bars*, with one for all that have the same words."""
    drawn: dict[str, Bar] = {}
    for bar in sorted(bars, key=lambda bar: -bar.amount):
        same = drawn.get(bar.words)
        drawn[bar.words] = same._replace(name=f"{same.name} · {bar.name}") if same else bar
    return Chart(list(drawn.values()), unit)


def many(count: int, one: str, more: str = "") -> str:
    """Return a count with its noun."""
    return f"1 {one}" if count == 1 else f"{count:,} {more or one + 's'}"
