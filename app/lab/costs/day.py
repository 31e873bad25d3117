"""A simulated day, as a story: people sign in, come by and sign out. Pure, and the same for the same seed."""

from collections.abc import Iterator
from functools import lru_cache
from itertools import count
from random import Random
from typing import NamedTuple

from app.lab.player import Act, Story
from app.web.words import HOUR

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


@lru_cache(maxsize=2)
def simulate(day: Day) -> Story:
    """Return the story of the day. Its acts are "begin", "request" and "sign_out", each of a browser: its owner's name, and a number."""
    chance, number = Random(day.seed), count()  # noqa: S311 - people of a simulation, no secrets
    devices = (name for name in map("u{}".format, range(day.people)) for _ in range(chance.choice(DEVICES)))
    acts = sorted(act for person in devices for act in _session(f"{person} {next(number)}", day, chance))
    return Story(tuple(acts), seed=str(day.seed))


def _session(browser: str, day: Day, chance: Random) -> Iterator[Act]:
    is_kept = chance.random() < KEPT
    first = _hour(6, chance)
    visits = [first, *(_hour(first / HOUR, chance) for _ in range(chance.choice(VISITS) - 1))]
    requests = sorted(at + GAP * place for at in sorted(visits) for place in range(_length(chance)))
    yield Act(0 if is_kept else first, "begin", browser)
    yield from (Act(at, "request", browser) for at in requests)
    if chance.random() * 100 < day.leaving:
        yield Act(requests[-1] + 1, "sign_out", browser)


def _length(chance: Random) -> int:
    return min(1 + int(chance.expovariate(1 / 11)), LONGEST_VISIT)


def _hour(earliest: float, chance: Random) -> int:
    """Return a time of day: quiet at night, most lively at noon."""
    return int(chance.triangular(earliest, 23.5, max(earliest, 12)) * HOUR)
