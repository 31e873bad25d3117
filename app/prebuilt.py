"""Prebuilt statements for the hot acts, run on the transaction's connection without the ORM.

Building a statement, and an object for each row, takes longer than running it. Everything else uses the models.
A statement names its values by `bindparam`, and stands at the top level of a module.
"""

from collections.abc import Sequence
from typing import Any, cast

from sqlalchemy import CursorResult, Delete, Executable, Insert, Row, Table, Update
from sqlalchemy.orm import DeclarativeBase

from app.db import db

Write = Insert | Update | Delete
Answer = Row[*tuple[Any, ...]]


def table(model: type[DeclarativeBase]) -> Table:
    """Return the table of *model*, for a statement about rows rather than objects."""
    return cast(Table, model.__table__)


def ask(statement: Executable, **values: Any) -> Answer | None:
    """Return the only row, or None."""
    return _run(statement, values).one_or_none()


def rows(statement: Executable, **values: Any) -> Sequence[Answer]:
    """Return all rows."""
    return _run(statement, values).all()


def write(statement: Write, **values: Any) -> int:
    """Return how many rows it wrote. Then call `forget` if the ORM may hold an object of one."""
    return _run(statement, values).rowcount


def add(statement: Insert, rows: list[dict[str, Any]]) -> None:
    """Insert *rows*."""
    db.session.connection().execute(statement, rows)


class Together:
    """Writes that PostgreSQL gets as one statement, to save round trips. No two may concern the same row."""

    def __init__(self, *writes: Write) -> None:
        *before, last = self._each = writes
        self._whole = last.add_cte(*(one.cte(f"part_{number}") for number, one in enumerate(before)))

    def write(self, **values: Any) -> int:
        """Return how many rows the last one wrote."""
        if db.engine.dialect.name == "postgresql":
            return write(self._whole, **values)
        return [write(one, **values) for one in self._each][-1]


def look(statement: Executable, **values: Any) -> Answer | None:
    """Return the only row, or None, as it is now, without a lock or a transaction.

    On PostgreSQL a transaction for one look-up would take two more round trips. A request that has one open asks in
    that one: it must not wait for a second connection while it holds one.
    """
    if db.session().in_transaction() or db.engine.dialect.name != "postgresql":
        return ask(statement, **values)
    with db.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        return connection.execute(statement, values).one_or_none()


def forget(model: type[DeclarativeBase]) -> None:
    """Have the ORM read its objects of this table again: some of their rows were changed."""
    held = [one for one in db.session.identity_map.values() if isinstance(one, model)]
    if held:
        db.session.flush()  # their other changes
    for one in held:
        db.session.expire(one)


def _run(statement: Executable, values: dict[str, Any]) -> CursorResult[*tuple[Any, ...]]:
    return db.session.connection().execute(statement, values)
