"""A simulated day: who signs in, comes by and signs out, and the revocation log that it leaves. Pure, and the same for the same seed."""

from collections.abc import Iterator
from dataclasses import dataclass
from random import Random
from typing import NamedTuple

from app.revocation.entries import Entry, Kind, Scope

DAY, HOUR, MINUTE = 24 * 60 * 60, 60 * 60, 60
START = 1000 * DAY
END = START + DAY
FOREVER = END + 30 * DAY  # when a session that is never ended reaches its longest life
GAP = 5  # seconds from one request of a visit to the next
LONGEST_VISIT = 60  # requests
KEPT = 0.4  # of the sessions were open before the day began
SINGLE = 0.02  # of the sessions have one access token revoked, by an app, and go on
DEVICES = (1, 1, 1, 1, 1, 2, 2, 2, 3, 3)
VISITS = (1, 1, 2, 3)


@dataclass(frozen=True)
class Day:
    """What can be set. *life*: of an access token, and *poll*: from one poll to the next, in seconds.

    *leaving*: percent of the sessions that end with Sign Out.
    """

    people: int = 2000
    life: int = 300
    poll: int = 15
    leaving: int = 20
    seed: int = 1


class Token(NamedTuple):
    """An access token as a verifier sees it."""

    jti: str
    sid: str
    sub: str
    opened: int
    exp: int


class Ending(NamedTuple):
    """A Sign Out: the newest token of the session, and for how much longer a cached answer about it is believed."""

    token: Token
    cached: float


@dataclass(frozen=True)
class Happened:
    """What the day was made of: *visits* by the time of their first request, *endings* by the position of their entry."""

    entries: list[Entry]
    visits: list[tuple[int, Token]]
    endings: dict[int, Ending]
    owners: dict[int, str]  # who opened a session, by the position at which it opened
    sessions: int
    requests: int
    questions: int  # to an issuer whose answers are kept from one poll to the next


@dataclass(slots=True)
class _Session:
    sid: str
    sub: str
    began: int
    visits: list[int]
    requests: list[int]
    ends: int | None = None
    single: int | None = None  # when one token of it was revoked
    opened: int = 0


def simulate(day: Day) -> Happened:
    """Let the day happen."""
    chance = Random(day.seed)  # noqa: S311 - people of a simulation, no secrets
    sessions = [session for number in range(day.people) for session in _person(f"u{number}", day, chance)]
    entries, endings = _log(sessions, day, chance)
    visits = [(at, session) for session in sessions for at in session.visits]
    visits.sort(key=lambda visit: visit[0])
    requests = [count for session in sessions for count in session.requests]
    each = -(-day.poll // GAP)  # requests for which one answer does
    return Happened(
        entries,
        [(at, Token("", found.sid, found.sub, found.opened, at + day.life)) for at, found in visits],
        endings,
        {session.opened: session.sub for session in sessions},
        len(sessions),
        sum(requests),
        sum(-(-count // each) for count in requests),
    )


def _person(sub: str, day: Day, chance: Random) -> Iterator[_Session]:
    for number in range(chance.choice(DEVICES)):
        kept = chance.random() < KEPT
        first = _hour(6, chance)
        visits = sorted([first, *(_hour((first - START) / HOUR, chance) for _ in range(chance.choice(VISITS) - 1))])
        requests = [min(1 + int(chance.expovariate(1 / 11)), LONGEST_VISIT) for _ in visits]
        session = _Session(f"{sub}.{number}", sub, START if kept else first, visits, requests)
        if chance.random() * 100 < day.leaving:
            session.ends = visits[-1] + requests[-1] * GAP
        elif chance.random() < SINGLE:
            session.single = visits[-1] + GAP
            session.visits.append(session.single + MINUTE)  # goes on, with a fresh token
            session.requests.append(1)
        yield session


def _hour(earliest: float, chance: Random) -> int:
    """Return a time of day: quiet at night, most lively at noon."""
    return START + int(chance.triangular(earliest, 23.5, max(earliest, 12)) * HOUR)


def _log(sessions: list[_Session], day: Day, chance: Random) -> tuple[list[Entry], dict[int, Ending]]:
    entries: list[Entry] = []
    endings: dict[int, Ending] = {}
    for position, (at, number) in enumerate(sorted(_moments(sessions)), start=1):
        session = sessions[number]
        if not session.opened:
            session.opened = position
            entries.append(Entry(position, Kind.OPENED, Scope.SESSION, session.sid, position, FOREVER, at, None, None))
            continue
        left = 1 + int(chance.random() * day.life)
        token = Token(f"t{position}", session.sid, session.sub, session.opened, at + left)
        ends = session.ends is not None
        scope, subject = (Scope.SESSION, session.sid) if ends else (Scope.TOKEN, token.jti)
        entries.append(Entry(position, Kind.REVOKED, scope, subject, session.opened, token.exp, at, "signed_out", None))
        if ends:
            endings[position] = Ending(token, chance.random() * day.poll)
    return entries, endings


def _moments(sessions: list[_Session]) -> Iterator[tuple[int, int]]:
    """Return when something is written to the log, and by which session: first that it opened, then perhaps an end."""
    for number, session in enumerate(sessions):
        yield session.began, number
        over = session.ends or session.single
        if over:
            yield over, number
