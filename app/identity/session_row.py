"""The row of a session, as the hot acts read and write it: without the ORM."""

from collections.abc import Sequence
from functools import cached_property
from typing import Any

from sqlalchemy import bindparam, insert, select, update

from app import clock
from app.identity.browsers import Browser
from app.identity.lifetime import State
from app.identity.session import Ending, Session, Standing, columns_of_use
from app.identity.users import User
from app.revocation import log
from app.store import prebuilt
from app.store.prebuilt import Row, Statement


class SessionRow(Row, Standing):
    """The row of a session. *is_new*: it has begun, and is not yet written."""

    is_new = False

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

    def while_it_goes_on(self, statement: Statement, **values: Any) -> Sequence[Any] | None:
        """Return what *statement*, one of `log.beside`, reads at the moment at which the log says that it goes on, as
        `goes_on` does; None if it is over."""
        if self.state(clock.now()) is not State.LIVE:
            return None
        position, row = log.covering_beside(statement, (self.id, self.user_id), self.opened, **values)
        return row if position is None else None

    @cached_property
    def ending(self) -> Ending | None:
        """The entry by which it was ended, read at its first use."""
        row = None if self.ended_entry is None else prebuilt.ask(_ENDING, position=self.ended_entry)
        return Ending(*row) if row else None

    def changed(self, **columns: Any) -> "SessionRow":
        """Return a copy with these values; what was read with it is not read again."""
        return SessionRow(vars(self), **columns)

    def stored(self) -> "SessionRow":
        """Return a copy that is written."""
        return self.changed(is_new=False)

    def used(self, browser: Browser | None, *, access_until: int) -> "SessionRow":
        """Return a copy after a token good until then was issued, and *browser*, if any, used the session."""
        issued = self.changed(access_until=max(self.access_until, access_until))
        if browser is None or self.last_seen_at >= clock.now():
            return issued
        return issued.changed(**columns_of_use(browser, self.user_agent))


_SESSIONS, _USERS = prebuilt.table(Session), prebuilt.table(User)
COLUMNS, _NAMES = tuple(_SESSIONS.c), _SESSIONS.c.keys()
WIDTH = len(COLUMNS)
_PARENT = _SESSIONS.alias("parent")
BOTH = (*COLUMNS, *_PARENT.c)
OF_ITS_PARENT = _PARENT, _PARENT.c.id == _SESSIONS.c.parent_id
_COVERING = log.beside(_PARENT, _PARENT.c.id == bindparam("parent"), *_PARENT.c)
_NOTED = "access_until", "last_seen_at", "idle_until", "address", "user_agent"
_GIVEN = "access_until", "last_seen_at", "idle_until", "scope", "last_auth_at", "expires_at", "chains"
_IT = update(_SESSIONS).where(_SESSIONS.c.id == bindparam("sid"))
NOTE = _IT.values({name: bindparam(f"now_{name}") for name in _NOTED})
NOTE_GIVEN = _IT.values({name: bindparam(f"now_{name}") for name in _GIVEN})
_SENT = [(name, f"now_{name}") for name in _NAMES]
_EMPTY: dict[str, Any] = dict.fromkeys(_NAMES) | {"chains": 0, "proofs": 0}
ADD = insert(_SESSIONS).values({name: bindparam(f"now_{name}") for name in _NAMES})
_ENTRIES = prebuilt.table(log.LogEntry)
ENDING = tuple(_ENTRIES.c[name] for name in Ending._fields)
_ENDING = select(*ENDING).where(_ENTRIES.c.position == bindparam("position"))
_READ = select(*COLUMNS).where(_SESSIONS.c.id == bindparam("sid"))
LOCKED = _USERS, _SESSIONS  # PostgreSQL takes the locks in this order
_LOCK = _READ.join(_USERS, _USERS.c.id == _SESSIONS.c.user_id).with_for_update(of=LOCKED)


def read(row: Any, **known: Any) -> SessionRow:
    """Return the session of a row that begins with `COLUMNS`. *known*: its `parent`, if that was read too."""
    return SessionRow(zip(_NAMES, row, strict=False), **known)


def read_both(row: Any) -> SessionRow:
    """Return the session of a row that begins with `BOTH`, with what it hangs on."""
    return read(row, parent=_whole(row[WIDTH:]))


def _whole(row: Any) -> SessionRow | None:
    return None if row[0] is None else read(row)


def read_ended(row: Any) -> SessionRow:
    """Return the session of a row of `COLUMNS` and, where it was ended, `ENDING`."""
    return read(row, ending=None if row[WIDTH] is None else Ending(*row[WIDTH:]))


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
    return SessionRow({name: getattr(session, name) for name in _NAMES})


def new(columns: dict[str, Any], *, parent: SessionRow) -> SessionRow:
    """Return the row of an app's session that begins, not yet written."""
    return SessionRow(_EMPTY, **columns, parent=parent, is_new=True)


def note(session: SessionRow) -> None:
    """Write what `SessionRow.used` has changed. Must run inside `db.writing`, with the row locked."""
    prebuilt.write(NOTE, **values(session))
    prebuilt.forget(Session)


def values(session: SessionRow) -> dict[str, Any]:
    """Return the values of `ADD`, `NOTE` and `NOTE_GIVEN`."""
    row = vars(session)
    return {"sid": session.id} | {sent: row[name] for name, sent in _SENT}
