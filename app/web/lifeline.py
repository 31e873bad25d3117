"""The geometry of lifelines. Pure: x runs from 0 to 100 percent of the width."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from math import log1p
from typing import Protocol

from app.config import DAY
from app.web import words
from app.web.words import HOUR

UNIT = 60  # seconds: below it a logarithmic axis is nearly linear
WINDOW = 8  # lives of an access token that home shows: the current one stays wide enough to be seen shrinking
RECENT = 84.0  # home: where the current access token expires; the end of the session is beyond the break
OLDER = 12.0  # home: where the linear part begins if the session began long before it
PRESENT = 88.0  # devices: now
CUT = 58.0  # receipt: the sign-out. On the smallest screens the words to its right have room
_LEAST, _APART = 12.0, 24.0  # how near the edge, and each other, labels of the scale may be on a phone


class Living(Protocol):
    """What the lifelines need of a session, or of a row about one."""

    @property
    def id(self) -> str: ...
    @property
    def began_at(self) -> int: ...
    @property
    def last_seen_at(self) -> int: ...
    @property
    def ends_at(self) -> int: ...
    @property
    def ended_at(self) -> int | None: ...


class Part(Protocol):
    """Something that ended, as the receipt lists it. An app's session has a `name`, too."""

    what: str
    began_at: int
    expires_at: int


@dataclass(frozen=True)
class Lane:
    """One line: a dot at *start*, solid up to *end*, a hollow tick where it would expire, a cut where it was ended."""

    label: str
    start: float
    end: float
    tick: float | None
    cut: float | None
    state: str
    words: str


@dataclass(frozen=True)
class Lifeline:
    """Lanes under one axis. *began* and *until*: the times at 0 and 100 of its linear part. *words* say all of it."""

    lanes: tuple[Lane, ...]
    now: float | None
    words: str
    began: int
    until: int
    breaks: tuple[float, ...] = ()


def session_line(session: Living, strokes: Sequence[tuple[int, int]], now: int) -> Lifeline:
    """Draw a live session and under it its newest access tokens, (issued, expires) each, the oldest first.

    The last minutes are linear. What is long before them, and the end of the session, lie beyond a visible break.
    """
    newest = _newest(strokes)
    axis, breaks = _recent(session, newest, now)
    now_is = state(session.began_at, session.ends_at, now)
    whole = Lane("Session", 0.0, axis.x(now), 100.0, None, now_is, f"ends {words.until(session.ends_at, now)}")
    tokens = [_stroke(axis, issued, expires, now) for issued, expires in newest]
    said = [f"Session: {now_is}, began {words.ago(session.began_at, now)}, {whole.words}."]
    said += [f"Its access token: {token.state}, {token.words}." for token in tokens[-1:]]
    return Lifeline((whole, *_named(tokens)), axis.x(now), " ".join(said), axis.at(0), axis.at(100), breaks)


def row_lines(sessions: Iterable[Living], now: int) -> dict[str, Lifeline]:
    """Draw each session on one common axis, the logarithm of its age: old and new, used and idle differ at a glance."""
    listed = list(sessions)
    oldest = max((now - session.began_at for session in listed), default=0)
    return {session.id: _row(session, max(oldest, 60 * UNIT), now) for session in listed}


