"""The session: one signed-in browser, or one app's grant. The unit of revocation."""

import secrets
from collections.abc import Sequence
from enum import StrEnum
from typing import TYPE_CHECKING, Any, NamedTuple, Self

from sqlalchemy import (
    JSON,
    ColumnElement,
    ForeignKey,
    FromClause,
    Index,
    LargeBinary,
    String,
    bindparam,
    func,
    select,
    text,
    update,
)
from sqlalchemy.orm import Mapped, mapped_column, relationship
from sqlalchemy.orm.attributes import set_committed_value
from sqlalchemy.orm.util import identity_key
from sqlalchemy.sql.dml import ReturningUpdate

from app import clock
from app.config import settings
from app.identity import proof
from app.identity.browsers import Browser, describe
from app.identity.lifetime import State, outlives
from app.identity.users import User
from app.revocation import delivery, log
from app.revocation.entries import Entry, Kind, Scope
from app.store import prebuilt
from app.store.db import Model, db, partial_index

SITE = "signed-out"  # the client id of this site's own pages
UNKEPT_SECONDS = 12 * 60 * 60
SEEN_SECONDS = 60
CLOCKS_DIFFER_SECONDS = 5  # more than the clocks of two nodes may differ


class Reason(StrEnum):
    """Why a session was ended."""

    SIGNED_OUT = "signed_out"
    ENDED_ELSEWHERE = "ended_elsewhere"
    ENDED_OTHERS = "ended_others"
    ENDED_EVERYWHERE = "ended_everywhere"
    PASSWORD_CHANGED = "password_changed"  # noqa: S105 - a name, not a secret
    FACTOR_CHANGED = "factor_changed"
    RECOVERED = "recovered"
    ADDRESS_LOST = "address_lost"
    NOT_ME = "not_me"
    REPLACED = "replaced"
    TOO_MANY = "too_many"
    REUSE = "reuse"
    NEW_PLACE = "new_place"
    INTERRUPTED = "interrupted"  # no longer given: old entries of the log have it
    REVOKED = "revoked"
    BROWSER_ENDED = "browser_ended"
    CODE_REUSED = "code_reused"
    APP_REMOVED = "app_removed"
    BY_ADMIN = "by_admin"
    DISABLED = "account_disabled"
    DELETED = "account_deleted"


def longest_life(*, keep: bool) -> int:
    """Return how many seconds a browser may stay signed in, even in use."""
    most = settings().session_max_seconds
    return most if keep else min(most, UNKEPT_SECONDS)


