"""Erasure: all that is kept about a person goes, in the transaction that ends what is theirs.

The tables say themselves whose a row is, by a column `user_id`, or else by one that ends in `session_id`. So the rows of a
new table go too. The log keeps its entries: random ids, which then stand for no person.
"""

from collections.abc import Iterator

from sqlalchemy import ColumnElement, Delete, Select, Table, TextClause, Update, delete, or_, select, update

from app.db import Model, db
from app.identity.activity import NOBODY
from app.identity.session import Session
from app.identity.user import User

OUTLIVES = "outlives"  # in the `info` of a table: which rows stay for a while, then without the id of the account


def forget(user_id: str) -> None:
    """Delete every row that is about this user. Must run inside `db.writing`, with the user's row locked.

    Their sessions have to be ended before: what an app is still to be told of that is kept until it has been told.
    """
    # In the order in which a use of a session locks them: its row first, then those of its tokens.
    db.session.scalars(_sessions(user_id).order_by(Session.opened).with_for_update()).all()
    db.session.flush()
    for table in tables():
        stays: TextClause | None = table.info.get(OUTLIVES)
        if stays is not None:
            _execute(update(table).where(table.c.user_id == user_id, stays).values(user_id=NOBODY))
        _execute(delete(table).where(_is_of(table, user_id)))
    _execute(delete(User).where(User.id == user_id))


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


def _execute(statement: Delete | Update) -> None:
    db.session.execute(statement, execution_options={"synchronize_session": False})
