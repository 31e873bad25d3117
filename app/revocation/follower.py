"""On SQLite every process checks the log at each request: one machine needs neither lease nor registry."""

import os
import sqlite3
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from app.revocation.memory import Memory, mark, read
from app.revocation.witness import LogCut, Witness
from app.store.base import StoreUnavailable
from app.store.sqlite import connect, file_id, head_of_index

if TYPE_CHECKING:
    from mmap import mmap

FILE_SECONDS = 0.1


class _Seen(NamedTuple):
    """The result of a look. *then*: the *head* as it was before the look began."""

    head: "mmap"
    then: bytes
    memory: Memory | None


class Follower:
    """Keeps a memory as current as the log.

    SQLite's `data_version` costs microseconds and changes as soon as another connection has committed. It ignores
    commits of its own connection and stands still inside a read transaction, so the follower has its own connection in
    autocommit. It reads the version, then the entries, then publishes: a commit in between is read now or the next
    time. One look serves every request that came before it began.

    Even that query releases the interpreter to other threads four times, and costs ten times as much under load. So a
    process that serves requests first compares the head of the log's index: until it changes, no one committed.
    """

    def __init__(self, database: Path, witness: Witness) -> None:
        self._database = database
        self._witness = witness
        self._lock = threading.Lock()
        self._begun = 0
        self._done = 0
        self._pid = 0
        self._file: tuple[int, int] | None = None
        self._file_checked = 0.0
        self._version = -1
        self._memory: Memory | None = None
        self._is_serving = False
        self._head: mmap | None = None
        self._seen: _Seen | None = None

    def start(self) -> None:
        """Compare the head of the index from now on. It stays open as long as the process lives (see `head_of_index`)."""
        self._is_serving = True

    def current(self) -> Memory | None:
        """Return a memory that knows every entry committed before this call. Raises StoreUnavailable."""
        known = self._seen
        if known and known.head[:] == known.then and self._is_ours():
            return known.memory
        before = self._begun
        with self._lock:
            if self._done <= before:  # else a look has begun and ended while this call waited
                self._look()
            return self._memory

    def close(self) -> None:
        """Close the connection; the next look opens another."""
        with self._lock:
            self._seen = None
            if self._pid == os.getpid():
                self._connection.close()
            self._pid = 0

    def _look(self) -> None:
        self._begun += 1
        try:
            self._catch_up()
        except sqlite3.Error as problem:
            self._pid = 0
            raise StoreUnavailable(str(problem)) from problem
        self._done = self._begun

    def _catch_up(self) -> None:
        if self._pid != os.getpid() or self._is_elsewhere():  # a connection must not cross a fork
            self._open()
        head = self._head[:] if self._head else b""
        version = self._connection.execute("PRAGMA data_version").fetchone()[0]
        if version != self._version:
            self._memory = self._read()
            self._version = version
        if self._head:
            self._seen = _Seen(self._head, head, self._memory)
        elif self._is_serving:
            self._head = head_of_index(self._database)  # which is there now that the connection has read

    def _read(self) -> Memory:
        try:
            return read(self._memory, self._connection.execute, "?", self._witness)
        except LogCut as problem:
            self._connection.execute("PRAGMA busy_timeout=0")  # every request waits for this look
            mark(problem, self._connection.execute, "?", self._witness)
            self._pid = 0  # the next look opens the file again
            raise

    def _is_ours(self) -> bool:
        """Return whether the connection is this process's, and its file was looked at just now."""
        return self._pid == os.getpid() and time.monotonic() < self._file_checked + FILE_SECONDS

    def _is_elsewhere(self) -> bool:
        """Return whether the connection's file was removed or replaced; checks ten times a second.

        A removed file gets no more writes: each writer checks its file first.
        """
        now = time.monotonic()
        if now < self._file_checked + FILE_SECONDS:
            return False
        if self._file != file_id(self._database):
            return True
        self._file_checked = now  # not before: others would go by what was seen of the file that is gone
        return False

    def _open(self) -> None:
        self._head = self._seen = None
        self._file = file_id(self._database)
        self._connection = connect(self._database)
        self._memory = None
        self._version = -1
        self._pid = os.getpid()
