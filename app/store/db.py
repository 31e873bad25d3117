"""The database, and the one way to write to it."""

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any, NamedTuple, TypeVar, cast

from flask import Flask, current_app, g
from flask_sqlalchemy import SQLAlchemy
from flask_sqlalchemy.session import Session as BoundSession
from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Connection,
    CursorResult,
    Delete,
    Engine,
    ExceptionContext,
    Index,
    Integer,
    TextClause,
    Update,
    delete,
    event,
    exc,
    orm,
    select,
)
from sqlalchemy.orm import DeclarativeBase, InstrumentedAttribute

from app.config import THREADS, Misconfigured
from app.store.base import Store
from app.store.base import StoreUnavailable as StoreUnavailable
from app.store.postgresql import PostgreSQL
from app.store.sqlite import BUSY_SECONDS, Sqlite

TRIMMED = 50  # rows at a time
C = TypeVar("C", bound=Callable[[], None])
_log = logging.getLogger("signed_out.store")


class Model(DeclarativeBase):
    """The base of every table. A whole number has 64 bits: times and positions outgrow 32."""

    registry = orm.registry(type_annotation_map={int: BigInteger().with_variant(Integer, "sqlite")})


def partial_index(name: str, *columns: str, where: TextClause) -> Index:
    """Return an index of the rows that meet *where*, and of no others."""
    return Index(name, *columns, sqlite_where=where, postgresql_where=where)


class Lent(NamedTuple):
    """The connection of the driver's that the look-ups of a request share (see `prebuilt.reading`)."""

    engine: Engine
    raw: Any
    give_back: Callable[[], None]


class Session(BoundSession):
    """Ends a transaction without an error where the connection is lost: the database has rolled it back already."""

    def get_bind(self, *which: Any, **more: Any) -> Engine | Connection:
        """Return what to connect to. A request holds one connection at a time."""
        lent: Lent | None = g.pop("lent", None)
        if lent:
            lent.give_back()
        return super().get_bind(*which, **more)

    def rollback(self) -> None:
        try:
            super().rollback()
        except StoreUnavailable as problem:
            _log.warning("a lost connection had nothing to roll back: %s", problem)

    def close(self) -> None:
        try:
            super().close()
        except StoreUnavailable as problem:
            _log.warning("a connection was lost after its last use: %s", problem)
            self.invalidate()


class Database(SQLAlchemy):
    """Flask-SQLAlchemy whose sessions end with their request."""

    def _teardown_session(self, problem: BaseException | None) -> None:
        if self.session.registry.has():
            try:
                super()._teardown_session(problem)
            finally:
                # Sessions are kept under the id of their context, which the next one may reuse.
                self.session.registry.clear()

    def change(self, statement: Update | Delete) -> int:
        """Execute it, and return how many rows it changed. Objects that the session holds stay as they were read."""
        done = self.session.execute(statement, execution_options={"synchronize_session": False})
        return cast("CursorResult[Any]", done).rowcount


db = Database(model_class=Model, session_options={"class_": Session, "expire_on_commit": False})


def init_app(app: Flask) -> None:
    """Bind the database to *app*."""
    found = app.extensions["settings"].database_url
    store: Store = PostgreSQL(found, THREADS) if isinstance(found, str) else Sqlite(found, THREADS)
    app.extensions["store"] = store
    app.config["SQLALCHEMY_DATABASE_URI"] = store.url
    # Values to store, such as a password's hash, must not appear in an error message.
    app.config["SQLALCHEMY_ENGINE_OPTIONS"] = store.engine_options() | {"hide_parameters": True}
    app.config["BUSY_SECONDS"] = BUSY_SECONDS
    db.init_app(app)
    with app.app_context():
        engine = db.engine
    store.attach(engine)
    event.listen(engine, "begin", _begin)
    event.listen(engine, "handle_error", _name_error)


@contextmanager
def opening(app: Flask) -> Iterator[None]:
    """Stop the start of *app* with one line if the block cannot use the database. Raises Misconfigured.

    No connection stays open: a worker forked from here must not share one, and a start that failed leaves no files behind.
    """
    try:
        yield
    except StoreUnavailable as problem:
        found: Store = app.extensions["store"]
        said = " ".join(str(problem).split())
        raise Misconfigured(f"DATABASE_URL: {found.name} cannot be used ({said}).") from problem
    finally:
        with app.app_context():
            db.engine.dispose()


