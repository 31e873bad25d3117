"""One lane for each design, from sign-in to expiry, cut at the sign-out: what it accepts beyond the cut is its exposure.

x runs from 0 to 100 percent. Left of the cut time is drawn short; right of it, it is drawn to scale.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from app.lab.designs import Design
from app.lab.run import Run
from app.web import words

CUT = 14.0


@dataclass(frozen=True)
class Lane:
    """*refused*: where it first refused, at the cut if at once. *expires*: where the token does by itself."""

    slug: str
    name: str
    words: str
    refused: float
    expires: float
    exposed: int


@dataclass(frozen=True)
class Picture:
    """*marks*: (x, words) of the scale. *ended* and *life*: the times at the cut, and from there to the right edge, in
    seconds. *now*: where it is drawn, while there is one to draw."""

    lanes: tuple[Lane, ...]
    marks: tuple[tuple[float, str], ...]
    words: str
    ended: int
    life: int
    now: float | None = None


def draw(run: Run, replayed: Mapping[str, Any], designs: Mapping[str, Design], now: int | None = None) -> Picture:
    """Draw what the last replay measured, and where *now* (Unix seconds of the run's clock) is."""
    ended = run.ended_at or run.began_at
    drawn = draw_rows(replayed["rows"], designs, ended, max(1, run.laptop.access_until - ended))
    return drawn if now is None else replace(drawn, now=_x(now - ended, drawn.life))


def draw_rows(rows: Iterable[Mapping[str, Any]], designs: Mapping[str, Design], ended: int, life: int) -> Picture:
    """Draw when each first refused, from *ended* on, for a token that had *life* seconds left."""
    lanes = tuple(_lane(row, designs[row["slug"]], ended, life) for row in rows)
    said = ". ".join(f"{lane.name}: {lane.words}" for lane in lanes)
    return Picture(lanes, _marks(life), f"From the sign-out on. {said}.", ended, life)


def _lane(row: Mapping[str, Any], design: Design, ended: int, life: int) -> Lane:
    first = ended if row["first_refusal"] is None else row["first_refusal"]
    exposed = max(0, first - ended)
    if exposed == 0:
        told = "refused at once"
    elif exposed >= life:
        told = f"accepted until it expires, {words.span(exposed)} later"
    else:
        told = f"still accepted for {words.span(exposed)}"
    return Lane(row["slug"], design.name, told, _x(exposed, life), 100.0, exposed)


def _marks(life: int) -> tuple[tuple[float, str], ...]:
    minutes = range(60, life, 60) if life > 60 else ()
    return tuple((_x(at, life), f"{at // 60} min") for at in minutes)


def _x(seconds: int, life: int) -> float:
    return round(CUT + (100 - CUT) * min(1.0, seconds / life), 2)
