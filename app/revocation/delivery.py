"""How news reaches the memory of this process: on SQLite, by a look at each request."""

import os
import sqlite3
import threading
import time
from pathlib import Path

from flask import Flask, current_app

from app import clock
from app.config import Settings
from app.db import StoreUnavailable, connect, file_id
from app.revocation import log
from app.revocation.checkers.base import AllOf, Checker
from app.revocation.checkers.cutoff import Cutoff
from app.revocation.checkers.denylist import Denylist
from app.revocation.entries import Bearer, Entry, Kind, Scope

FILE_SECONDS = 0.1

_READ = (
    "SELECT position, kind, scope, subject, opened, until, at, reason, actor"
    " FROM log_entries WHERE position > ? AND kind = 'revoked' ORDER BY position"
)


def init_app(app: Flask, settings: Settings) -> None:
    """Give *app* a follower of the log in its database."""
    app.extensions["follower"] = Follower(settings.database)


def allows(bearer: Bearer) -> bool:
    """Say whether the log, read up to this moment, lets the token live. Raises StoreUnavailable, never guesses."""
    follower: Follower = current_app.extensions["follower"]
    checker = follower.current()
    if bearer.opened > follower.position:  # in another log than this one: perhaps an older copy was put back
        return False
    if bearer.exp <= checker.horizon:  # the clock was set back, perhaps: the memory has forgotten what the log has not
        return not log.is_over(bearer)
    return checker.allows(bearer)


class Follower:
    """Keeps a checker as current as the log.

    SQLite's `data_version` costs microseconds and differs as soon as another connection has committed. It ignores
    commits of its own connection and stands still inside a read transaction: hence a connection for this alone, in
    autocommit. Version first, entries second, publish third: a commit in between is read now or at the next look.
    One look serves every request that came before it began.
    """

    def __init__(self, database: Path) -> None:
        self._database = database
        self._lock = threading.Lock()
        self._begun = 0
        self._done = 0
        self._pid = 0
        self._file: tuple[int, int] | None = None
        self._file_checked = 0.0
        self._version = -1
        self.position = 0
        self._epoch = ""
        self._checker = _nothing_known()

    def current(self) -> Checker:
        """Return a checker that knows every entry committed before this call."""
        before = self._begun
        with self._lock:
            if self._done <= before:  # else a look has begun and ended while this call waited
                self._look()
            return self._checker

    def close(self) -> None:
        """Let go of the connection; the next look opens another."""
        with self._lock:
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
        if self._pid != os.getpid() or self._is_elsewhere():  # a connection must not be carried across a fork
            self._open()
        version = self._connection.execute("PRAGMA data_version").fetchone()[0]
        if version != self._version:
            self._read()
            self._version = version

    def _is_elsewhere(self) -> bool:
        """Say whether the connection goes on with a file that was removed or replaced; looks ten times a second.

        Nobody writes to such a file: who writes looks each time.
        """
        now = time.monotonic()
        if now < self._file_checked + FILE_SECONDS:
            return False
        self._file_checked = now
        return self._file != file_id(self._database)

    def _read(self) -> None:
        size, epoch = self._connection.execute("SELECT size, epoch FROM log_head").fetchone()
        if epoch != self._epoch or size < self.position:
            self._forget_everything()
            self._epoch = epoch
        for position, kind, scope, *rest in self._connection.execute(_READ, (self.position,)):
            self._checker.apply(Entry(position, Kind(kind), Scope(scope), *rest))
            size = max(size, position)
        self.position = size
        self._checker.forget(clock.now())

    def _open(self) -> None:
        self._file = file_id(self._database)
        self._connection = connect(self._database)
        self._forget_everything()
        self._pid = os.getpid()

    def _forget_everything(self) -> None:
        self._checker = _nothing_known()
        self._version = -1
        self.position = 0
        self._epoch = ""


def _nothing_known() -> Checker:
    return AllOf(Denylist(), Cutoff())
