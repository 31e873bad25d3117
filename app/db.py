"""The database: SQLite in one file, and the one way to write to it."""

import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from flask import Flask, current_app
from flask_sqlalchemy import SQLAlchemy
from sqlalchemy import Connection, ExceptionContext, event, exc
from sqlalchemy.orm import DeclarativeBase
from sqlalchemy.pool import ConnectionPoolEntry

from app.config import THREADS, Settings

BUSY_SECONDS = 5


class Model(DeclarativeBase):
    """The base of every table."""


class StoreUnavailable(Exception):
    """The database cannot be read or written now. Nothing half-done remains; the caller may try again."""


db = SQLAlchemy(model_class=Model, session_options={"expire_on_commit": False})


def init_app(app: Flask, settings: Settings) -> None:
    """Bind the database to *app*."""
    app.config["SQLALCHEMY_DATABASE_URI"] = f"sqlite:///{settings.database}"
    app.config["SQLALCHEMY_ENGINE_OPTIONS"] = {
        "creator": lambda: connect(settings.database),
        "pool_size": THREADS,
    }
    app.config["BUSY_SECONDS"] = BUSY_SECONDS
    app.extensions["turn_to_write"] = threading.Lock()
    db.init_app(app)
    with app.app_context():
        engine = db.engine
    event.listen(engine, "connect", partial(_configure, settings.database))
    event.listen(engine, "checkout", partial(_check_file, settings.database))
    event.listen(engine, "begin", _begin)
    event.listen(engine, "handle_error", _name_error)


def connect(database: Path) -> sqlite3.Connection:
    """Open the file *database*, which has to be there: SQLite would put an empty one in the place of one that is lost.

    The connection begins no transaction by itself, and any thread may use it.
    """
    return sqlite3.connect(
        f"{database.as_uri()}?mode=rw", uri=True, isolation_level=None, check_same_thread=False, timeout=BUSY_SECONDS
    )


def file_id(database: Path) -> tuple[int, int] | None:
    """Name the very file that is at this path now; None if there is none.

    An open connection goes on with a file that was removed or replaced, and what it writes is lost.
    """
    try:
        found = database.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino


@contextmanager
def writing() -> Iterator[None]:
    """Run the block as one transaction that holds the write lock from its start; join one already open.

    A transaction that reads first and writes later fails at once under contention on SQLite, whatever the
    time-out, so whatever was read before is let go and must be read again inside.

    Order of locks, everywhere: the user row, then the session row, then the head of the log.
    """
    session = db.session()
    if "after_commit" in session.info:
        yield
        return
    callbacks: list[Callable[[], None]] = []
    session.rollback()
    session.info["after_commit"] = callbacks
    try:
        with _turn_to_write():
            try:
                session.connection(execution_options={"writing": True})
                yield
                session.commit()
            except BaseException:
                session.rollback()
                raise
    finally:
        del session.info["after_commit"]
    for callback in callbacks:
        callback()


@contextmanager
def _turn_to_write() -> Iterator[None]:
    """Queue the writers of this process, so that few processes, not many threads, compete for the one write lock."""
    turn: threading.Lock = current_app.extensions["turn_to_write"]
    if not turn.acquire(timeout=_patience()):
        raise StoreUnavailable("others have been writing for too long")
    try:
        yield
    finally:
        turn.release()


def let_go() -> None:
    """Give the connection back before something that takes long. What was read can still be looked at."""
    session = db.session()
    if "after_commit" in session.info:
        raise RuntimeError("nothing that takes long belongs inside a transaction")
    session.commit()


def after_commit(callback: Callable[[], None]) -> None:
    """Call *callback* once the transaction of the enclosing `writing` block has been committed."""
    db.session().info["after_commit"].append(callback)


def _configure(database: Path, connection: sqlite3.Connection, record: ConnectionPoolEntry) -> None:
    record.info["file"] = file_id(database)
    for pragma in ("foreign_keys=ON", "recursive_triggers=ON", "synchronous=FULL"):
        connection.execute(f"PRAGMA {pragma}")


def _check_file(database: Path, _connection: object, record: ConnectionPoolEntry, _proxy: object) -> None:
    if record.info["file"] != file_id(database):
        raise exc.DisconnectionError  # the pool opens another


def _begin(connection: Connection) -> None:
    raw = connection.connection.dbapi_connection
    if connection.get_execution_options().get("writing") and isinstance(raw, sqlite3.Connection):
        _begin_to_write(raw)
    else:
        connection.exec_driver_sql("BEGIN")


def _begin_to_write(raw: sqlite3.Connection) -> None:
    """Take the write lock. SQLite's own waiting looks again after up to 100 ms, and so loses to every newcomer."""
    deadline = time.monotonic() + _patience()
    raw.execute("PRAGMA busy_timeout=0")
    try:
        while not _has_begun(raw):
            if time.monotonic() > deadline:
                raise StoreUnavailable("others have been writing for too long")
            time.sleep(0.001)
    finally:
        raw.execute(f"PRAGMA busy_timeout={BUSY_SECONDS * 1000}")


def _has_begun(raw: sqlite3.Connection) -> bool:
    try:
        raw.execute("BEGIN IMMEDIATE")
    except sqlite3.Error as problem:
        if problem.sqlite_errorcode == sqlite3.SQLITE_BUSY:
            return False
        raise StoreUnavailable(str(problem)) from problem
    return True


def _patience() -> float:
    found: float = current_app.config["BUSY_SECONDS"]
    return found


def _name_error(context: ExceptionContext) -> StoreUnavailable | None:
    ours = (exc.IntegrityError, exc.ProgrammingError, exc.DataError, exc.NotSupportedError)
    found = context.sqlalchemy_exception
    if isinstance(found, exc.DatabaseError | exc.InterfaceError) and not isinstance(found, ours):
        return StoreUnavailable(str(context.original_exception))
    return None
