"""The strokes of a lifeline, as SVG. x is in percent, everything else in pixels, so nothing is ever distorted.

A page has many, and nearly all of their text is numbers, so they are no macros, which would escape each part.
"""

from collections.abc import Sequence

from markupsafe import Markup, escape

from app.web.lifeline import Lane


def lane(lane: Lane, state: str, *, is_fine: bool, breaks: Sequence[float] = ()) -> Markup:
    """Draw a dot where it began, solid while it lived, a hollow tick where it would expire, and the cut of a *fine* one.

    Beyond the cut, one that is in the state `alarm` is hatched: it is accepted all the same.
    """
    y = 8 if is_fine else 13
    parts = [*_ahead(lane, state, y), line("lived", lane.start, lane.end, y), *(_break(at, y) for at in breaks)]
    parts += [tick(lane.tick, y), dot(lane.start, y)]
    if is_fine and lane.cut is not None:
        parts.append(_svg(f'<line class="cut" x1="{lane.cut}%" x2="{lane.cut}%" y1="1" y2="15" />'))
    return _svg(f'<svg width="100%" height="{y * 2}" aria-hidden="true" focusable="false">{"".join(parts)}</svg>')


def line(kind: str, start: float, end: float | None, y: int) -> Markup:
    """Draw a line, if it has an end."""
    return _svg("" if end is None else f'<line class="{kind}" x1="{start}%" x2="{end}%" y1="{y}" y2="{y}" />')


def dot(at: float, y: int) -> Markup:
    """Draw where something began."""
    r = (y - 1) // 2
    half = f"M0-{r}a{r} {r} 0 0 0 0 {2 * r}z"
    return _svg(f'<svg class="dot" x="{at}%" y="{y}"><circle r="{r}" /><path d="{half}" /></svg>')


def tick(at: float | None, y: int) -> Markup:
    """Draw where something would expire, if it does."""
    return _svg("" if at is None else f'<circle class="tick" cx="{at}%" cy="{y}" r="{y // 2 - 1}" />')


def hatch(start: float, end: float, y: int, name: str) -> Markup:
    """Draw where something was accepted that should not be. *name*: its own on the page."""
    named = escape(name)
    lines = '<path d="M1.5 0v6" />'
    turned = f'patternUnits="userSpaceOnUse" patternTransform="rotate(45)">{lines}</pattern>'
    box = f'x="{start}%" width="{end - start}%" y="{y - 7}" height="14"'
    return _svg(f'<pattern id="{named}" width="6" height="6" {turned}<rect class="hatch" {box} fill="url(#{named})" />')


def rule(kind: str, at: float, words: str = "", *, below: bool = False) -> Markup:
    """Draw a moment through all lanes, with *words* above it or *below*."""
    place = 'y="100%" dy="18"' if below else 'y="-8"'
    said = f"<text {place}>{escape(words)}</text>" if words else ""
    line = f'<svg class="{kind}" x="{at}%"><line y2="100%" />{said}</svg>'
    return _svg(f'<svg class="rule" aria-hidden="true" focusable="false">{line}</svg>')


def _ahead(lane: Lane, state: str, y: int) -> list[Markup]:
    """Draw what was still to come."""
    if lane.cut is None:
        return [line("ahead", lane.end, lane.tick, y)]
    if state == "alarm" and lane.tick is not None:
        beyond = hatch(lane.cut, lane.tick, y, f"hatch-{lane.label.lower().replace(' ', '-')}")
    else:
        beyond = line("after", lane.cut, lane.tick, y)
    return [line("ahead", lane.end, lane.cut, y), beyond]


def _break(at: float, y: int) -> Markup:
    """Draw a place where the axis leaves out time."""
    edges = '<path d="M-7 7-1-7h8L1 7z" /><path d="M-7 7-1-7M1 7l6-14" />'
    return _svg(f'<svg class="break" x="{at}%" y="{y}">{edges}</svg>')


def _svg(drawn: str) -> Markup:
    return Markup(drawn)  # noqa: S704
