"""What each design costs on a simulated day: its own code, played by the player's instruments. Pure."""

import math
import pickle
from collections import Counter
from functools import lru_cache
from statistics import mean
from typing import Any, NamedTuple

from app.config import DAY
from app.lab import player
from app.lab.costs.day import Day, simulate
from app.lab.player import Design, Stage

LOOK = 5  # seconds
REMEMBERED = 20 * 64  # designs, times days
_OURS = ("world", "store", "issuer", "redis")  # what an object holds of its world is not its memory


class Cost(NamedTuple):
    """The cost of one design. *stored*: bytes in the store, and *held*: at the verifier, both at the peak; *rows*: in the store.
    *worst* and *mean*: seconds from a Sign Out until its token was refused. *refused*: people whose good token was refused."""

    slug: str  # not the design, whose module no other process can be sent
    stored: int
    held: int
    rows: int
    lookups: int
    bytes: int
    messages: int
    worst: int
    mean: float
    refused: int

    @property
    def design(self) -> Design:
        return player.find(self.slug)


class Comparison(NamedTuple):
    """A day, and what it cost under each design that was compared."""

    sessions: int
    requests: int
    endings: int
    costs: tuple[Cost, ...]

    def of(self, slug: str) -> Cost:
        return next(cost for cost in self.costs if cost.slug == slug)


def compare(day: Day, *slugs: str) -> Comparison:
    """Simulate the day for the designs with these slugs, or for all."""
    done = Counter(act.name for act in simulate(day).acts)
    designs = [player.find(slug) for slug in slugs] or player.every()
    costs = tuple(live(design.slug, day if _polls(design) else day._replace(poll=0)) for design in designs)
    return Comparison(done["begin"], done["request"], done["sign_out"], costs)


def _polls(design: Design) -> bool:
    """Return whether the poll slider changes a time of this design."""
    return hasattr(design.module, "POLL") or hasattr(design.module, "CACHE")


@lru_cache(REMEMBERED)
def live(slug: str, day: Day) -> Cost:
    """Simulate a design's day, once for all settings of the slider that do not concern it."""
    played = _Play(player.read(slug), day)
    for act in played.stage.story.acts:
        played.go_on(act.at)
        getattr(played, act.name)(act.of)
    played.go_on(DAY + day.life)
    played.weigh()
    asked, peak, late = played.stage.at_verifier.counts, played.peak, played.late or [0]
    return Cost(
        slug,
        **peak,
        lookups=sum(asked[name] for name in player.QUESTIONS),
        bytes=asked["bytes"],
        messages=played.stage.world.counts["messages"],
        worst=max(late),
        mean=mean(late),
        refused=len(played.refused),
    )


class _Play:
    """One design on this day. *late*: for each Sign Out, after how many seconds its token was refused."""

    def __init__(self, module: Any, day: Day) -> None:
        for name in ("POLL", "CACHE"):
            if hasattr(module, name):
                setattr(module, name, day.poll)
        self.stage = Stage(module, simulate(day))
        self._life = self.stage.world.life = self.stage.at_verifier.life = day.life
        self._expires: dict[str, int] = {}
        self._copies: dict[str, int] = {}
        self.late: list[int] = []
        self.refused: set[str] = set()
        self.peak = {"stored": 0, "held": 0, "rows": 0}
        self._look = 1 if hasattr(module, "CACHE") else LOOK  # a cached answer ends at no poll

    def go_on(self, at: int) -> None:
        """Let time pass until second *at*. While a copy is still good, present it after each poll, and every few seconds."""
        clock, until = self.stage.clock, self.stage.story.began_at + at
        while self._copies and self.stage.now < until:
            now = self.stage.now
            ends = [self._expires[whose] for whose in self._copies if self._expires[whose] > now]
            clock.go_on(math.ceil(min([until, now + self._look - now % self._look, *clock.due(), *ends])))
            self._present()
        clock.go_on(until)

    def begin(self, whose: str) -> None:
        self.stage.sign_in(whose, _owner(whose))
        self._expires[whose] = self.stage.now + self._life
        self.weigh()

    def request(self, whose: str) -> None:
        """Use the token; refresh it first if it has expired."""
        if self.stage.now >= self._expires[whose]:
            if not self.stage.exchange(whose).accepted:  # the session has reached its longest life
                self.begin(whose)
            self._expires[whose] = self.stage.now + self._life
            self.weigh()
        if not self.stage.present(whose).accepted:
            self.refused.add(_owner(whose))

    def sign_out(self, whose: str) -> None:
        """Leave a copy of what the browser holds; then sign out."""
        self.stage.held[whose] = self.stage.copy_of(whose)
        self.stage.sessions.end(self.stage.held[whose]["session"])
        self._copies[whose] = self.stage.now
        self.weigh()
        self._present()

    def _present(self) -> None:
        for whose, since in list(self._copies.items()):
            answer = self.stage.present(whose)
            self.stage.at_verifier.counts.subtract(answer.asked)  # a thief's look-ups are not the day's
            if not answer.accepted:
                self.late.append(self.stage.now - since)
                del self._copies[whose]

    def weigh(self) -> None:
        """Weigh the store after each change, and with it the verifier's memory."""
        now, verifier = self.stage.now, self.stage.verifier
        stored = {name: value for name, (value, until) in self.stage.world.store.rows.items() if now < until}
        held = {name: field for name, field in vars(verifier).items() if name not in _OURS}
        if hasattr(verifier, "snapshot"):
            held = {"": verifier.snapshot()}
        for name, amount in (("stored", _size(stored)), ("rows", len(stored)), ("held", _size(held))):
            self.peak[name] = max(self.peak[name], amount)


def _size(fields: dict[str, Any]) -> int:
    return len(pickle.dumps(fields)) - len(pickle.dumps({})) if fields else 0


def _owner(browser: str) -> str:
    return browser.partition(" ")[0]