class Standing:
    """One signed-in browser, or one app's grant. All times are Unix seconds; both time-outs are fixed when written.

    *opened*: its position in the log. *access_until*: the greatest expiry of any access token issued under it.
    *last_auth_at*: the latest proof of identity, for lists. What a browser may do by it depends on the tokens it holds.
    *ended_entry*: written by the log's projection, for lists; whether a token is accepted asks the log itself.
    *parent_id*: for a grant, the browser session that gave it, or that replaced that one. The grant hangs on that one, and
    is over with it, unless its scope has `offline_access`.
    *user_agent*: the browser that signed in, or the newest of which its owner has said "It was me"; *address*: from where
    it was used last; *places*: from where ever, once that is more than one place.
    *warned*: the first warning about a new place, an event, to which the owner has not said "It was me".
    *chains*: how many chains of refresh tokens have begun in an app's session, one for each exchange of a code.
    *began_as*: the id under which it began, if a change of password has given it another.
    *amr*: how its user had proved who they are when it began (see `proof`).
    *device_key*: the public key that its browser has proved (P-256, both coordinates); *bound_at*: since when it is needed;
    *proofs*: how many were accepted; *asked_for*, *asked_at*: the act for which one was asked last (see `device`).
    """

    id: Mapped[str] = mapped_column(String(64), primary_key=True)
    user_id: Mapped[str] = mapped_column(ForeignKey("users.id"))
    client_id: Mapped[str] = mapped_column(String(64))
    scope: Mapped[str] = mapped_column(String(255))
    opened: Mapped[int]
    began_at: Mapped[int]
    last_auth_at: Mapped[int]
    last_seen_at: Mapped[int]
    idle_until: Mapped[int]
    expires_at: Mapped[int]
    access_until: Mapped[int]
    keep: Mapped[bool]
    user_agent: Mapped[str] = mapped_column(String(512))
    address: Mapped[str] = mapped_column(String(64))
    name: Mapped[str | None] = mapped_column(String(60))
    ended_entry: Mapped[int | None] = mapped_column(ForeignKey("log_entries.position"))
    parent_id: Mapped[str | None] = mapped_column(String(64))
    places: Mapped[dict[str, list[str]] | None] = mapped_column(JSON(none_as_null=True))
    warned: Mapped[int | None]
    chains: Mapped[int] = mapped_column(default=0, server_default="0")
    began_as: Mapped[str | None] = mapped_column(String(64))
    amr: Mapped[str | None] = mapped_column(String(64))
    device_key: Mapped[bytes | None] = mapped_column(LargeBinary(64))
    bound_at: Mapped[int | None]
    proofs: Mapped[int] = mapped_column(default=0, server_default="0")
    asked_for: Mapped[str | None] = mapped_column(String(64))
    asked_at: Mapped[int | None]

    if TYPE_CHECKING:  # the session of `parent_id`, and the entry of `ended_entry`

        @property
        def parent(self) -> "Standing | None": ...

        @property
        def ending(self) -> "log.LogEntry | Ending | None": ...

    @property
    def is_offline(self) -> bool:
        """Whether this is an app's grant that outlives the browser session that gave it."""
        return outlives(self.scope)

    @property
    def holder(self) -> "Standing | None":
        """The browser session that this one hangs on, if it does."""
        return None if self.parent_id is None or self.is_offline else self.parent

    @property
    def longest(self) -> int:
        """When it ends even if it stays in use."""
        holder = self.holder
        return min(self.expires_at, holder.longest) if holder else self.expires_at

    @property
    def ends_at(self) -> int:
        """The nearest of its time-outs, and of those of the session it hangs on."""
        own, holder = min(self.idle_until, self.expires_at), self.holder
        return min(own, holder.ends_at) if holder else own

    def state(self, now: int) -> State:
        """Return whether the session goes on: the one definition of live, timed out and ended."""
        if self.ended_entry is not None:
            return State.ENDED
        if now >= self.expires_at:
            return State.EXPIRED
        if now >= self.idle_until:
            return State.IDLE
        holder = self.holder
        return holder.state(now) if holder else State.LIVE

    @property
    def ended_at(self) -> int | None:
        """When it was ended or timed out, or None while it goes on."""
        if self.ending is not None:
            return self.ending.at
        return self.ends_at if self.ends_at <= clock.now() else None

    @property
    def reason(self) -> str | None:
        """Why it is over, as a code: a `Reason`, `idle` or `expired`; None while it goes on."""
        state = self.state(clock.now())
        if state is State.LIVE:
            return None
        return self.ending.reason if self.ending else state.value

    @property
    def label(self) -> str:
        """How the pages call it: by the name that its owner gave it, or by its browser."""
        return self.name or describe(self.user_agent).label

    @property
    def origin(self) -> str:
        """The id under which it began: the same for all sessions that its owner takes for one."""
        return self.began_as or self.id

    def goes_on(self) -> bool:
        """Decide whether to accept it now, asking the log itself."""
        return self.state(clock.now()) is State.LIVE and self.covering() is None

    def covering(self) -> int | None:
        """Return the position of the first entry of the log that ended it. Raises LogCut."""
        return log.covering((self.id, self.user_id), self.opened)

    def await_end(self) -> bool:
        """Return whether the log says that it was ended; if so, the answer waits until every node knows."""
        position = self.covering()
        delivery.settle(position)
        return position is not None

    def is_at(self, browser: Browser) -> bool:
        """Return whether this browser, at this address, used the session last."""
        return (self.user_agent, self.address) == (browser.user_agent, browser.address)

    def end(self, reason: Reason, *, actor: str | None = None) -> bool:
        """Append that it and what hangs on it are over; return False if it already was, or had timed out.

        Either way the answer waits until every node knows. Must run inside `db.writing`, with the row locked. Its own
        entry comes last: a node that has read this one has read them all.
        """
        if self.await_end() or self._has_timed_out():
            return False  # an entry after a time-out would change when and why it ended
        hanging = [app.over(Reason.BROWSER_ENDED, actor or self.id) for app in self._lock_apps()]
        log.revoke_each([*hanging, self.over(reason, actor)])
        return True

    def over(self, reason: Reason, actor: str | None) -> log.Fact:
        """Return the fact that it is over, for the log."""
        return Life(self.id, self.opened, self.access_until).over(reason, actor)

    def _has_timed_out(self) -> bool:
        """Return whether it has timed out by the clock of every node; a wrong clock cannot tell."""
        return self.ends_at + CLOCKS_DIFFER_SECONDS <= clock.now() and delivery.is_clock_right()

    def _lock_apps(self) -> list["Life"]:
        """Return what ends with it, the rows locked. Nothing hangs on an app's session."""
        if self.client_id != SITE:
            return []
        db.flush()  # this transaction may have changed some of them
        found = prebuilt.rows(_UNDER, sid=self.id, now=clock.now())
        return [Life(*life) for scope, *life in found if not outlives(scope)]


