"""Bars on a logarithmic axis, and the words beside them. Pure geometry: x runs from 0 to 100 percent of the width."""

from collections.abc import Iterable, Mapping
from math import log1p
from typing import NamedTuple

SECONDS = {1: "1 s", 10: "10 s", 60: "1 min", 600: "10 min", 3600: "1 h"}
SIZES = {100: "100 B", 10_000: "10 KB", 1_000_000: "1 MB"}
COUNTS = {10: "10", 1000: "1,000", 100_000: "100,000"}
PEOPLE = {1: "1", 10: "10", 100: "100", 1000: "1,000"}
MICROSECONDS = {1: "1 µs", 10: "10 µs", 100: "100 µs", 1000: "1 ms", 10_000: "10 ms"}
RIGHTMOST = 94.0  # where the words of a rule still fit
SPACE = "\N{NO-BREAK SPACE}"  # keeps a number and its unit on one line


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


def chart(values: Iterable[Value], marks: Mapping[int, str]) -> Chart:
    """Draw *values*, with a rule at each of *marks* that lies within."""
    groups: dict[str, list[Value]] = {}
    for value in sorted(values, key=lambda value: -value.amount):
        groups.setdefault(value.words, []).append(value)
    most = max([same[0].amount for same in groups.values()] + [min(marks)])

    def x(amount: float) -> float:
        return round(100 * log1p(amount) / log1p(most), 2)

    bars = [
        Bar([value.name for value in same], words, x(same[0].amount), x(same[0].mean)) for words, same in groups.items()
    ]
    return Chart(bars, [(x(mark), words) for mark, words in marks.items() if x(mark) <= RIGHTMOST])


def many(count: int, one: str, more: str = "") -> str:
    """Return a count with its noun."""
    return f"1 {one}" if count == 1 else f"{count:,} {more or one + 's'}"


def size(amount: int) -> str:
    """Return a number of bytes in words."""
    for unit, name in ((10**6, "MB"), (10**3, "KB")):
        if amount >= unit:
            return f"{amount / unit:.{0 if amount >= 10 * unit else 1}f}{SPACE}{name}"
    return f"{amount}{SPACE}B" if amount else "nothing"


def seconds(amount: float) -> str:
    """Return a number of seconds in words, exactly enough to be compared."""
    return f"{amount:,.0f}{SPACE}s" if amount >= 10 or amount == int(amount) else f"{amount:.2g}{SPACE}s"


def brief(amount: float) -> str:
    """Return a short time in words: in µs or ms."""
    micro = amount * 1e6
    if micro >= 10_000:
        return f"{micro / 1000:.0f}{SPACE}ms"
    return f"{micro:,.0f}{SPACE}µs" if micro >= 10 else f"{micro:.1f}{SPACE}µs"
