"""Prebuilt statements for the hot acts, run by the driver itself on the connection of the session's transaction.

Building a statement, and an object for each row, takes longer than running it; so does each layer in between.
Everything else uses the models. A statement names its values by `bindparam`, and stands at the top level of a module.
"""

from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple, Never, cast

from sqlalchemy import Delete, Dialect, Engine, Insert, Select, Table, TextClause, Update
from sqlalchemy.orm import DeclarativeBase

from app.store.db import (
    Lent,
    StoreUnavailable,
    db,
    held,
    holding,
    is_writing,
    name_error,
    orm_is_in_transaction,
    store,
    writes,
)

Built = Insert | Update | Delete
Write = Built | TextClause
Statement = Select[*tuple[Any, ...]] | Write
Answer = tuple[Any, ...]


def table(model: type[DeclarativeBase]) -> Table:
    """Return the table of *model*, for a statement about rows rather than objects."""
    return cast(Table, model.__table__)


class Row:
    """A row as it was read: not an ORM object, so it is cheap to make and cannot be changed.

    A subclass inherits its columns from the mixin that declares them for the model, too.
    """

    def __init__(self, columns: Mapping[str, Any] | Iterable[tuple[str, Any]], **more: Any) -> None:
        vars(self).update(columns, **more)

    def __setattr__(self, name: str, value: Never) -> None:
        raise AttributeError(f"{name} of a row that was read cannot be changed")


def ask(statement: Statement, **values: Any) -> Answer | None:
    """Return the only row, or None."""
    return _only(rows(statement, **values))


def ask_on(lent: Lent, statement: Statement, **values: Any) -> Answer | None:
    """Return the only row, or None, by this connection."""
    return _only(_run(lent, statement, [values])[0])


def rows(statement: Statement, **values: Any) -> Sequence[Answer]:
    """Return all rows."""
    return _run(held(), statement, [values])[0]


def write(statement: Write, **values: Any) -> int:
    """Return how many rows it wrote. Then call `forget` if the ORM may hold an object of one."""
    return _run(held(), statement, [values])[1]


def add(statement: Insert, rows: list[dict[str, Any]]) -> None:
    """Insert *rows*."""
    _run(held(), statement, rows)


class Together:
    """Writes that PostgreSQL gets as one statement, to save round trips. No two may concern the same row, and none sees
    what another has written."""

    def __init__(self, *writes: Built) -> None:
        *before, last = self._each = writes
        self._whole = last.add_cte(*(one.cte(f"part_{number}") for number, one in enumerate(before)))

    def write(self, **values: Any) -> int:
        """Return how many rows the last one wrote."""
        if holding().engine.dialect.name == "postgresql":
            return write(self._whole, **values)
        return [write(one, **values) for one in self._each][-1]

    def add(self, rows: list[dict[str, Any]]) -> None:
        """Insert these rows into each table."""
        if len(rows) == 1:
            self.write(**rows[0])
        else:
            for one in self._each:
                _run(held(), one, rows)


def look(statement: Statement, **values: Any) -> Answer | None:
    """Return the only row, or None, as it is now, without a lock or a transaction.

    A transaction for one look-up takes longer than the look-up and, on PostgreSQL, two more round trips. A request that
    has one open asks in that one: it must not wait for a second connection while it holds one, and sees what it has written.
    """
    if is_in_transaction():
        db.flush()
        return ask(statement, **values)
    here = holding()
    try:
        return ask_on(here.take(), statement, **values)
    except StoreUnavailable as problem:
        here.give_back(problem)
        raise
    finally:
        if not here.shares:
            here.give_back()


@contextmanager
def reading() -> Iterator[None]:
    """Have the look-ups of the block share one connection, and no transaction: opening one takes longer than some of them.

    A transaction takes the connection over. It goes back before the ORM takes one, before a wait for the turn to write, and
    with `let_go`: requests that waited for each other's connections would do so for ever.
    """
    here = holding()
    if here.shares or is_in_transaction():
        yield
        return
    here.shares = True
    try:
        yield
    except StoreUnavailable as problem:
        here.give_back(problem)
        raise
    finally:
        here.shares = False
        here.give_back()


