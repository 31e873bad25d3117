"""The database, and the one way to write to it."""

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import cached_property
from typing import Any, TypeVar, cast

from flask import Flask
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
from sqlalchemy.orm.identity import IdentityMap
from sqlalchemy.pool import PoolProxiedConnection

from app import clock, context
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


class Lent:
    """A connection of the pool, *pooled*, and the driver's, *raw*, for statements that the driver runs itself."""

    def __init__(self, engine: Engine, pooled: PoolProxiedConnection) -> None:
        self.engine, self.pooled, self.raw = engine, pooled, cast(Any, pooled.dbapi_connection)

    @property
    def error(self) -> type[Exception]:
        """The driver's own error."""
        return self.engine.dialect.loaded_dbapi.Error


class Transaction:
    """The transaction of a `writing` block, on the connection *lent*. The ORM joins it where the block uses the ORM."""

    def __init__(self, lent: Lent, *, durable: bool) -> None:
        self.lent, self.durable = lent, durable
        self.callbacks: dict[object, Callable[[], None]] = {}

    @cached_property
    def joined(self) -> Connection:
        """The same transaction, as the ORM knows it."""
        return Connection(self.lent.engine, self.lent.pooled)

    def commit(self) -> None:
        """Commit what the ORM wrote, if it was used, and what the driver did."""
        if orm_is_in_transaction():
            db.session.commit()
        self.lent.raw.commit()

    def begin_again(self) -> None:
        """Drop what was written so far, and what was to follow it."""
        self.callbacks.clear()
        try:
            self.lent.raw.rollback()
            store().begin_to_read(self.lent.raw)
        except self.lent.error as problem:
            raise name_error(problem, self.lent.engine) from problem


class Holding:
    """What a request, or a command, holds of the database: at most one connection, *lent*, and *transaction*.

    A block of it takes a connection, on which no transaction has begun, and gives it back at the end, if not before.
    *writes*: see `writes`; *shares*: whether look-ups share the connection (see `prebuilt.reading`).
    """

    def __init__(self) -> None:
        self.engine = db.engine
        self.lent: Lent | None = None
        self.transaction: Transaction | None = None
        self.writes = 0
        self.shares = False

    def take(self) -> Lent:
        """Return the connection, from the pool if none is held. Raises StoreUnavailable."""
        if self.lent is None:
            try:
                self.lent = Lent(self.engine, self.engine.raw_connection())
            except self.engine.dialect.loaded_dbapi.Error as problem:
                raise name_error(problem, self.engine) from problem
        return self.lent

    def give_back(self, problem: BaseException | None = None) -> None:
        """Return the connection to the pool, if one is held. One on which the database has failed is not used again."""
        lent, self.lent = self.lent, None
        if lent is None:
            return
        if problem and lent.pooled.is_valid and isinstance(problem, (lent.error, StoreUnavailable)):
            lent.pooled.invalidate(problem)
        lent.pooled.close()

    def __enter__(self) -> Lent:
        return self.take()

    def __exit__(self, _kind: object, problem: BaseException | None, _trace: object) -> None:
        self.give_back(problem)
        if problem and isinstance(problem, self.engine.dialect.loaded_dbapi.Error):
            raise name_error(problem, self.engine) from problem


class Session(BoundSession):
    """Ends a transaction without an error where the connection is lost: the database has rolled it back already."""

    def get_bind(self, *which: Any, **more: Any) -> Engine | Connection:
        """Return what to connect to. A request holds one connection at a time."""
        here = holding()
        if here.transaction:
            return here.transaction.joined
        here.give_back()
        return super().get_bind(*which, **more)

    def rollback(self) -> None:
        """Drop what was written, within `writing` also by the driver: then each object is read again."""
        try:
            super().rollback()
            if is_writing():
                self.expire_all()
                transaction().begin_again()
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

    def flush(self) -> None:
        """Send what the ORM has yet to write, if the request has used it at all."""
        if self.session.registry.has():
            self.session.flush()

    def objects(self) -> IdentityMap | dict[Any, Any]:
        """Return the objects that the ORM holds, by their identity: none, if the request has not used it."""
        return self.session.identity_map if self.session.registry.has() else {}

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
    event.listen(engine, "begin", lambda connection: store.begin_to_read(connection.connection.dbapi_connection))
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
    here = holding()
    here.writes += 1
    if here.transaction:
        if durable:
            check_durable()
        yield
        return
    _roll_back()
    kind, patience = store(), _patience()
    try:
        with kind.turn_to_write(patience, here.give_back), here as lent:
            here.transaction = found = Transaction(lent, durable=durable)
            kind.begin(lent.pooled, patience, durable=durable)
            try:
                yield
                found.commit()
            except BaseException:
                _roll_back()
                raise
    finally:
        here.writes += 1
        here.transaction = None
    for callback in found.callbacks.values():
        _call(callback)


