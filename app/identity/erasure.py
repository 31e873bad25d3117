"""Erasure: delete everything about a user, in the transaction that ends their sessions. Each table names the owner of a
row by a column `user_id`, or one that ends in `session_id`, so the rows of a new table go too. The log keeps its
entries: random ids, which then stand for no person.
"""

from collections.abc import Iterator
from typing import Any

from sqlalchemy import ColumnElement, Select, Table, TextClause, delete, func, or_, select, update

from app import clock
from app.config import settings
from app.identity import letters
from app.identity.activity import NO_ACCOUNT
from app.identity.chains import RefreshToken
from app.identity.session import Reason, Session
from app.identity.users import User
from app.mail import outbox
from app.revocation import log
from app.store.db import Model, db

OUTLIVES = "outlives"  # in the `info` of a table: which rows stay for a while, then without the id of the account
AT_ONCE = 5000  # hashes of refresh tokens that one transaction deletes without delaying other writers
_LEFT = tuple(Model.metadata.tables[name] for name in ("refresh_tokens", "sessions"))
_STAYING = {
    "sessions": {"id", "user_id", "opened"},
    "users": {"id"},
}  # columns kept while a row's hashes wait for a purge


def forget(user_id: str) -> None:
    """Delete every row about this user, and mail them. Must run inside `db.writing`, with their row locked.

    End their sessions first: a logout message stays until it is delivered.

    An account may have a million hashes of refresh tokens. More than `AT_ONCE` are left to the next purge, with
    sessions and an account that hold only random ids.
    """
    # In the order in which a use of a session locks them: its row first, then those of its tokens.
    db.session.scalars(_sessions(user_id).order_by(Session.opened).with_for_update()).all()
    _publish_ends(user_id)
    _say_farewell(user_id)
    db.session.flush()
    left = _left_to_purge(user_id)
    for table in tables():
        stays: TextClause | None = table.info.get(OUTLIVES)
        if stays is not None:
            db.change(update(table).where(table.c.user_id == user_id, stays).values(user_id=NO_ACCOUNT))
        if table not in left:
            db.change(delete(table).where(_is_of(table, user_id)))
    if left:
        db.change(update(Session).where(Session.user_id == user_id).values(_empty("sessions")))
        remains = {"email": f"deleted:{user_id}", "mailbox": f"deleted:{user_id}"}  # both are unique, and no address
        now = {"disabled_at": clock.now(), "deleted_at": clock.now()}
        db.change(update(User).where(User.id == user_id).values(_empty("users") | remains | now))
    else:
        db.change(delete(User).where(User.id == user_id))


def _publish_ends(user_id: str) -> None:
    """Append an end of each session with a live access token: status lists look up a cut-off's sessions by rows deleted here."""
    cut_off = select(Session).where(Session.user_id == user_id, Session.ended_entry == log.latest(user_id))
    good = cut_off.where(Session.access_until > clock.now()).order_by(Session.opened)
    log.revoke_each([session.over(Reason.DELETED, None) for session in db.session.scalars(good)])


def _say_farewell(user_id: str) -> None:
    """Mail a verified address; an unverified one may be a stranger's."""
    user = db.session.get_one(User, user_id)
    if user.verified_at is not None:
        outbox.post_last(letters.deleted(user.name, settings().site_url), user.email)


def _left_to_purge(user_id: str) -> tuple[Table, ...]:
    """Return the tables whose rows of this user are too many to delete now, and those that they refer to."""
    hashes = select(RefreshToken.hash).where(RefreshToken.session_id.in_(_sessions(user_id))).limit(AT_ONCE + 1)
    count = db.session.scalar(select(func.count()).select_from(hashes.subquery())) or 0
    return _LEFT if count > AT_ONCE else ()


def _empty(name: str) -> dict[str, Any]:
    """Return an empty value for each column of this table, except those that stay."""
    return {
        column.name: None if column.nullable else column.type.python_type()
        for column in Model.metadata.tables[name].c
        if column.name not in _STAYING[name]
    }


def tables() -> Iterator[Table]:
    """Return every table that holds rows of one person, what refers to another before it, and without the accounts."""
    found = [table for table in reversed(Model.metadata.sorted_tables) if _columns(table)]
    yield from sorted(found, key=lambda table: table is Session.__table__)  # the others are found by the sessions


def _columns(table: Table) -> list[str]:
    names = list(table.c.keys())
    return ["user_id"] if "user_id" in names else [name for name in names if name.endswith("session_id")]


def _is_of(table: Table, user_id: str) -> ColumnElement[bool]:
    if "user_id" in table.c:
        return table.c.user_id == user_id
    return or_(*(table.c[name].in_(_sessions(user_id)) for name in _columns(table)))


def _sessions(user_id: str) -> Select[str]:
    return select(Session.id).where(Session.user_id == user_id)
