"""What a receipt says of an ended session, read by one statement."""

from typing import NamedTuple

from sqlalchemy import bindparam, exists, func, or_, select

from app import clock, prebuilt
from app.identity import session_row
from app.identity.session import SITE, Session, lives
from app.identity.session_row import SessionRow
from app.revocation.log import LogEntry

_ENDED, _ENTRIES = prebuilt.table(Session), prebuilt.table(LogEntry)
_OTHER, _APP = _ENDED.alias("other"), _ENDED.alias("app")
_READ = (
    select(
        *session_row.COLUMNS,
        _ENTRIES.c.at,
        select(func.count())
        .where(_OTHER.c.user_id == _ENDED.c.user_id, _OTHER.c.client_id == SITE, *lives(_OTHER))
        .scalar_subquery(),
        exists()
        .where(_APP.c.user_id == _ENDED.c.user_id, _APP.c.client_id != SITE)
        .where(or_(_APP.c.parent_id == _ENDED.c.id, _APP.c.ended_entry == _ENDED.c.ended_entry)),
    )
    .outerjoin_from(_ENDED, _ENTRIES, _ENTRIES.c.position == _ENDED.c.ended_entry)
    .where(_ENDED.c.id == bindparam("sid"))
)


class Farewell(NamedTuple):
    """*at*: when the log ended it; *others*: in how many browsers its user stays signed in; *has_apps*: whether apps
    lost with it what they held, or go on without it."""

    session: SessionRow
    at: int | None
    others: int
    has_apps: bool

    @property
    def ended_at(self) -> int:
        """When the log ended it, or when it timed out before that."""
        return min(self.session.ends_at, clock.now()) if self.at is None else self.at


def read(sid: str) -> Farewell:
    """Return it for a session. Raises LookupError if a purge has removed that."""
    row = prebuilt.ask(_READ, sid=sid, now=clock.now())
    if row is None:
        raise LookupError(sid)
    return Farewell(session_row.read(row), *row[session_row.WIDTH :])
