"""A simulated day: people sign in, come by and sign out. Pure, and the same for the same seed."""

from collections.abc import Iterator
from random import Random
from typing import NamedTuple

from app.config import DAY
from app.web.words import HOUR

START = 1000 * DAY
END = START + DAY
GAP = 5  # seconds from one request of a visit to the next
LONGEST_VISIT = 60  # requests
KEPT = 0.4  # of the sessions were open before the day began
DEVICES = (1, 1, 1, 1, 1, 2, 2, 2, 3, 3)
VISITS = (1, 1, 2, 3)


class Day(NamedTuple):
    """What can be set. *life*: of an access token, and *poll*: from one poll to the next, in seconds.

    *leaving*: percent of the sessions that end with Sign Out.
    """

    people: int = 60
    life: int = 300
    poll: int = 60
    leaving: int = 20
    seed: int = 1


class Session(NamedTuple):
    """One session of one person: when it began, when each request came, and whether the last one was followed by Sign Out."""

    person: str
    began: int
    requests: list[int]
    leaves: bool


def simulate(day: Day) -> list[Session]:
    """Return the sessions of the day."""
    chance = Random(day.seed)  # noqa: S311 - people of a simulation, no secrets
    return [session for number in range(day.people) for session in _sessions(f"u{number}", day, chance)]


def _sessions(person: str, day: Day, chance: Random) -> Iterator[Session]:
    for _ in range(chance.choice(DEVICES)):
        kept = chance.random() < KEPT
        first = _hour(6, chance)
        visits = [first, *(_hour((first - START) / HOUR, chance) for _ in range(chance.choice(VISITS) - 1))]
        requests = sorted(at + GAP * number for at in sorted(visits) for number in range(_length(chance)))
        yield Session(person, START if kept else first, requests, chance.random() * 100 < day.leaving)


def _length(chance: Random) -> int:
    return min(1 + int(chance.expovariate(1 / 11)), LONGEST_VISIT)


def _hour(earliest: float, chance: Random) -> int:
    """Return a time of day: quiet at night, most lively at noon."""
    return START + int(chance.triangular(earliest, 23.5, max(earliest, 12)) * HOUR)
