"""All the sessions of a person: found, listed, counted and ended."""

from collections.abc import Collection, Iterable, Sequence
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, and_, bindparam, case, exists, func, or_, select, tuple_
from sqlalchemy.orm import aliased, contains_eager, joinedload, selectinload

from app import clock
from app.config import settings
from app.identity import session_row
from app.identity.lifetime import State
from app.identity.session import LIVES, SITE, Reason, Session, Standing, lives
from app.identity.session_row import SessionRow
from app.identity.users import User, UserRow
from app.revocation import delivery, log
from app.revocation.entries import Scope
from app.store import prebuilt
from app.store.db import db

_ends_at = case((Session.idle_until < Session.expires_at, Session.idle_until), else_=Session.expires_at)
_LIVE = Session.user_id == bindparam("owner"), *LIVES
_LATEST_FIRST = Session.last_seen_at.desc(), Session.opened.desc()
_COUNTED = select(func.count()).select_from(Session).where(*_LIVE, Session.client_id == SITE)
_BROWSERS = select(*session_row.COLUMNS).where(*_LIVE, Session.client_id == SITE)
_LISTED = _BROWSERS.order_by(*_LATEST_FIRST)
_PAGE = _LISTED.offset(bindparam("start")).limit(bindparam("count"))
_WARNED = _BROWSERS.where(Session.warned.is_not(None)).order_by(Session.opened)
# Most users have none. That is soon found out, without the ORM.
_HAS_LOST_APPS = (
    select(Session.id)
    .where(Session.user_id == bindparam("owner"), Session.client_id != SITE, Session.ended_entry.is_not(None))
    .limit(1)
)
_LOCK = (
    select(Session, User)
    .join(User, User.id == Session.user_id)
    .where(Session.id == bindparam("sid"))
    .with_for_update(of=session_row.LOCKED)
    .execution_options(populate_existing=True)
)
_SESSIONS, _USERS, _ENTRIES = map(prebuilt.table, (Session, User, log.LogEntry))
_APPS = (
    select(*session_row.BOTH)
    .outerjoin_from(_SESSIONS, *session_row.OF_ITS_PARENT)
    .where(*_LIVE, Session.client_id != SITE)
    .order_by(*_LATEST_FIRST)
)
_WITH_USER = (
    select(*session_row.COLUMNS, _USERS)
    .join_from(_SESSIONS, _USERS, _USERS.c.id == _SESSIONS.c.user_id)
    .where(_SESSIONS.c.id == bindparam("sid"))
)
_WITH_ENDING = select(*session_row.COLUMNS, *session_row.ENDING).outerjoin_from(
    _SESSIONS, _ENTRIES, _ENTRIES.c.position == _SESSIONS.c.ended_entry
)
_BEGUN = (
    _WITH_ENDING.where(_SESSIONS.c.user_id == bindparam("user"), _SESSIONS.c.client_id == SITE)
    .order_by(_SESSIONS.c.opened.desc())
    .limit(bindparam("newest"))
)
_ended_at = func.coalesce(log.LogEntry.at, _ends_at)
_parent, _end_of_parent = aliased(Session), aliased(log.LogEntry)
_hung_on_replaced = (
    select(_parent.id)
    .join(_end_of_parent, _end_of_parent.position == _parent.ended_entry)
    .where(_parent.id == Session.parent_id, _end_of_parent.reason == Reason.REPLACED)
    .exists()
)
_ENDED = (
    _WITH_ENDING.where(Session.user_id == bindparam("owner"))
    .where(
        or_(log.LogEntry.at > bindparam("since"), and_(Session.ended_entry.is_(None), _ends_at > bindparam("since")))
    )
    .where(
        or_(
            log.LogEntry.reason.is_(None),
            and_(log.LogEntry.reason != Reason.REPLACED, log.LogEntry.reason != Reason.BROWSER_ENDED),
            and_(log.LogEntry.reason == Reason.BROWSER_ENDED, _hung_on_replaced),
        )
    )
    .where(or_(Session.ended_entry.is_not(None), _ends_at <= bindparam("now")))
    .order_by(_ended_at.desc(), Session.opened.desc())
    .limit(bindparam("count"))
)
_ENDED_BEFORE = _ENDED.where(tuple_(_ended_at, Session.opened) < tuple_(bindparam("at"), bindparam("opened")))
_HUNG = (
    select(Session)
    .join(Session.ending)
    .options(contains_eager(Session.ending))
    .where(Session.parent_id.in_(bindparam("browsers", expanding=True)))
    .where(log.LogEntry.reason == Reason.BROWSER_ENDED)
)