class Moment(NamedTuple):
    """A state of the database, before a look-up. *head*: see `Store.head`."""

    head: Hashable
    writes: int

    def lasts(self) -> bool:
        """Return whether nothing was committed since, so that nothing changes until the `writing` block just begun does it.

        SQLite lets one transaction write at a time. A block around this one may have written something itself.
        """
        return is_writing() and writes() == self.writes + 1 and store().head() == self.head


def moment() -> Moment | None:
    """Return the state of the database, where that can be told without asking it; None within a transaction."""
    head = None if is_in_transaction() else store().head()
    return None if head is None else Moment(head, writes())


def is_in_transaction() -> bool:
    """Return whether this request has a transaction open."""
    return is_writing() or orm_is_in_transaction()


def forget(model: type[DeclarativeBase]) -> None:
    """Have the ORM read its objects of this table again: some of their rows were changed."""
    objects = [one for one in db.objects().values() if isinstance(one, model)]
    if objects:
        db.session.flush()  # their other changes
    for one in objects:
        db.session.expire(one)


class _Compiled:
    """A statement compiled for one kind of database, with the conversions of its values and rows."""

    def __init__(self, statement: Any, dialect: Dialect, names: Iterable[str]) -> None:
        found = statement.compile(dialect=dialect, column_keys=[*names])
        if found.post_compile_params or found.literal_execute_params or found.insert_prefetch or found.update_prefetch:
            raise TypeError(f"only SQLAlchemy itself can run this: {found}")
        self._text = str(found)
        self._order: Sequence[str] | None = found.positiontup
        binds = {name: bind for bind, name in found.bind_names.items()}
        self._constants = {name: _plain(bind.value) for name, bind in binds.items() if not bind.required}
        sent = ((name, bind.type.dialect_impl(dialect).bind_processor(dialect)) for name, bind in binds.items())
        columns = () if isinstance(statement, TextClause) else statement.exported_columns
        read = [one.type.dialect_impl(dialect).result_processor(dialect, None) for one in columns]
        self._sent = [(name, convert) for name, convert in sent if convert]
        self._returns = bool(read)
        self._read = [(at, convert) for at, convert in enumerate(read) if convert]

    def run(self, engine: Engine, raw: Any, values: Sequence[dict[str, Any]]) -> tuple[Sequence[Answer], int]:
        """Return the rows, and how many there were to write. *raw*: a connection of the driver's."""
        sent = [self._values(each) for each in values]
        is_one, cursor = len(sent) == 1, raw.cursor()
        try:
            for listen in engine.dispatch.before_cursor_execute:
                listen(None, cursor, self._text, sent[0] if is_one else sent, None, not is_one)
            cursor.execute(self._text, sent[0]) if is_one else cursor.executemany(self._text, sent)
            return self._rows(cursor.fetchall()) if self._returns else (), cursor.rowcount
        finally:
            cursor.close()

    def _values(self, given: dict[str, Any]) -> Any:
        values = self._constants | given
        for name, convert in self._sent:
            values[name] = convert(values[name])
        return values if self._order is None else [values[name] for name in self._order]

    def _rows(self, found: Sequence[Answer]) -> Sequence[Answer]:
        return [self._row([*row]) for row in found] if self._read else found

    def _row(self, row: list[Any]) -> Answer:
        for at, convert in self._read:
            row[at] = convert(row[at])
        return tuple(row)


def _plain(value: Any) -> Any:
    """Return a StrEnum as plain text: SQLite's driver adapts it as slowly as it runs a whole statement."""
    return str(value) if isinstance(value, str) else value


_known: dict[tuple[Statement, str], _Compiled] = {}


def _compiled(statement: Statement, dialect: Dialect, names: Iterable[str]) -> _Compiled:
    found = _known.get((statement, dialect.name))
    if found is None:
        found = _known[statement, dialect.name] = _Compiled(statement, dialect, names)
    return found


def _run(lent: Lent, statement: Statement, values: Sequence[dict[str, Any]]) -> tuple[Sequence[Answer], int]:
    try:
        return _compiled(statement, lent.engine.dialect, values[0]).run(lent.engine, lent.raw, values)
    except lent.error as problem:
        raise name_error(problem, lent.engine) from problem


def _only(rows: Sequence[Answer]) -> Answer | None:
    if len(rows) > 1:
        raise ValueError("more than one row")
    return rows[0] if rows else None
