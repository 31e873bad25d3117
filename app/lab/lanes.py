"""One lane for each credential, cut at the end of the session: its exposure is how long it is accepted beyond the cut.

x runs from 0 to 100 percent. Left of the cut time is drawn short; right of it, it is drawn to scale.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from app.web import words

CUT = 14.0
MAX_MARKS = 8
RIGHTMOST = 82.0  # further right, words would overlap those at the edge
STEPS = (60, 120, 300, 600, 1800, 3600, 2 * 3600, 6 * 3600)


@dataclass(frozen=True)
class Lane:
    """*refused*: where it was first refused, at the cut if at once. *exposed*: in seconds."""

    slug: str
    name: str
    words: str
    refused: float
    exposed: int


@dataclass(frozen=True)
class Picture:
    """*marks*: (x, words) of the scale. *now*: where it is drawn, if it is."""

    lanes: tuple[Lane, ...]
    marks: tuple[tuple[float, str], ...]
    cut: str = "Sign-out"
    now: float | None = None


def draw(rows: Iterable[tuple[str, str, int]], life: int, *, now: int | None = None, cut: str = "Sign-out") -> Picture:
    """Draw (slug, name, seconds exposed) for something that had *life* seconds left at the cut."""
    lanes = tuple(_lane(slug, name, exposed, life) for slug, name, exposed in rows)
    return Picture(lanes, _marks(life), cut, None if now is None else _x(now, life))


def _lane(slug: str, name: str, exposed: int, life: int) -> Lane:
    if exposed == 0:
        verdict = "refused at once"
    elif exposed >= life:
        verdict = f"accepted until it expires, {words.span(exposed)} later"
    else:
        verdict = f"still accepted for {words.span(exposed)}"
    return Lane(slug, name, verdict, _x(exposed, life), exposed)


def _marks(life: int) -> tuple[tuple[float, str], ...]:
    step = next((step for step in STEPS if life / step <= MAX_MARKS), STEPS[-1])
    unit, name = (3600, "h") if step >= 3600 else (60, "min")
    marks = ((_x(at, life), f"{at // unit} {name}") for at in range(step, life, step))
    return tuple((x, words) for x, words in marks if x <= RIGHTMOST)


def _x(seconds: int, life: int) -> float:
    return round(CUT + (100 - CUT) * min(1.0, seconds / life), 2)