def _roll_back() -> None:
    """Have the ORM drop what it did. What the driver did itself is rolled back as its connection goes back to the pool."""
    if db.session.registry.has():
        db.session.rollback()


def orm_is_in_transaction() -> bool:
    """Return whether the ORM is in a transaction: one that it began, or that of `writing`."""
    return db.session.registry.has() and db.session().in_transaction()


def holding() -> Holding:
    """Return what the current request, or command, holds."""
    here = context.g()
    found: Holding | None = here.get("holding")
    if found is None:
        found = here.holding = Holding()
    return found


def transaction() -> Transaction:
    """Return that of the enclosing `writing` block. Raises RuntimeError outside one."""
    found = holding().transaction
    if found is None:
        raise RuntimeError("this belongs inside a transaction")
    return found


def held(session: orm.Session | orm.scoped_session[Any] = db.session) -> Lent:
    """Return the connection that this request holds for `writing` or `prebuilt.reading`, or the ORM's *session* for itself."""
    if session is db.session:  # another needs no request
        here = holding()
        if here.lent or (here.shares and not orm_is_in_transaction()):
            return here.take()
    connection = session.connection()
    return Lent(connection.engine, connection.connection)


def writes() -> int:
    """Return a number that changes where `writing` begins and ends: what was read before that may be old."""
    return holding().writes


def _call(callback: Callable[[], None]) -> None:
    """Log a failure after the commit: the commit stands, and so does the answer that reports it."""
    try:
        callback()
    except Exception:
        _log.exception("after a commit")


def is_writing() -> bool:
    """Return whether a `writing` block is open."""
    return holding().transaction is not None


def check_durable() -> None:
    """Raise RuntimeError inside a `writing` block that a power cut may undo."""
    if not transaction().durable:
        raise RuntimeError("what must last does not belong inside a transaction that may be lost")


def let_go() -> None:
    """Return the connection before slow work. Objects already read can still be used."""
    here = holding()
    if here.transaction:
        raise RuntimeError("nothing that takes long belongs inside a transaction")
    here.give_back()
    if orm_is_in_transaction():
        db.session.commit()


def after_commit(callback: C, *, once: object = None) -> C:
    """Call *callback* once the transaction of the enclosing `writing` block has been committed, and return it.

    An earlier one that was given the same *once* stays, and is returned instead.
    """
    return cast(C, transaction().callbacks.setdefault(once or callback, callback))


def trim(key: InstrumentedAttribute[bytes], is_old: ColumnElement[bool]) -> None:
    """Delete some old rows, by their primary *key*, where new ones are added: so `flask purge` finds few.

    Must run inside `writing`. Rows that another request is deleting are left to it.
    """
    old = select(key).where(is_old).limit(TRIMMED).with_for_update(skip_locked=True)
    db.session.execute(delete(key.class_).where(key.in_(old)))


def is_time_to_trim(model: type[Model]) -> bool:
    """Return True once a second in each process: then the request that asks deletes old rows of *model*."""
    trimmed: dict[type[Model], int] = context.app().extensions.setdefault("trimmed", {})
    before, trimmed[model] = trimmed.get(model), clock.now()
    return before != trimmed[model]


def analyze() -> None:
    """Refresh the statistics by which the database plans queries. They only help: nothing fails without them."""
    with suppress(StoreUnavailable):
        store().analyze()


@contextmanager
def maintaining() -> Iterator[None]:
    """Give the block time for statements that read tables from end to end, however large these are."""
    let_go()
    with store().maintaining():
        db.engine.dispose()  # connections made from here on have the limits of a command
        yield


def store() -> Store:
    """Return the kind of database that the current application uses."""
    found: Store = context.app().extensions["store"]
    return found


def _patience() -> float:
    found: float = context.app().config["BUSY_SECONDS"]
    return found


def _name_error(context: ExceptionContext) -> StoreUnavailable | None:
    return _unavailable(context.sqlalchemy_exception, context.original_exception)


def _unavailable(found: BaseException | None, original: BaseException) -> StoreUnavailable | None:
    # Not NotSupportedError: another node has changed the table of a prepared statement, and a new connection prepares it again.
    ours = (exc.IntegrityError, exc.ProgrammingError, exc.DataError)
    if isinstance(found, exc.DatabaseError | exc.InterfaceError) and not isinstance(found, ours):
        return StoreUnavailable(str(original))
    return None


def name_error(problem: Exception, engine: Engine) -> BaseException:
    """Return the error that SQLAlchemy would raise for a driver's error: StoreUnavailable, or another one."""
    base, named = engine.dialect.loaded_dbapi.Error, exc.DBAPIError.instance
    found = named("", None, problem, base, hide_parameters=True, dialect=engine.dialect)
    return _unavailable(found, problem) or found
