"""Warnings: a session was used from a new place, and its owner has not answered yet."""

from collections.abc import Iterable
from dataclasses import dataclass

from app.identity import browsers, suspicion
from app.identity.activity import Event
from app.identity.session import Standing
from app.network import countries
from app.web import words


@dataclass(frozen=True)
class Use:
    """One use from a new place, *at* (Unix seconds): *what* was new, and *who* came from where, as far as they say."""

    at: int
    what: str
    who: str


@dataclass(frozen=True)
class Warning:
    """What is shown of one session. *called*: by what its owner knows it. *seen*: the last of the *uses*, to be answered."""

    sid: str
    current: bool
    called: str
    began_at: int
    uses: list[Use]
    seen: int


def build(listed: Iterable[Standing], current: Standing) -> dict[str, Warning]:
    """Return the warnings about these sessions of one person, by their ids, as seen from *current*."""
    known = {session.id: session for session in listed}
    standing = suspicion.warnings(current.user_id, known.values())
    return {sid: _warning(known[sid], events, current) for sid, events in standing.items()}


def called(session: Standing) -> str:
    """Return its name, or else its browser."""
    return session.name or browsers.describe(session.user_agent).label


def newest(session: Standing) -> int | None:
    """Return when the newest of its warnings was given (Unix seconds), or None if none stands."""
    return max((event.at for event in suspicion.warnings(session.user_id, [session]).get(session.id, [])), default=None)


def _warning(session: Standing, events: list[Event], current: Standing) -> Warning:
    return Warning(
        sid=session.id,
        current=session.id == current.id,
        called=called(session),
        began_at=session.began_at,
        uses=[_use(event) for event in events],
        seen=events[-1].id,
    )


def _use(event: Event) -> Use:
    who = ", ".join(filter(None, (browsers.label(event.user_agent), countries.beside(event.address))))
    return Use(event.at, words.new_place(event.event), who)
