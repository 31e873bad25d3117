"""An account's row as it was read, with that of one of its sessions: not ORM objects, so they cannot be changed."""

from dataclasses import dataclass, fields

from sqlalchemy import bindparam, select

from app.identity import session_row
from app.identity.session import Session
from app.identity.session_row import SessionRow
from app.identity.users import Account, User
from app.store import prebuilt


@dataclass(frozen=True, eq=False, repr=False)  # no message shows a hash or a sealed secret
class UserRow(Account):
    """What pages need of an account; `User` says what each column means."""

    id: str
    email: str
    mailbox: str | None
    name: str
    password_hash: str
    password_version: int
    created_at: int
    is_admin: bool
    totp: bytes | None
    totp_step: int | None
    verified_at: int | None
    lost: str | None


_SESSIONS, _USERS = prebuilt.table(Session), prebuilt.table(User)
_READ = (
    select(*session_row.COLUMNS, *(_USERS.c[field.name] for field in fields(UserRow)))
    .join_from(_SESSIONS, _USERS, _USERS.c.id == _SESSIONS.c.user_id)
    .where(_SESSIONS.c.id == bindparam("sid"))
)


def of_session(sid: str) -> tuple[SessionRow, UserRow] | None:
    """Return the session of this id and its user, by one statement."""
    row = prebuilt.look(_READ, sid=sid)
    return (session_row.read(row), UserRow(*row[session_row.WIDTH :])) if row else None
