"""People as an administrator finds and sees them."""

import re
from dataclasses import dataclass
from typing import Any

from flask import request

from app import clock
from app.config import DAY
from app.identity import activity, directory, sessions
from app.identity.directory import Listed, Place
from app.identity.users import User
from app.mail import links
from app.mail.links import Purpose
from app.web import guard, lifeline, session_list
from app.web.session_list import ListedSession

PAGE_SIZE = 25  # accounts
MOST_COUNTED = 1000  # accounts
MOST_DEVICES = 10  # of each account, counted for the list
LONGEST_SEARCH = 320  # characters of what is looked for: an address fits
LISTED_DAYS = 30
LISTED_SESSIONS = 100  # live sessions of either kind
ENDED_SESSIONS = 20
EVENTS = 20
_BEFORE = re.compile(r"([0-9]{1,15})-([\w-]{1,64})", re.ASCII)


@dataclass(frozen=True)
class PeoplePage:
    """One page of accounts. *count*: of a search, how many are on it, else how many there are; *has_more*: there are more.

    *is_later*: it is not the first; *older*: the place where the next one begins, as `before` names it.
    *is_partial*: not all accounts were searched. *signed_in*: in how many browsers, or `MOST_DEVICES`, by
    the person's id.
    """

    text: str
    accounts: list[Listed]
    count: int
    has_more: bool
    is_later: bool
    older: str | None
    is_partial: bool
    signed_in: dict[str, int]


def search(text: str, before: str) -> PeoplePage:
    """Find people by a part of their address or name, or by their id."""
    text = text.replace("\0", "").strip()[:LONGEST_SEARCH]
    place = _place(before)
    found = directory.search(text, PAGE_SIZE, place) if text else directory.newest(PAGE_SIZE, place)
    counted = directory.count(MOST_COUNTED)
    return PeoplePage(
        text=text,
        accounts=found.accounts,
        count=len(found.accounts) if text else min(counted, MOST_COUNTED),
        has_more=found.older is not None and not found.is_partial if text else counted > MOST_COUNTED,
        is_later=place is not None,
        older="{}-{}".format(*found.older) if found.older else None,
        is_partial=found.is_partial,
        signed_in=sessions.live_each((account.id for account in found.accounts), MOST_DEVICES),
    )


def _place(text: str) -> Place | None:
    """Parse what `PeoplePage.older` holds. Anything else is the beginning of the list."""
    found = _BEFORE.fullmatch(text)
    return Place(int(found[1]), found[2]) if found else None


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
        "events": activity.latest(person.id, EVENTS),
        "done": _done(person, listed),
    }


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