def row_scale(sessions: Iterable[Living], now: int) -> tuple[tuple[float, str], ...]:
    """Return the labels above the rows: how long ago each x is. None if all began within the hour: lines say little then."""
    oldest = now - min((session.began_at for session in sessions), default=now)
    if oldest <= HOUR:
        return ()
    marks = [(PRESENT, "now")]
    for age, said in ((HOUR, "1 hour ago"), (DAY, "1 day ago"), (7 * DAY, "1 week ago"), (HOUR // 6, "10 minutes ago")):
        x = round(PRESENT * (1 - _log(age, oldest)), 2)
        if _LEAST <= x <= marks[-1][0] - _APART:
            marks.append((x, said))
    return tuple(marks)


def receipt_line(parts: Sequence[Part], cut_at: int) -> Lifeline:
    """Draw what was ended, all cut at the same x. Both sides are logarithmic, away from the cut."""
    before = max((cut_at - part.began_at for part in parts), default=1)
    after = max((part.expires_at - cut_at for part in parts), default=1)

    def x(at: int) -> float:
        if at <= cut_at:
            return round(CUT * (1 - _log(cut_at - at, before)), 2)
        return round(CUT + (100 - CUT) * _log(at - cut_at, after), 2)

    def lane(part: Part) -> Lane:
        left = part.expires_at - cut_at
        tick = x(part.expires_at) if left > 0 else None
        lost = f"{words.span(left)} early" if left > 0 else "at its end"
        label = getattr(part, "name", None) or words.capitalize(part.what)
        return Lane(label, x(part.began_at), CUT, tick, CUT, "ended", lost)

    lanes = tuple(lane(part) for part in parts)
    said = "; ".join(f"{lane.label}, {lane.words}" for lane in lanes)
    return Lifeline(lanes, None, f"Ended, all at the same moment: {said}.", cut_at - before, cut_at + after)


@dataclass(frozen=True)
class _Linear:
    """A linear axis through two points."""

    left: float
    right: float
    first: int
    last: int

    def x(self, at: float) -> float:
        share = (at - self.first) / max(1, self.last - self.first)
        return round(min(100.0, max(0.0, self.left + share * (self.right - self.left))), 2)

    def at(self, x: float) -> int:
        return round(self.first + max(1, self.last - self.first) * (x - self.left) / (self.right - self.left))


def _newest(strokes: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    if not strokes:
        return []
    issued, expires = strokes[-1]
    earliest = expires - WINDOW * (expires - issued)
    return [stroke for stroke in strokes if stroke[0] >= earliest]


def _recent(session: Living, newest: list[tuple[int, int]], now: int) -> tuple[_Linear, tuple[float, ...]]:
    """Return the axis of what is recent, and where it breaks off."""
    first = newest[0][0] if newest else session.began_at
    last = max((expires for _, expires in newest), default=now)
    older, later = first - session.began_at > (last - first) / 4, session.ends_at > last
    axis = _Linear(
        left=OLDER if older else 0.0,
        right=RECENT if later else 100.0,
        first=first if older else session.began_at,
        last=last,
    )
    breaks = [OLDER / 2] * older + [(RECENT + 100) / 2] * later
    return axis, tuple(breaks)


def _stroke(axis: _Linear, issued: int, expires: int, now: int) -> Lane:
    lives = expires > now
    said = f"began {words.ago(issued, now)}, expires {words.until(expires, now)}"
    tick = axis.x(expires) if lives else None
    return Lane("", axis.x(issued), axis.x(min(now, expires)), tick, None, state(issued, expires, now), said)


def _named(tokens: list[Lane]) -> list[Lane]:
    """Name the group once, above the first of it."""
    label = "Access token" if len(tokens) == 1 else "Access tokens"
    return [replace(token, label=label, words="") for token in tokens[:1]] + tokens[1:]


def _row(session: Living, oldest: int, now: int) -> Lifeline:
    def x(at: int) -> float:
        return 100.0 if at > now else round(PRESENT * (1 - _log(now - at, oldest)), 2)

    ended_at, ends_at = session.ended_at, session.ends_at
    lane = Lane(
        label="",
        start=x(session.began_at),
        end=x(min(session.last_seen_at, now if ended_at is None else ended_at)),
        tick=x(ends_at) if ended_at is None or ends_at > ended_at else None,
        cut=None if ended_at is None else x(ended_at),
        state="ended" if ended_at is not None else state(session.began_at, ends_at, now),
        words=_story(session, now),
    )
    return Lifeline((lane,), PRESENT, f"{lane.state}, {lane.words}", now - oldest, now)


def _story(session: Living, now: int) -> str:
    began = f"began {words.ago(session.began_at, now)}"
    if session.ended_at is not None:
        return f"{began}, ended {words.ago(session.ended_at, now)}"
    return f"{began}, last used {words.ago(session.last_seen_at, now)}, ends {words.until(session.ends_at, now)}"


def state(began_at: int, ends_at: int, now: int) -> str:
    """Expiring is the last fifth of a life, and never more than its last hour."""
    left = ends_at - now
    if left <= 0:
        return "ended"
    return "expiring" if left <= min(60 * UNIT, (ends_at - began_at) / 5) else "live"


def _log(seconds: int, most: int) -> float:
    return log1p(max(0, seconds) / UNIT) / log1p(max(1, most) / UNIT)