class Ending(NamedTuple):
    """The entry of the log that ended a session."""

    at: int
    reason: str | None
    actor: str | None


class Life(NamedTuple):
    """The facts about a session that its end in the log contains."""

    id: str
    opened: int
    access_until: int

    def over(self, reason: Reason, actor: str | None) -> log.Fact:
        """Return the fact that it is over."""
        return log.Fact(Kind.REVOKED, Scope.SESSION, self.id, self.access_until, self.opened, reason.value, actor)


class Session(Standing, Model):
    """A session as an ORM object. `Standing` says what each column means."""

    __tablename__ = "sessions"
    __table_args__ = (
        Index("sessions_of_user", "user_id", "ended_entry", "expires_at"),
        Index("sessions_of_parent", "parent_id", "client_id"),
        Index("sessions_by_expiry", "expires_at"),
        partial_index("sessions_by_ending", "ended_entry", where=text("ended_entry IS NOT NULL")),
    )
    user: Mapped[User] = relationship()
    ending: Mapped[log.LogEntry | None] = relationship()
    parent: Mapped["Session | None"] = relationship(
        primaryjoin="foreign(Session.parent_id) == remote(Session.id)", viewonly=True
    )

    @classmethod
    def start(
        cls, user: User, browser: Browser, *, keep: bool, name: str | None = None, amr: str = proof.PASSWORD
    ) -> Self:
        """Begin a session and append *opened*. Must run inside `db.writing`, with the user's row locked."""
        columns = opening(
            user_id=user.id,
            client_id=SITE,
            scope="session",
            expires_at=clock.now() + longest_life(keep=keep),
            keep=keep,
            name=name,
            amr=amr,
            user_agent=browser.user_agent,
            address=browser.address,
        )
        session = cls(**columns)
        db.session.add(session)
        db.session.flush()
        return session

    def renew(self, browser: Browser) -> "Session":
        """End it and begin another in its place, which its owner takes for the same: name, beginning, history.

        Copies of its tokens are worth nothing from here on, nor are apps that a copy let in: only an entry of the log
        ends access tokens at once. It keeps its places unless a warning stands. Must run inside `db.writing`, with the
        row locked.
        """
        begun = Session.start(self.user, browser, keep=self.keep, name=self.name)
        begun.began_at, begun.began_as, begun.amr = self.began_at, self.origin, self.amr
        begun.places = self.places if self.warned is None else None
        begun.device_key, begun.bound_at, begun.proofs = self.device_key, self.bound_at, self.proofs
        begun.asked_at = clock.now() if self.device_key else None  # what was proved so far is used up
        self.end(Reason.REPLACED, actor=begun.id)
        self.hand_on(begun)
        return begun

    def hand_on(self, heir: "Session") -> None:
        """Have the app sessions that outlive this one belong to *heir*, which replaced it in the same browser.

        So these apps are told when the user signs out there. Must run inside `db.writing`, with the row locked and ended.
        """
        lasting = update(Session).where(Session.parent_id == self.id, Session.ended_entry.is_(None))
        db.session.execute(lasting.values(parent_id=heir.id))


def new_id() -> str:
    """Return an id that no session has."""
    return secrets.token_urlsafe(16)


def opening(*, expires_at: int, until: int | None = None, sid: str | None = None, **more: Any) -> dict[str, Any]:
    """Append that a session begins, and return its columns. *until*: how long it may be renewed, if beyond *expires_at*.

    Must run inside `db.writing`.
    """
    now, sid = clock.now(), sid or new_id()
    return {
        "id": sid,
        "opened": log.open_session(sid, until=until or expires_at).position,
        "began_at": now,
        "last_auth_at": now,
        "last_seen_at": now,
        "access_until": now,
        "idle_until": now + settings().session_idle_seconds,
        "expires_at": expires_at,
    } | more


_SESSIONS = prebuilt.table(Session)


def lives(table: FromClause) -> tuple[ColumnElement[bool], ...]:
    """Return the conditions that a session of *table* goes on at `now`, as far as its row says."""
    return table.c.ended_entry.is_(None), table.c.expires_at > bindparam("now"), table.c.idle_until > bindparam("now")


