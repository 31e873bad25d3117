"""What each design costs on a simulated day: the real checkers, told of its log as fast as their delivery is. Pure."""

from collections.abc import Sized
from dataclasses import dataclass
from math import inf

from app.lab.costs.compared import DESIGNS, Delivery, Design
from app.lab.costs.day import DAY, END, START, Day, Happened, simulate
from app.revocation.entries import Entry

HASH = 32  # bytes
PUSH = 0.05  # seconds that a message is under way
READS = 3 * DAY  # of the log's head in a day: three times in a lease of a second
SAMPLE = 15 * 60  # seconds: how often a memory is weighed


@dataclass(frozen=True)
class Cost:
    """What one design cost. *worst* and *mean*: seconds from a Sign Out until its token was refused."""

    design: Design
    held: int  # bytes, at the peak
    rows: int
    lookups: int
    messages: int
    worst: float
    mean: float
    refused: int  # people whose good token was refused


@dataclass(frozen=True)
class Comparison:
    """A day, and what it cost under every design."""

    sessions: int
    requests: int
    endings: int
    costs: tuple[Cost, ...]

    def of(self, slug: str) -> Cost:
        return next(cost for cost in self.costs if cost.design.slug == slug)


def compare(day: Day) -> Comparison:
    """Let the day happen to every design."""
    happened = simulate(day)
    costs = tuple(_cost(design, day, happened) for design in DESIGNS)
    return Comparison(happened.sessions, happened.requests, len(happened.endings), costs)


def _cost(design: Design, day: Day, happened: Happened) -> Cost:
    verifier = _Verifier(design, day, happened)
    verifier.live()
    exposed = [*map(verifier.exposure, happened.endings)] or [0.0]
    worst, mean = max(exposed), sum(exposed) / len(exposed)
    asked = _asked(design.delivery, day, happened)
    return Cost(design, verifier.held, verifier.rows, *asked, worst, mean, len(verifier.refused))


class _Verifier:
    """One verifier with one design. *held* and *rows*: at the peak of the day; *refused*: who was, and should not have been."""

    def __init__(self, design: Design, day: Day, happened: Happened) -> None:
        self._design, self._happened = design, happened
        self._checker = design.make()
        self._arrivals = [*_arrivals(design.delivery, day, happened.entries), inf]
        self._heard = 0  # entries
        self._late: dict[int, float] = {}
        self.refused: set[str] = set()
        self.held = self.rows = 0

    def live(self) -> None:
        """Live through the day: nobody who comes by has signed out, so whoever is refused is wronged."""
        visits = iter([*self._happened.visits, (END, None)])
        at, token = next(visits)
        for moment in range(START + SAMPLE, END + 1, SAMPLE):
            while token and at < moment:
                self._hear(at)
                if not self._checker.allows(token):
                    self.refused.add(token.sub)
                at, token = next(visits)
            self._hear(moment)
            self._weigh(moment)

    def exposure(self, position: int) -> float:
        """Return the seconds from the Sign Out at *position* until its token was refused, or had expired."""
        expires = inf if self._design.opaque else self._happened.endings[position].token.exp
        left = expires - self._happened.entries[position - 1].at
        return min(left, self._late.get(position, left))

    def _hear(self, now: int) -> None:
        while self._arrivals[self._heard] <= now:
            entry = self._happened.entries[self._heard]
            put = self._design.reads(entry, self._happened.owners)
            if put:
                self._checker.apply(put)
                self._try_again(entry)
            self._heard += 1

    def _try_again(self, entry: Entry) -> None:
        """Present the token that was signed out with *entry*, now that it has arrived."""
        ending = self._happened.endings.get(entry.position)
        if ending and not self._checker.allows(ending.token):
            kept = self._design.delivery is Delivery.CACHED
            self._late[entry.position] = ending.cached if kept else round(self._arrivals[self._heard] - entry.at, 3)

    def _weigh(self, now: int) -> None:
        self._checker.forget(now)
        rows = len(self._checker) if isinstance(self._checker, Sized) else 0
        edge = HASH * self._heard.bit_length() if self._design.proves else 0
        held = rows * self._design.row if self._design.row else len(self._checker.snapshot()) + edge
        self.held, self.rows = max(self.held, held), max(self.rows, rows)


def _arrivals(delivery: Delivery, day: Day, entries: list[Entry]) -> list[float]:
    """Return when a verifier hears of each entry."""
    match delivery:
        case Delivery.NEVER:
            return [inf for _ in entries]
        case Delivery.POLL:
            return [(entry.at // day.poll + 1) * day.poll for entry in entries]
        case Delivery.PUSH:
            return [entry.at + PUSH for entry in entries]
    return [entry.at for entry in entries]  # who asks knows; and when Sign Out has waited, the time is that of its page


def _asked(delivery: Delivery, day: Day, happened: Happened) -> tuple[int, int]:
    """Return how often in the day a verifier asked, and how often it was told."""
    revoked = len(happened.entries) - happened.sessions
    return {
        Delivery.NEVER: (0, 0),
        Delivery.ASK: (happened.requests, 0),
        Delivery.CACHED: (happened.questions, 0),
        Delivery.POLL: (DAY // day.poll, 0),
        Delivery.PUSH: (0, revoked),
        Delivery.CONFIRMED: (READS, revoked),
    }[delivery]
