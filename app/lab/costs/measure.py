"""What each design costs on a simulated day: its own code, played by the player's instruments. Pure."""

import math
import pickle
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import lru_cache
from statistics import mean
from typing import Any

from app.lab import player
from app.lab.costs.day import END, START, Day, Session, simulate
from app.lab.player import Design, Stage, Story

REMEMBERED = 20 * 64  # designs, times days
LOOK = 5  # seconds
SAMPLE = 15 * 60  # seconds: how often a memory is weighed
LOOKS = ("look-ups", "fetches", "requests")
_OURS = ("world", "store", "issuer", "redis")  # what an object holds of its world is not its memory


@dataclass(frozen=True)
class Cost:
    """What one design cost. *stored*: bytes in the store, and *held*: at the verifier, both at the peak; *rows*: in the store.
    *worst* and *mean*: seconds from a Sign Out until its token was refused. *refused*: people whose good token was refused."""

    slug: str  # not the design, whose module no other process can be sent
    stored: int
    held: int
    rows: int
    lookups: int
    bytes: int
    messages: int
    worst: float
    mean: float
    refused: int

    @property
    def design(self) -> Design:
        return player.find(self.slug)


@dataclass(frozen=True)
class Comparison:
    """A day, and what it cost under each design that was compared."""

    sessions: int
    requests: int
    endings: int
    costs: tuple[Cost, ...]

    def of(self, slug: str) -> Cost:
        return next(cost for cost in self.costs if cost.slug == slug)


def compare(day: Day, *slugs: str) -> Comparison:
    """Simulate the day for the designs with these slugs, or for all."""
    sessions = simulate(day)
    requests, endings = sum(len(session.requests) for session in sessions), sum(session.leaves for session in sessions)
    designs = [player.find(slug) for slug in slugs] or player.every()
    costs = tuple(live(design.slug, day if _polls(design) else replace(day, poll=0)) for design in designs)
    return Comparison(len(sessions), requests, endings, costs)


def _polls(design: Design) -> bool:
    """Return whether the poll slider changes a time of this design."""
    return hasattr(design.module, "POLL") or hasattr(design.module, "KEPT")


@lru_cache(REMEMBERED)
def live(slug: str, day: Day) -> Cost:
    """Simulate a design's day, once for all pages and questions that ask for it."""
    design, sessions = player.find(slug), simulate(day)
    played = _Play(design, day)
    for at, number, what in sorted(_moments(sessions)):
        played.go_on(at)
        getattr(played, what)(number, sessions[number])
        played.weigh_what_was_written()
    played.go_on(END + day.life)
    asked, late = played.stage.at_verifier.counts, played.late or [0]
    return Cost(
        design.slug,
        played.peak["stored"],
        played.peak["held"],
        played.peak["rows"],
        sum(asked[name] for name in LOOKS),
        asked["bytes"],
        played.stage.world.counts["messages"],
        max(late),
        mean(late),
        len(played.refused),
    )


def _moments(sessions: list[Session]) -> Iterator[tuple[int, int, str]]:
    for number, session in enumerate(sessions):
        yield session.began, number, "begin"
        for at in session.requests:
            yield at, number, "request"
        if session.leaves:
            yield session.requests[-1] + 1, number, "sign_out"


class _Play:
    """One design on this day. *late*: for each Sign Out, after how many seconds its token was refused."""

    def __init__(self, design: Design, day: Day) -> None:
        module = player.read(design.slug)
        for name, value in {"LIFE": day.life, "POLL": day.poll, "KEPT": day.poll}.items():
            if hasattr(module, name):
                setattr(module, name, value)
        story = Story((), seed=str(day.seed), began_at=START)
        self.stage, self._life = Stage(module, story), day.life
        self._expires: dict[str, int] = {}
        self._copies: dict[str, int] = {}
        self._ends: set[int] = set()
        self.late: list[int] = []
        self.refused: set[str] = set()
        self.peak = Counter[str]()
        self._weighs, self._written = START + SAMPLE, 0
        self._look = 1 if hasattr(module, "KEPT") else LOOK  # what is kept for a request ends at no poll

    def go_on(self, until: int) -> None:
        """Let time pass. While a copy is still good, present it after each poll, and every few seconds."""
        clock = self.stage.clock
        while self._copies and self.stage.now < until:
            now = self.stage.now
            ends = [end for end in self._ends if end > now]
            clock.go_on(math.ceil(min([until, now + self._look - now % self._look, *clock.due(), *ends])))
            self._present()
        while self._weighs <= until:
            self.stage.clock.go_on(self._weighs)
            self._weigh()
            self._weighs += SAMPLE
        self.stage.clock.go_on(until)

    def begin(self, number: int, session: Session) -> None:
        self.stage.sign_in(str(number), session.person)
        self._expires[str(number)] = self.stage.now + self._life

    def request(self, number: int, session: Session) -> None:
        """Use the token; refresh it first if it has expired."""
        whose = str(number)
        if self.stage.now >= self._expires[whose]:
            if not self.stage.exchange(whose).accepted:  # the session has reached its longest life
                self.stage.sign_in(whose, session.person)
            self._expires[whose] = self.stage.now + self._life
        if not self.stage.accepts(whose):
            self.refused.add(session.person)

    def sign_out(self, number: int, _session: Session) -> None:
        """Copy what the browser holds; then sign out."""
        whose = f"copy {number}"
        copied = self.stage.held[whose] = self.stage.copy_of(str(number))
        del self.stage.held[str(number)]
        self.stage.sessions.end(copied["session"])
        self._copies[whose] = self.stage.now
        self._ends.add(self._expires[str(number)])
        self._present()

    def _present(self) -> None:
        counts = self.stage.at_verifier.counts.copy()
        for whose, since in list(self._copies.items()):
            if not self.stage.accepts(whose):
                self.late.append(self.stage.now - since)
                del self._copies[whose]
        self.stage.at_verifier.counts.clear()
        self.stage.at_verifier.counts.update(counts)  # a thief's look-ups are not the day's

    def weigh_what_was_written(self) -> None:
        """Weigh the store after each change: its peak may lie between two samples."""
        written = self.stage.world.counts.total()
        if written != self._written:
            self._written = written
            self._weigh()

    def _weigh(self) -> None:
        now, rows = self.stage.now, self.stage.world.store.rows
        stored = {name: row[0] for name, row in rows.items() if isinstance(row, tuple) and now < row[1]}
        verifier = self.stage.verifier
        held = {name: kept for name, kept in vars(verifier).items() if name not in _OURS}
        if hasattr(verifier, "snapshot"):
            held = {"": verifier.snapshot()}
        for name, amount in (("stored", _size(stored)), ("rows", len(stored)), ("held", _size(held))):
            self.peak[name] = max(self.peak[name], amount)


def _size(kept: dict[str, Any]) -> int:
    return len(pickle.dumps(kept)) - len(pickle.dumps({})) if kept else 0