LIVES = lives(_SESSIONS)
_UNDER = (
    select(_SESSIONS.c.scope, *(_SESSIONS.c[name] for name in Life._fields))
    .where(_SESSIONS.c.parent_id == bindparam("sid"), *LIVES)
    .order_by(_SESSIONS.c.opened)
    .with_for_update()
)
_TOUCH = (
    update(_SESSIONS)
    .where(_SESSIONS.c.id == bindparam("sid"), *LIVES)
    .where(_SESSIONS.c.last_seen_at < bindparam("new_last_seen_at"))
    .values({name: bindparam(f"new_{name}") for name in ("last_seen_at", "idle_until", "address")})
)
_TOUCH_NEWER = _TOUCH.values(user_agent=bindparam("new_user_agent"))


def touch(sid: str, known_as: str, browser: Browser) -> None:
    """Note that a session was used, if it still goes on. Must run inside `db.writing`."""
    seen = columns_of_use(browser, known_as)
    statement = _TOUCH_NEWER if "user_agent" in seen else _TOUCH
    prebuilt.write(statement, sid=sid, now=clock.now(), **{f"new_{name}": value for name, value in seen.items()})
    prebuilt.forget(Session)


def columns_of_use(browser: Browser, known_as: str) -> dict[str, Any]:
    """Return what a use by *browser* writes to a session's row, which is named after the browser *known_as*.

    A newer version of that one takes its place. Another browser does not: it may be a thief's.
    """
    now, is_newer = clock.now(), describe(browser.user_agent) == describe(known_as)
    seen = {"last_seen_at": now, "idle_until": now + settings().session_idle_seconds, "address": browser.address}
    return seen | ({"user_agent": browser.user_agent} if is_newer else {})


_ENTRIES = prebuilt.table(log.LogEntry)
_THESE = _ENTRIES.c.position.between(bindparam("first"), bindparam("last")), _ENTRIES.c.scope == Scope.SESSION
_MARK_NAMED = (
    update(_SESSIONS)
    .where(_SESSIONS.c.id.in_(select(_ENTRIES.c.subject).where(*_THESE)), _SESSIONS.c.ended_entry.is_(None))
    .values(
        ended_entry=select(func.min(_ENTRIES.c.position))
        .where(*_THESE, _ENTRIES.c.subject == _SESSIONS.c.id)
        .scalar_subquery()
    )
    .returning(_SESSIONS.c.id, _SESSIONS.c.ended_entry)
)
_MARK_ONE = (  # the same for the one entry of a session, without a look at the log
    update(_SESSIONS)
    .where(_SESSIONS.c.id == bindparam("subject"), _SESSIONS.c.ended_entry.is_(None))
    .values(ended_entry=bindparam("last"))
    .returning(_SESSIONS.c.id, _SESSIONS.c.ended_entry)
)
_MARK_ALL = (  # what had timed out before keeps that as its reason
    update(_SESSIONS)
    .where(_SESSIONS.c.user_id == bindparam("subject"), _SESSIONS.c.opened <= bindparam("last"))
    .where(_SESSIONS.c.idle_until > bindparam("ended_at"), _SESSIONS.c.expires_at > bindparam("ended_at"))
    .where(_SESSIONS.c.ended_entry.is_(None))
    .values(ended_entry=bindparam("last"))
    .returning(_SESSIONS.c.id, _SESSIONS.c.ended_entry)
)


def mark_ended(entries: Sequence[Entry]) -> None:
    """Write down at each session by which entry it ended: one statement for all that end a session."""
    revoked = [entry for entry in entries if entry.kind is Kind.REVOKED]
    sessions = [entry for entry in revoked if entry.scope is Scope.SESSION]
    if len(sessions) == 1:
        _mark(_MARK_ONE, subject=sessions[0].subject, last=sessions[0].position)
    elif sessions:
        _mark(_MARK_NAMED, first=sessions[0].position, last=sessions[-1].position)
    for entry in revoked:
        if entry.scope is Scope.USER:
            _mark(_MARK_ALL, subject=entry.subject, last=entry.position, ended_at=entry.at)


def _mark(statement: ReturningUpdate[str, int | None], **values: Any) -> None:
    """Execute it, and tell the sessions that this transaction has read: their rows need not be read again."""
    known = db.objects()
    for sid, position in prebuilt.rows(statement, **values):
        session = known.get(identity_key(Session, sid)) if known else None
        if session is not None:
            set_committed_value(session, "ended_entry", position)