_OTHER, _APP = _SESSIONS.alias("other"), _SESSIONS.alias("app")
_READ_ENDED = (
    select(
        *session_row.COLUMNS,
        _ENTRIES.c.at,
        select(func.count())
        .where(_OTHER.c.user_id == _SESSIONS.c.user_id, _OTHER.c.client_id == SITE, *lives(_OTHER))
        .scalar_subquery(),
        exists()
        .where(_APP.c.user_id == _SESSIONS.c.user_id, _APP.c.client_id != SITE)
        .where(or_(_APP.c.parent_id == _SESSIONS.c.id, _APP.c.ended_entry == _SESSIONS.c.ended_entry)),
    )
    .outerjoin_from(_SESSIONS, _ENTRIES, _ENTRIES.c.position == _SESSIONS.c.ended_entry)
    .where(_SESSIONS.c.id == bindparam("sid"))
)


def lock(sid: str) -> Session | None:
    """Do what `session_row.lock` does, for a caller that changes what the row says of the session."""
    found = db.session.execute(_LOCK, {"sid": sid}).one_or_none()
    return found[0] if found else None


def with_user(sid: str) -> tuple[SessionRow, UserRow] | None:
    """Return the session of this id and its user, by one statement."""
    row = prebuilt.look(_WITH_USER, sid=sid)
    if row is None:
        return None
    return session_row.read(row), UserRow(zip(_USERS.c.keys(), row[session_row.WIDTH :], strict=True))


def live(user_id: str, *, start: int = 0, count: int | None = None) -> list[SessionRow]:
    """Return the user's signed-in browsers, the latest seen first: all, or *count* of them after the first *start*."""
    part = {} if count is None else {"start": start, "count": count}
    return [session_row.read(row) for row in prebuilt.rows(_PAGE if part else _LISTED, **_now_of(user_id), **part)]


def count_live(user_id: str) -> int:
    """Return in how many browsers the user is signed in."""
    row = prebuilt.ask(_COUNTED, **_now_of(user_id))
    return int(row[0]) if row else 0


def warned(user_id: str) -> list[SessionRow]:
    """Return the user's signed-in browsers that were used from a new place, until the user says by whom."""
    return [session_row.read(row) for row in prebuilt.rows(_WARNED, **_now_of(user_id))]


def agents(user_id: str) -> list[str]:
    """Return what the browsers said of themselves that the user signed in with, over or not."""
    signed_in = select(Session.user_agent).where(Session.user_id == user_id, Session.client_id == SITE)
    return list(db.session.scalars(signed_in.distinct()))


def begun(user_id: str, newest: int) -> list[SessionRow]:
    """Return the *newest* sessions that the user began in a browser, the newest first."""
    return [session_row.read_ended(row) for row in prebuilt.rows(_BEGUN, user=user_id, newest=newest)]


def named(user_id: str, sids: set[str]) -> list[Session]:
    """Return those of the user's sessions that have these ids."""
    return list(db.session.scalars(select(Session).where(Session.id.in_(sids), Session.user_id == user_id)))


def live_each(user_ids: Iterable[str], most: int) -> dict[str, int]:
    """Return in how many browsers each of these users is signed in, if in any: *most*, if there are more."""
    # For each by itself: among several users, SQLite would look through all sessions that are of browsers.
    some = select(Session.id).where(Session.user_id == User.id, Session.client_id == SITE, *LIVES).limit(most)
    live = select(func.count()).select_from(some.correlate(User).subquery()).scalar_subquery()
    found = db.session.execute(select(User.id, live).where(User.id.in_(set(user_ids))), {"now": clock.now()})
    return {user_id: count for user_id, count in found if count}


def apps(user_id: str) -> list[SessionRow]:
    """Return the user's live app sessions, the latest seen first."""
    now = clock.now()
    return [app for app in _unended_apps(user_id) if app.state(now) is State.LIVE]


def has_lasting(user_id: str) -> bool:
    """Return whether an app session of the user outlives the browser that it was connected from."""
    return any(app.is_offline for app in apps(user_id))


def apps_under(browser: Standing) -> list[SessionRow]:
    """Return the app sessions that end with *browser*."""
    return [app for app in apps(browser.user_id) if app.holder is not None and app.parent_id == browser.id]


def holders(client_id: str) -> list[str]:
    """Return the ids of the users of whom this app holds a session, in the order in which they are locked."""
    held = select(Session.user_id).where(Session.client_id == client_id, *LIVES).distinct()
    return list(db.session.scalars(held.order_by(Session.user_id), {"now": clock.now()}))


def of_app(user_id: str, client_id: str) -> list[Session]:
    """Return this app's live sessions of the user. Must run inside `db.writing`, with the user's row locked."""
    held = select(Session).where(*_LIVE, Session.client_id == client_id).order_by(Session.opened)
    return list(db.session.scalars(held.with_for_update(), _now_of(user_id)))


