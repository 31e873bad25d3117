"""A day in two lists: sessions begin evenly, every second one signs out after half an hour, the others lapse."""

from app.revocation.checkers.allowlist import Allowlist
from app.revocation.checkers.denylist import Denylist
from app.revocation.entries import Entry, Kind, Scope

SESSIONS = 10_000
DAY = 24 * 60 * 60
STAY_SECONDS = 30 * 60
LAPSE_SECONDS = 8 * 60 * 60
ACCESS_SECONDS = 5 * 60
ID_BYTES = 16


def spend() -> tuple[Allowlist, Denylist]:
    """Return the list of the valid and that of the revoked, as they are when the day is over."""
    begins = [(number * DAY // SESSIONS, number, Kind.OPENED) for number in range(SESSIONS)]
    ends = [(at + STAY_SECONDS, number, Kind.REVOKED) for at, number, _ in begins if number % 2]
    valid, revoked = Allowlist(), Denylist()
    for position, (at, number, kind) in enumerate(sorted(begins + ends), 1):
        if at > DAY:
            break
        until = at + (LAPSE_SECONDS if kind is Kind.OPENED else ACCESS_SECONDS)
        entry = Entry(position, kind, Scope.SESSION, str(number), number, until, at, None, None)
        valid.apply(entry)
        revoked.apply(entry)
    valid.forget(DAY)
    revoked.forget(DAY)
    return valid, revoked
