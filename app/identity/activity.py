"""What happened to an account: a list for its owner, and one JSON line for each event for the operator."""

from bisect import bisect_left
from typing import NamedTuple

from sqlalchemy import Index, String, bindparam, func, insert, select, text
from sqlalchemy.orm import Mapped, mapped_column

from app import clock
from app.identity import browsers, notice
from app.identity.browsers import Browser
from app.identity.session import Session, Standing
from app.store import prebuilt
from app.store.db import Model, after_commit, db, partial_index
from app.telemetry import security_log

NO_ACCOUNT = ""
LOOKED_AT = 1000  # fewer events in a row by a clock that was ahead keep none behind them from a purge
# A constant: with parameters, the partial index may not be used.
_IS_REUSE = text("event IN ('refresh_reused', 'refresh_interrupted', 'code_reused')")


class Event(Model):
    """One event of an account, or of `NO_ACCOUNT`. *session_id*: where it happened, or which session it happened to.

    *amr*: of a sign-in or a confirmation, how the user proved who they are (see `proof`).
    *notice*: where its owner is told of it besides, as `notice` says.
    """

    __tablename__ = "activity"
    __table_args__ = (
        Index("activity_of_user", "user_id", "id"),
        partial_index("activity_of_reuse", "id", where=_IS_REUSE),
    )
    id: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[str] = mapped_column(String(64))
    session_id: Mapped[str | None] = mapped_column(String(64))
    event: Mapped[str] = mapped_column(String(32))
    at: Mapped[int]
    address: Mapped[str | None] = mapped_column(String(64))
    user_agent: Mapped[str | None] = mapped_column(String(512))
    amr: Mapped[str | None] = mapped_column(String(64))
    notice: Mapped[str | None] = mapped_column(String(8))


class Happened(NamedTuple):
    """The part of an event that reports show; `Event` says what each column means."""

    id: int
    user_id: str
    event: str
    at: int
    address: str | None
    user_agent: str | None


_EVENTS = prebuilt.table(Event)
_LATEST_REUSE = (
    select(*(_EVENTS.c[name] for name in Happened._fields))
    .where(_IS_REUSE)
    .order_by(_EVENTS.c.id.desc())
    .limit(bindparam("count"))
)
_ADD = insert(_EVENTS).returning(_EVENTS.c.id)
_SESSIONS = prebuilt.table(Session)
_TOLD = select(_EVENTS.c.session_id).where(
    _EVENTS.c.user_id == bindparam("user"),
    _EVENTS.c.event == "signed_in",
    _EVENTS.c.notice == notice.MAIL,
    _EVENTS.c.session_id.in_(
        select(_SESSIONS.c.id).where(_SESSIONS.c.user_id == bindparam("user"), _SESSIONS.c.ended_entry.is_(None))
    ),
)


def record(
    event: str,
    user_id: str,
    session: Standing | None = None,
    *,
    browser: Browser | None = None,
    amr: str | None = None,
    is_new: bool = False,
) -> int:
    """Add *event* to the list of the account, and its line to the log; send the notice that it may call for. Return its
    number. Must run inside `db.writing`.

    *is_new*: told, though most events of this name are not. *browser*: the one that caused it; else that of the session
    is noted. The line names both addresses if the session was last used at another one.
    """
    sid, address = session.id if session else None, browser.address if browser else None
    last = session.address if session and address not in (None, session.address) else None
    about = browser or (session and Browser(session.user_agent, session.address))
    row = prebuilt.ask(
        _ADD,
        user_id=user_id,
        session_id=sid,
        event=event,
        at=clock.now(),
        address=about.address if about else None,
        user_agent=about.user_agent if about else None,
        amr=amr,
        notice=notice.tell(event, user_id, session, about or None) if is_new or notice.is_due(event) else None,
    )
    after_commit(
        lambda: security_log.line(
            event, user=user_id or None, session=sid, address=address or None, last_address=last, amr=amr
        )
    )
    return int(row[0]) if row else 0


def act(event: str, session: Standing, *, amr: str | None = None) -> int:
    """Record what the holder of this session did, and from where. Must run inside `db.writing`, in a request."""
    return record(event, session.user_id, session, browser=browsers.here(), amr=amr)


def latest(user_id: str, count: int = 50) -> list[Event]:
    """Return the newest events of an account, the newest first."""
    return list(
        db.session.scalars(select(Event).where(Event.user_id == user_id).order_by(Event.id.desc()).limit(count))
    )


def told_by_mail(user_id: str) -> set[str]:
    """Return the ids of the user's sessions that were not ended and whose sign-in was reported by mail."""
    return {sid for (sid,) in prebuilt.rows(_TOLD, user=user_id)}


def latest_reuse(count: int) -> list[Happened]:
    """Return the newest uses of a token or a code that had been used, of all accounts, the newest first."""
    return [Happened(*row) for row in prebuilt.rows(_LATEST_REUSE, count=count)]


def first_since(then: int) -> int:
    """Return the id of the first event that no older one than *then* (Unix seconds) follows, or the next that will be given.

    Ids ascend with time, so a few look-ups find it without an index. Each looks at many events: a clock may have been wrong.
    """
    newest = db.session.scalar(select(func.max(Event.id))) or 0
    some = select(Event.at).order_by(Event.id).limit(LOOKED_AT)

    def oldest_from(id_: int) -> int:
        return min(db.session.scalars(some.where(Event.id >= id_)), default=then)  # a purge beside this may leave none

    return bisect_left(range(newest + 1), then, key=oldest_from)
