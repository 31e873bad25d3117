"""SQLite: one file on one machine."""

import ctypes
import fcntl
import mmap
import os
import sqlite3
import threading
import time
from collections.abc import Callable, Hashable, Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Any, cast

from sqlalchemy import Engine, event, exc
from sqlalchemy.pool import ConnectionPoolEntry, PoolProxiedConnection

from app.store.base import Store, StoreUnavailable

BUSY_SECONDS = 5
MIGRATING_SECONDS = 60  # for which a migration waits for other writers
RECYCLE_SECONDS = 600  # a connection reads the statistics when it is opened
CHECKPOINT_SECONDS = 2
LONG_LOG = 4096  # pages of the write-ahead log, which is then begun again
LONGEST_LOG = 16384  # the same, where no process does so in the background
RESTART_MILLISECONDS = 100  # for which writers may wait then
SMALL_ROWS = 1000
ANALYZED_ROWS = 1000  # of each index: enough for a plan, and milliseconds however large the table is
_HEAD = 2 * 48  # bytes: SQLite keeps two copies
_heads: dict[tuple[int, int], mmap.mmap] = {}


class Sqlite(Store):
    """The database in the file at *path*."""

    def __init__(self, path: Path, connections: int) -> None:
        self.path = path
        self.name = str(path)
        self.url = f"sqlite:///{path}"
        self._connections = connections
        self._turn = threading.Lock()
        self._is_migrating = False
        self._head: mmap.mmap | None = None

    def engine_options(self) -> dict[str, Any]:
        return {
            "creator": lambda: connect(self.path),
            "pool_size": self._connections,
            "pool_recycle": RECYCLE_SECONDS,
            "pool_use_lifo": True,  # its pages are the newest that this process has read
        }

    def prepare(self) -> None:
        self.path.touch(mode=0o600)

    def attach(self, engine: Engine) -> None:
        event.listen(engine, "connect", self._configure)
        event.listen(engine, "checkout", self._check_file)

    def start(self) -> None:
        """Copy what was committed into the file in the background, so that no request has to at its commit."""
        threading.Thread(target=self._keep_short, name="checkpoints", daemon=True).start()
        self._file, self._kept = file_id(self.path), connect(self.path)  # kept for the head
        self._kept.execute("PRAGMA schema_version").fetchone()
        self._head = head_of_index(self.path)

    def head(self) -> Hashable | None:
        """Return the file and the head of its write-ahead log's index, unless the file was removed or replaced."""
        return (self._file, self._head[:]) if self._head and file_id(self.path) == self._file else None

    @contextmanager
    def turn_to_write(self, patience: float, let_go: Callable[[], None]) -> Iterator[None]:
        """Let few processes, not many threads, compete for the one write lock."""
        if not self._turn.acquire(blocking=False):
            let_go()
            if not self._turn.acquire(timeout=patience):
                raise StoreUnavailable("others have been writing for too long")
        try:
            yield
        finally:
            self._turn.release()

    def begin(self, pooled: PoolProxiedConnection, patience: float, *, durable: bool) -> None:
        raw = cast(sqlite3.Connection, pooled.dbapi_connection)
        if pooled.info["durable"] != durable:
            raw.execute(f"PRAGMA synchronous={'FULL' if durable else 'NORMAL'}")
            pooled.info["durable"] = durable
        _begin_to_write(raw, patience)

    def begin_to_read(self, raw: sqlite3.Connection) -> None:
        if raw.in_transaction:
            return
        if self._is_migrating:  # what reads first fails at once beside an older process that writes
            _begin_to_write(raw, MIGRATING_SECONDS)
        else:
            raw.execute("BEGIN")

    def analyze(self) -> None:
        try:
            with closing(connect(self.path)) as connection:
                connection.execute(f"PRAGMA analysis_limit={ANALYZED_ROWS}")
                connection.execute("BEGIN IMMEDIATE")
                # Index by index: of a table with partial ones alone, such as the log, SQLite would count every row.
                for (index,) in connection.execute("SELECT name FROM sqlite_schema WHERE type = 'index'").fetchall():
                    connection.execute(f'ANALYZE "{index}"')
                # A table known to be small is read from end to end, also when it has grown since.
                connection.execute(
                    "DELETE FROM sqlite_stat1 WHERE idx IS NULL OR CAST(stat AS integer) < ?", (SMALL_ROWS,)
                )
                connection.execute("COMMIT")
        except sqlite3.Error as problem:
            raise StoreUnavailable(str(problem)) from problem

    @contextmanager
    def migrating(self) -> Iterator[None]:
        with self.path.with_name(f".{self.path.name}.migrating").open("w") as held:
            fcntl.flock(held, fcntl.LOCK_EX)
            try:
                with closing(connect(self.path)) as connection:
                    # Kept in the file from now on. Readers then never wait for a writer.
                    connection.execute("PRAGMA journal_mode=WAL")
            except sqlite3.Error as problem:
                raise StoreUnavailable(str(problem)) from problem
            self._is_migrating = True
            try:
                yield
            finally:
                self._is_migrating = False

    def _configure(self, connection: sqlite3.Connection, record: ConnectionPoolEntry) -> None:
        record.info.update(file=file_id(self.path), durable=True)
        checkpoints = f"wal_autocheckpoint={LONGEST_LOG}"
        for pragma in ("foreign_keys=ON", "recursive_triggers=ON", "synchronous=FULL", checkpoints):
            connection.execute(f"PRAGMA {pragma}")

    def _keep_short(self) -> None:
        while True:
            time.sleep(CHECKPOINT_SECONDS)
            with suppress(sqlite3.Error), closing(connect(self.path)) as connection:
                checkpoint(connection)

    def _check_file(self, _connection: object, record: ConnectionPoolEntry, _proxy: object) -> None:
        if record.info["file"] != file_id(self.path):
            raise exc.DisconnectionError  # the pool opens another


