"""A session's row as it was read: not an ORM object, so it is cheap to read and cannot be changed."""

from dataclasses import dataclass, fields, replace
from functools import cached_property
from typing import Any, NamedTuple

from sqlalchemy import bindparam, insert, select, update

from app import clock
from app.identity.browsers import Browser
from app.identity.session import Session, Standing, columns_of_use
from app.identity.users import User
from app.revocation import log
from app.store import prebuilt


class Ending(NamedTuple):
    """By what entry of the log a session was ended."""

    at: int
    reason: str | None
    actor: str | None


@dataclass(frozen=True)
class SessionRow(Standing):
    """What the hot acts need of a session; `Session` says what each column means."""

    id: str
    user_id: str
    client_id: str
    scope: str
    opened: int
    began_at: int
    last_auth_at: int
    last_seen_at: int
    idle_until: int
    expires_at: int
    access_until: int
    keep: bool
    user_agent: str
    address: str
    ended_entry: int | None
    parent_id: str | None
    places: dict[str, list[str]] | None
    warned: int | None
    chains: int
    amr: str | None
    name: str | None
    began_as: str | None
    device_key: bytes | None
    bound_at: int | None

    is_new = False  # it has begun, and is not yet written

    @cached_property
    def parent(self) -> "SessionRow | None":
        """The browser session that an app's hangs on, read at its first use."""
        return find(self.parent_id) if self.parent_id else None

    def covering(self) -> int | None:
        """Return what ended it, if something did; what it hangs on is read by the same statement."""
        if "parent" in vars(self) or self.parent_id is None or self.is_offline:
            return super().covering()
        position, row = log.covering_beside(_COVERING, (self.id, self.user_id), self.opened, parent=self.parent_id)
        vars(self)["parent"] = _whole(row)
        return position

    @cached_property
    def ending(self) -> Ending | None:
        """The entry by which it was ended, read at its first use."""
        row = None if self.ended_entry is None else prebuilt.ask(_ENDING, position=self.ended_entry)
        return Ending(*row) if row else None

    def changed(self, **columns: Any) -> "SessionRow":
        """Return a copy with these values, and the same parent, which is not read again."""
        after = replace(self, **columns)
        vars(after).update({name: vars(self)[name] for name in ("parent", "is_new") if name in vars(self)})
        return after

    def stored(self) -> "SessionRow":
        """Return a copy that is written."""
        return _under(self.parent, replace(self))

    def used(self, browser: Browser | None, *, access_until: int) -> "SessionRow":
        """Return a copy after a token good until then was issued, and *browser*, if any, used the session."""
        issued = self.changed(access_until=max(self.access_until, access_until))
        if browser is None or self.last_seen_at >= clock.now():
            return issued
        return issued.changed(**columns_of_use(browser, self.user_agent))


_SESSIONS, _USERS = prebuilt.table(Session), prebuilt.table(User)
COLUMNS = tuple(_SESSIONS.c[field.name] for field in fields(SessionRow))
WIDTH = len(COLUMNS)
_PARENT = _SESSIONS.alias("parent")
_OF_PARENT = tuple(_PARENT.c[field.name] for field in fields(SessionRow))
BOTH = (*COLUMNS, *_OF_PARENT)
OF_ITS_PARENT = _PARENT, _PARENT.c.id == _SESSIONS.c.parent_id
_COVERING = log.beside(_PARENT, _PARENT.c.id == bindparam("parent"), *_OF_PARENT)
_NOTED = "access_until", "last_seen_at", "idle_until", "address", "user_agent"
_GIVEN = "access_until", "last_seen_at", "idle_until", "scope", "last_auth_at", "expires_at", "chains"
_IT = update(_SESSIONS).where(_SESSIONS.c.id == bindparam("sid"))
NOTE = _IT.values({name: bindparam(f"now_{name}") for name in _NOTED})
NOTE_GIVEN = _IT.values({name: bindparam(f"now_{name}") for name in _GIVEN})
_EMPTY: dict[str, Any] = dict.fromkeys(column.name for column in COLUMNS) | {"chains": 0}
ADD = insert(_SESSIONS).values({"proofs": 0} | {name: bindparam(f"begun_{name}") for name in _EMPTY})
_ENTRIES = prebuilt.table(log.LogEntry)
ENDING = tuple(_ENTRIES.c[name] for name in Ending._fields)
_ENDING = select(*ENDING).where(_ENTRIES.c.position == bindparam("position"))
_READ = select(*COLUMNS).where(_SESSIONS.c.id == bindparam("sid"))
LOCKED = _USERS, _SESSIONS  # PostgreSQL takes the locks in this order
_LOCK = _READ.join(_USERS, _USERS.c.id == _SESSIONS.c.user_id).with_for_update(of=LOCKED)


def read(row: Any, *, parent: SessionRow | None = None) -> SessionRow:
    """Return the session of a row that begins with `COLUMNS`. *parent*: what it hangs on, if that was read."""
    return _under(parent, SessionRow(*row[:WIDTH]))


def read_both(row: Any) -> SessionRow:
    """Return the session of a row that begins with `BOTH`, with what it hangs on."""
    session = SessionRow(*row[:WIDTH])
    vars(session)["parent"] = _whole(row[WIDTH : 2 * WIDTH])
    return session


def _whole(row: Any) -> SessionRow | None:
    return None if row[0] is None else SessionRow(*row)


def _under(parent: SessionRow | None, session: SessionRow) -> SessionRow:
    if parent:
        vars(session)["parent"] = parent
    return session


def read_ended(row: Any) -> SessionRow:
    """Return the session of a row of `COLUMNS` and, where it was ended, `ENDING`."""
    session = read(row)
    vars(session)["ending"] = None if session.ended_entry is None else Ending(*row[WIDTH:])
    return session


def find(sid: str) -> SessionRow | None:
    """Return the session of this id."""
    row = prebuilt.look(_READ, sid=sid)
    return read(row) if row else None


def lock(sid: str) -> SessionRow | None:
    """Return the session as it is now, its user's row locked first, both held until the transaction ends.

    None if there is none: its account may have been deleted meanwhile.
    """
    row = prebuilt.ask(_LOCK, sid=sid)
    return read(row) if row else None


def of(session: Session) -> SessionRow:
    """Return the row of an ORM object."""
    return SessionRow(*(getattr(session, field.name) for field in fields(SessionRow)))


def new(columns: dict[str, Any], *, parent: SessionRow) -> SessionRow:
    """Return the row of an app's session that begins, not yet written."""
    session = _under(parent, SessionRow(**(_EMPTY | columns)))
    vars(session)["is_new"] = True
    return session


def add(session: SessionRow) -> None:
    """Write the row of an app's session that begins. Must run inside `db.writing`."""
    prebuilt.write(ADD, **added(session))


def added(session: SessionRow) -> dict[str, Any]:
    """Return the values of `ADD`."""
    return {f"begun_{name}": getattr(session, name) for name in _EMPTY}


def note(session: SessionRow) -> None:
    """Write what `SessionRow.used` has changed. Must run inside `db.writing`, with the row locked."""
    prebuilt.write(NOTE, **noted(session))
    prebuilt.forget(Session)


def noted(session: SessionRow) -> dict[str, Any]:
    """Return the values of `NOTE`."""
    return _values(session, _NOTED)


def given(session: SessionRow) -> dict[str, Any]:
    """Return the values of `NOTE_GIVEN`: what another exchange of a code has changed."""
    return _values(session, _GIVEN)


def _values(session: SessionRow, names: tuple[str, ...]) -> dict[str, Any]:
    return {"sid": session.id} | {f"now_{name}": getattr(session, name) for name in names}