def ended_with(session: Standing) -> list[Session]:
    """Return the app sessions that ended with *session*: by the same entry, or because they hung on it."""
    hung = and_(Session.parent_id == session.id, log.LogEntry.reason == Reason.BROWSER_ENDED)
    listed = (
        select(Session)
        .join(Session.ending)
        .options(contains_eager(Session.ending), joinedload(Session.parent))
        .where(Session.user_id == session.user_id, Session.client_id != SITE)
        .where(or_(Session.ended_entry == session.ended_entry, hung))
    )
    return list(db.session.scalars(listed.order_by(Session.opened)))


def outliving(session: Standing) -> list[SessionRow]:
    """Return the app sessions that outlive *session*, which gave them."""
    return [app for app in apps(session.user_id) if app.parent_id == session.id and app.is_offline]


class EndedSession(NamedTuple):
    """The facts of an ended session's receipt. *at*: when the log ended it; *others*: in how many browsers its user
    stays signed in; *has_apps*: whether app sessions ended with it, or outlive it."""

    session: SessionRow
    at: int | None
    others: int
    has_apps: bool

    @property
    def ended_at(self) -> int:
        """When the log ended it, or when it timed out before that."""
        return min(self.session.ends_at, clock.now()) if self.at is None else self.at


def read_ended(sid: str) -> EndedSession:
    """Return the facts of this session's receipt, by one statement. Raises LookupError if a purge has removed it."""
    row = prebuilt.ask(_READ_ENDED, sid=sid, now=clock.now())
    if row is None:
        raise LookupError(sid)
    return EndedSession(session_row.read(row), *row[session_row.WIDTH :])


class Cursor(NamedTuple):
    """The place of a session in the list of those that are over: when it ended (Unix seconds), and where it opened."""

    at: int
    opened: int


class Over(NamedTuple):
    """One page of what is over, the latest first. *older*: where the next page begins, if there is one."""

    sessions: Sequence[Standing]
    older: Cursor | None


def ended(user_id: str, since: int, newest: int, *, before: Cursor | None = None) -> Over:
    """Return the *newest* of the user's sessions that were ended or timed out after *since*, and *before* a place.

    The apps that ended with a browser are listed beside it, and do not count. A browser's session that a new sign-in
    replaced is not listed, as it lives on in the new one; the apps that ended by that are listed, and count.
    """
    place = before._asdict() if before else {}
    rows = prebuilt.rows(
        _ENDED_BEFORE if before else _ENDED, **_now_of(user_id), since=since, count=newest + 1, **place
    )
    found = [session_row.read_ended(row) for row in rows]
    page = found[:newest]
    older = Cursor(page[-1].ended_at or 0, page[-1].opened) if len(found) > newest else None
    beside = _ended_beside(user_id, page)
    return Over(sorted([*page, *beside], key=lambda session: -(session.ended_at or 0)), older)


def _ended_beside(user_id: str, browsers: Collection[Standing]) -> list[Standing]:
    """Return the app sessions that ended as one of these browsers ended or timed out."""
    ended, timed_out = ({one.id for one in browsers if (one.ending is None) == silent} for silent in (False, True))
    has_hung = ended and prebuilt.rows(_HAS_LOST_APPS, owner=user_id)
    found = list(db.session.scalars(_HUNG, {"browsers": list(ended)})) if has_hung else []
    apps = _unended_apps(user_id) if timed_out else []
    now = clock.now()
    return [*found, *(app for app in apps if app.parent_id in timed_out and app.state(now) is not State.LIVE)]


def count_ended_by(current: Standing, reason: Reason, since: int) -> int:
    """Return how many sessions of the user *current* has ended for this reason since then (Unix seconds)."""
    counted = (
        select(func.count())
        .select_from(Session)
        .join(Session.ending)
        .where(Session.user_id == current.user_id, log.LogEntry.actor == current.id)
        .where(log.LogEntry.reason == reason, log.LogEntry.at >= since)
    )
    return db.session.scalar(counted) or 0


def end_all(user_id: str, reason: Reason, *, actor: str | None = None) -> int:
    """Append one cut-off: all sessions of this user that opened so far have ended, in browsers and apps.

    Return how many browsers were signed in. Must run inside `db.writing`, with the user's row locked.
    """
    count = count_live(user_id)
    until = db.session.scalar(
        select(Session.access_until).where(Session.user_id == user_id).order_by(Session.access_until.desc()).limit(1)
    )
    log.revoke(Scope.USER, user_id, until=until or clock.now(), reason=reason.value, actor=actor)
    return count


def end_others(current: Standing, reason: Reason) -> int:
    """End every live session of the user but *current* and what hangs on it, one entry each. Return how many browsers.

    Must run inside `db.writing`, with the user's row locked. The answer also waits for what other requests have ended.
    """
    browsers, apps = _locked(current.user_id)
    others = [browser for browser in browsers if browser.id != current.id]
    end_browsers(others, apps, reason, actor=current.id)
    log.revoke_each([app.over(reason, current.id) for app in apps if app.holder is None])
    _settle(Session.user_id == current.user_id)
    return len(others)


