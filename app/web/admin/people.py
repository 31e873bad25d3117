"""People as an administrator finds and sees them."""

from dataclasses import dataclass
from typing import Any

from flask import request

from app import clock
from app.config import DAY
from app.identity import activity, browsers, sessions, users
from app.identity.users import User
from app.mail import links
from app.mail.links import Purpose
from app.web import guard, lifeline, session_list
from app.web.session_list import ListedSession

PAGE_SIZE = 25  # accounts
MOST_PAGES = 1000  # pages
LONGEST_SEARCH = 320  # characters of what is looked for: an address fits
LISTED_DAYS = 30
LISTED_SESSIONS = 100  # live sessions of either kind
ENDED_SESSIONS = 20
EVENTS = 20


@dataclass(frozen=True)
class PeoplePage:
    """One page of accounts. *signed_in*: in how many browsers, by the person's id."""

    text: str
    people: list[User]
    count: int
    page: int
    signed_in: dict[str, int]

    @property
    def pages(self) -> int:
        return min(MOST_PAGES, -(-self.count // PAGE_SIZE))


def search(text: str, page: int) -> PeoplePage:
    """Find people by a part of their address or name, or by their id."""
    text = text.replace("\0", "").strip()[:LONGEST_SEARCH]
    page = min(max(1, page), MOST_PAGES)
    people, count = users.search(text, start=(page - 1) * PAGE_SIZE, count=PAGE_SIZE)
    return PeoplePage(text, people, count, page, sessions.live_each(person.id for person in people))


def about(person: User) -> dict[str, Any]:
    """Return what the page of a person shows."""
    current = guard.current().session
    over = sessions.ended(person.id, clock.now() - LISTED_DAYS * DAY, ENDED_SESSIONS).sessions
    listed = session_list.build(
        [*sessions.live(person.id, count=LISTED_SESSIONS), *sessions.apps(person.id)[:LISTED_SESSIONS], *over], current
    )
    live = [row for row in listed if row.state != "ended"]
    signed_in = [row for row in live if row.app is None]
    ids = {row.id for row in signed_in}
    return {
        "person": person,
        "is_own": person.id == current.user_id,
        "count": sessions.count_live(person.id),
        "live": signed_in,
        "apps": [row for row in live if row.app],
        "alone": [row for row in live if row.app and row.parent not in ids],
        "ended": [row for row in listed if row.state == "ended"],
        "lines": lifeline.row_lines(listed, clock.now()),
        "events": _events(person),
        "done": _done(person, listed),
    }


def _events(person: User) -> list[dict[str, Any]]:
    return [
        {
            "at": event.at,
            "event": event.event,
            "label": browsers.label(event.user_agent),
            "address": event.address,
        }
        for event in activity.latest(person.id, EVENTS)
    ]


def _done(person: User, listed: list[ListedSession]) -> dict[str, str | None] | None:
    """Return the result of the last act as far as the page bears it out: an address proves nothing."""
    verb, sid = request.args.get("done", ""), request.args.get("sid")
    over = any(row.id == sid and row.state == "ended" for row in listed)
    borne_out = {
        "ended": over,
        "already": over,
        "all": all(row.state == "ended" for row in listed),
        "sent": verb == "sent" and links.count_open(person.id, Purpose.RECOVER) > 0,
        "disabled": person.disabled_at is not None,
        "enabled": person.disabled_at is None,
        "own": person.id == guard.current().session.user_id,
    }
    return {"verb": verb, "sid": sid} if borne_out.get(verb) else None