def connect(database: Path) -> sqlite3.Connection:
    """Open the file *database*, which has to be there: SQLite would put an empty one in the place of one that is lost.

    The connection begins no transaction by itself, and any thread may use it.
    """
    return sqlite3.connect(
        f"{database.as_uri()}?mode=rw", uri=True, isolation_level=None, check_same_thread=False, timeout=BUSY_SECONDS
    )


def checkpoint(connection: sqlite3.Connection) -> None:
    """Copy the write-ahead log into the file, beside readers and writers. Where it is long all the same, have the next
    writer begin it again: readers that never pause would let it grow without end."""
    _, pages, _ = connection.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()
    if pages > LONG_LOG:
        connection.execute(f"PRAGMA busy_timeout={RESTART_MILLISECONDS}")
        connection.execute("PRAGMA wal_checkpoint(RESTART)")


def file_id(database: Path) -> tuple[int, int] | None:
    """Name the very file that is at this path now; None if there is none.

    An open connection goes on with a file that was removed or replaced, and what it writes is lost.
    """
    try:
        found = database.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino


def head_of_index(database: Path) -> mmap.mmap | None:
    """Return the memory that each commit of any process changes: the head of the index of the write-ahead log.

    SQLite compares these bytes to tell whether what it has cached is still so (sqlite.org/walformat.html, 2.1). They are
    good as long as this process has a connection to the file. None if the index cannot be read.
    """
    real = database.resolve()  # SQLite keeps the log beside the file itself, not beside a link to it
    index = real.with_name(f"{real.name}-shm")
    name = file_id(index)
    if name is None:
        return None
    try:
        return _heads.get(name) or _heads.setdefault(name, _mapped(index))
    except (OSError, ValueError):
        return None


def _mapped(index: Path) -> mmap.mmap:
    """Map the head for as long as the process lives. To close a file drops all locks that the process has on it (POSIX), and
    SQLite's own are there."""
    found = mmap.mmap(os.open(index, os.O_RDONLY), _HEAD, prot=mmap.PROT_READ)
    ctypes.pythonapi.Py_IncRef(ctypes.py_object(found))  # not even the interpreter's end closes it
    return found


def _begin_to_write(raw: sqlite3.Connection, patience: float) -> None:
    """Take the write lock. SQLite's own waiting looks again after up to 100 ms, and so loses to every newcomer."""
    deadline = time.monotonic() + patience
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
        if problem.sqlite_errorcode & 0xFF == sqlite3.SQLITE_BUSY:  # also while another process recovers the log
            return False
        raise StoreUnavailable(str(problem)) from problem
    return True
