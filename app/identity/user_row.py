"""The row of an account, read together with that of one of its sessions."""

from sqlalchemy import bindparam, select

from app.identity import session_row
from app.identity.session import Session
from app.identity.session_row import SessionRow
from app.identity.users import Account, User
from app.store import prebuilt
from app.store.prebuilt import Row


class UserRow(Row, Account):
    """The row of an account as it was read."""


_SESSIONS, _USERS = prebuilt.table(Session), prebuilt.table(User)
_READ = (
    select(*session_row.COLUMNS, *_USERS.c)
    .join_from(_SESSIONS, _USERS, _USERS.c.id == _SESSIONS.c.user_id)
    .where(_SESSIONS.c.id == bindparam("sid"))
)


def of_session(sid: str) -> tuple[SessionRow, UserRow] | None:
    """Return the session of this id and its user, by one statement."""
    row = prebuilt.look(_READ, sid=sid)
    return (
        (session_row.read(row), UserRow(zip(_USERS.c.keys(), row[session_row.WIDTH :], strict=True))) if row else None
    )