@contextmanager
def writing(*, durable: bool = True) -> Iterator[None]:
    """Run the block as one transaction that means to write from its start; join one already open.

    *durable*: wait at the commit until a power cut cannot undo it. Otherwise the commit becomes durable soon, at the
    latest with the next durable one: a crash loses the last commits first, so no later one survives without it.

    On SQLite a transaction that reads first and writes later fails at once under contention, in spite of the
    time-out. So this drops what was read before; read it again inside.

    Order of locks, everywhere: the user rows by id, then the session row, then the head of the log.
    """
    _count_write()
    session = db.session()
    if is_writing():
        if durable:
            check_durable()
        yield
        return
    callbacks: dict[object, Callable[[], None]] = {}
    session.rollback()
    session.info |= {"after_commit": callbacks, "durable": durable}
    try:
        with store().turn_to_write(_patience()):
            try:
                options = {"writing": True, "durable": durable}
                session.info["connection"] = session.connection(execution_options=options)
                yield
                session.commit()
            except BaseException:
                session.rollback()
                raise
    finally:
        _count_write()
        for name in ("after_commit", "durable", "connection"):
            session.info.pop(name, None)
    for callback in callbacks.values():
        _call(callback)


def connection() -> Connection:
    """Return the connection of the session's transaction, without asking the session for it each time."""
    session = db.session()
    found: Connection = session.info.get("connection") or session.connection()
    return found


def writes() -> int:
    """Return a number that changes where `writing` begins and ends: what was read before that may be old."""
    found: int = g.get("writes", 0)
    return found


def _count_write() -> None:
    if "lent" in g:
        raise RuntimeError("nothing is written within `prebuilt.reading`")
    g.writes = writes() + 1


def _call(callback: Callable[[], None]) -> None:
    """Log a failure after the commit: the commit stands, and so does the answer that reports it."""
    try:
        callback()
    except Exception:
        _log.exception("after a commit")


def is_writing() -> bool:
    """Return whether a `writing` block is open."""
    return "after_commit" in db.session().info


def check_durable() -> None:
    """Raise RuntimeError inside a `writing` block that a power cut may undo."""
    if not db.session().info["durable"]:
        raise RuntimeError("what must last does not belong inside a transaction that may be lost")


def let_go() -> None:
    """Return the connection before slow work. Objects already read can still be used."""
    if is_writing():
        raise RuntimeError("nothing that takes long belongs inside a transaction")
    db.session.commit()


def after_commit(callback: C, *, once: object = None) -> C:
    """Call *callback* once the transaction of the enclosing `writing` block has been committed, and return it.

    An earlier one that was given the same *once* stays, and is returned instead.
    """
    found: C = db.session().info["after_commit"].setdefault(once or callback, callback)
    return found


def trim(key: InstrumentedAttribute[bytes], is_old: ColumnElement[bool]) -> None:
    """Delete some old rows, by their primary *key*, where new ones are added: so `flask purge` finds few.

    Must run inside `writing`. Rows that another request is deleting are left to it.
    """
    old = select(key).where(is_old).limit(TRIMMED).with_for_update(skip_locked=True)
    db.session.execute(delete(key.class_).where(key.in_(old)))


def analyze() -> None:
    """Refresh the statistics by which the database plans queries. Raises StoreUnavailable."""
    store().analyze(db.engine)


def analyze_growth() -> None:
    """Refresh the statistics if the database does not do so itself. They only help: nothing fails without them."""
    if not store().analyzes_itself:
        with suppress(StoreUnavailable):
            analyze()


def store() -> Store:
    """Return the kind of database that the current application uses."""
    found: Store = current_app.extensions["store"]
    return found


def _begin(connection: Connection) -> None:
    options = connection.get_execution_options()
    if options.get("writing"):
        store().begin(connection, _patience(), durable=options["durable"])
    elif connection.dialect.name == "sqlite":
        connection.connection.cursor().execute("BEGIN")


def _patience() -> float:
    found: float = current_app.config["BUSY_SECONDS"]
    return found


def _name_error(context: ExceptionContext) -> StoreUnavailable | None:
    return _unavailable(context.sqlalchemy_exception, context.original_exception)


def _unavailable(found: BaseException | None, original: BaseException) -> StoreUnavailable | None:
    ours = (exc.IntegrityError, exc.ProgrammingError, exc.DataError, exc.NotSupportedError)
    if isinstance(found, exc.DatabaseError | exc.InterfaceError) and not isinstance(found, ours):
        return StoreUnavailable(str(original))
    return None


def name_error(problem: Exception, engine: Engine) -> BaseException:
    """Return the error that SQLAlchemy would raise for a driver's error: StoreUnavailable, or another one."""
    base, named = engine.dialect.loaded_dbapi.Error, exc.DBAPIError.instance
    found = named("", None, problem, base, hide_parameters=True, dialect=engine.dialect)
    return _unavailable(found, problem) or found


@contextmanager
def pooled(engine: Engine) -> Iterator[Any]:
    """Lend a connection of the driver's on which no transaction begins. Raises StoreUnavailable."""
    error = engine.dialect.loaded_dbapi.Error
    try:
        lent = engine.raw_connection()
    except error as problem:
        raise name_error(problem, engine) from problem
    try:
        with store().at_once(lent.dbapi_connection):
            yield lent.dbapi_connection
    except error as problem:
        lent.invalidate(problem)
        raise name_error(problem, engine) from problem
    finally:
        lent.close()