def end_apps(current: Session, reason: Reason, *, client_id: str | None = None) -> int:
    """End the app sessions of *current*'s user: of all apps, or of one. Return how many sessions that were.

    Must run inside `db.writing`, with the user's row locked. The answer also waits for what other requests have ended.
    """
    _, apps = _locked(current.user_id)
    found = [app for app in apps if client_id in (None, app.client_id)]
    log.revoke_each([app.over(reason, current.id) for app in found])
    _settle(Session.user_id == current.user_id)
    return len(found)


def lineage(session: Standing) -> set[str]:
    """Return the ids of the sessions that the pages show as this one: a change of password gives it another id."""
    same = or_(Session.id == session.origin, Session.began_as == session.origin)
    return {session.origin, *db.session.scalars(select(Session.id).where(Session.user_id == session.user_id, same))}


def end_lineage(session: Session, reason: Reason, *, actor: str | None = None) -> bool:
    """End every session that the pages show as this one, except the *actor*. Return whether one was still going on.

    Must run inside `db.writing`.
    """
    found = [lock(sid) for sid in sorted(lineage(session) - {actor})]
    return sum(one.end(reason, actor=actor) for one in found if one) > 0


def make_room(user_id: str) -> list[Session]:
    """End the browsers that were idle longest, to make room for one more; return them.

    Must run inside `db.writing`, with the user's row locked.
    """
    longest = settings().max_sessions
    if count_live(user_id) < longest:
        return []
    browsers, apps = _locked(user_id)
    browsers.sort(key=lambda browser: (browser.last_seen_at, browser.opened))
    evicted = browsers[: max(0, len(browsers) - longest + 1)]
    end_browsers(evicted, apps, Reason.TOO_MANY, actor=None)
    return evicted


def end_browsers(browsers: Collection[Session], apps: Iterable[Session], reason: Reason, *, actor: str | None) -> None:
    """Append that these are over, and those of *apps* that hang on them, by a bounded number of statements.

    Must run inside `db.writing`, with the rows locked.
    """
    ids = {browser.id for browser in browsers}
    hanging = [app for app in apps if app.holder is not None and app.parent_id in ids]
    facts = [app.over(Reason.BROWSER_ENDED, actor) for app in hanging]
    log.revoke_each([*facts, *(browser.over(reason, actor) for browser in browsers)])


def _locked(user_id: str) -> tuple[list[Session], list[Session]]:
    """Return the user's live sessions, of browsers and apps, locked until the transaction ends."""
    rows = (
        select(Session)
        .where(*_LIVE, Session.opened > (log.latest(user_id) or 0))
        .options(selectinload(Session.parent))
        .order_by(Session.opened)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    found = db.session.scalars(rows, _now_of(user_id)).all()
    return [one for one in found if one.client_id == SITE], [one for one in found if one.client_id != SITE]


def await_all(user_id: str) -> None:
    """Have the answer wait until every node knows the last cut-off of this user."""
    delivery.settle(log.latest(user_id))


def await_app(client_id: str) -> None:
    """Have the answer wait until every node knows all that was ended of this app."""
    _settle(Session.client_id == client_id)


def _settle(which: ColumnElement[bool]) -> None:
    delivery.settle(db.session.scalar(select(func.max(Session.ended_entry)).where(which)))


def over_before(then: int, count: int) -> list[str]:
    """Return the ids of up to *count* sessions that expired or were ended before *then* (Unix seconds).

    Their rows stay locked until the transaction ends, but for those that another transaction holds. Each statement
    reads the first rows of one index: entries stay for ever, so the log must never be what is walked through.
    """
    expired = select(Session.id).where(Session.expires_at < then).order_by(Session.expires_at)
    found = list(db.session.scalars(expired.limit(count).with_for_update(skip_locked=True)))
    return found or _ended_before(then, count)


def _ended_before(then: int, count: int) -> list[str]:
    at = select(log.LogEntry.at).where(log.LogEntry.position == Session.ended_entry).scalar_subquery()
    ended = select(Session.id, at).where(Session.ended_entry.is_not(None)).order_by(Session.ended_entry)
    rows = db.session.execute(ended.limit(count).with_for_update(skip_locked=True, of=Session))
    return [sid for sid, ended_at in rows if ended_at < then]


def _unended_apps(user_id: str) -> list[SessionRow]:
    """Return grants that go on by themselves, though the browser that some hang on may have timed out."""
    return [session_row.read_both(row) for row in prebuilt.rows(_APPS, **_now_of(user_id))]


def _now_of(user_id: str) -> dict[str, Any]:
    """Return the parameters of the statements about this user's live sessions."""
    return {"owner": user_id, "now": clock.now()}
