"""The write-ahead log of SQLite: what is committed is copied into the file in the background, and the log stays short."""

import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import select

from app.revocation.log import Head
from app.store import prebuilt, sqlite
from app.store.db import db, writing
from app.store.sqlite import LONG_LOG, Sqlite, checkpoint, connect
from tests.browsers import Site
from tests.server import Server

pytestmark = pytest.mark.sqlite
ROW = "x" * 4000  # about a page


@pytest.fixture
def database(site: Site) -> Path:
    return site.folder / "signed-out.db"


@pytest.fixture
def writer(database: Path) -> Iterator[sqlite3.Connection]:
    with closing(connect(database)) as connection:
        connection.execute("PRAGMA wal_autocheckpoint=0")
        connection.execute("CREATE TABLE rows (content)")
        yield connection


def write(writer: sqlite3.Connection, pages: int) -> None:
    writer.execute("BEGIN IMMEDIATE")
    writer.executemany("INSERT INTO rows VALUES (?)", ((ROW,) for _ in range(pages)))
    writer.execute("COMMIT")


def pages(connection: sqlite3.Connection) -> int:
    """How long the write-ahead log is."""
    found: int = connection.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()[1]
    return found


def test_a_running_site_copies_what_it_commits_without_a_request(instance: Path, tmp_path: Path) -> None:
    server = Server(instance)
    try:
        server.join("ada@example.org")
        deadline = time.monotonic() + 60
        while not _has_ada(instance / "signed-out.db", tmp_path / "copy.db"):
            assert time.monotonic() < deadline
            time.sleep(0.05)
    finally:
        server.stop()


def _has_ada(database: Path, copy: Path) -> bool:
    """Whether the file alone, without its write-ahead log, knows her."""
    copy.write_bytes(database.read_bytes())
    with closing(sqlite3.connect(f"{copy.as_uri()}?immutable=1", uri=True)) as connection:
        try:
            return bool(connection.execute("SELECT * FROM users WHERE email = 'ada@example.org'").fetchall())
        except sqlite3.DatabaseError:
            return False  # it was being written to


def test_a_long_log_is_begun_again_once_those_who_read_it_have_read(
    database: Path, writer: sqlite3.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sqlite, "RESTART_MILLISECONDS", 60_000)
    write(writer, LONG_LOG + 100)
    with closing(connect(database)) as reader, closing(connect(database)) as background:
        reader.execute("BEGIN")
        reader.execute("SELECT count(*) FROM rows").fetchone()
        threading.Timer(0.1, reader.execute, ("COMMIT",)).start()
        checkpoint(background)
        write(writer, 1)
        assert pages(writer) < LONG_LOG


def test_a_log_that_is_being_read_is_left_alone_and_nothing_is_lost(database: Path, writer: sqlite3.Connection) -> None:
    write(writer, 1)
    with closing(connect(database)) as reader, closing(connect(database)) as background:
        reader.execute("BEGIN")
        assert reader.execute("SELECT count(*) FROM rows").fetchone() == (1,)
        write(writer, LONG_LOG + 100)
        checkpoint(background)
        write(writer, 1)
        assert reader.execute("SELECT count(*) FROM rows").fetchone() == (1,)
    assert writer.execute("SELECT count(*) FROM rows").fetchone() == (LONG_LOG + 102,)
    assert pages(writer) > LONG_LOG


RECOVERY = """
import fcntl, sys
with open(sys.argv[1], "r+b", buffering=0) as index:
    fcntl.lockf(index, fcntl.LOCK_EX, 3, 120)  # sqlite.org/walformat.html, section 2.3
    index.write(bytes(96))
    print(flush=True)
    sys.stdin.read()
"""


def test_a_writer_waits_while_another_process_recovers_the_log_after_a_crash(
    site: Site, database: Path, writer: sqlite3.Connection
) -> None:
    write(writer, 1)
    with site.app.app_context(), writing():
        """A connection that waits in the pool: a new one reads before it writes, and waits there."""
    words = [sys.executable, "-c", RECOVERY, f"{database}-shm"]
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as other:
        assert other.stdin
        assert other.stdout
        other.stdout.readline()
        threading.Timer(0.1, other.stdin.close).start()
        with site.app.app_context(), writing():
            assert db.session.scalar(select(Head.size)) == 0
        assert other.wait() == 0


def test_a_request_that_waits_for_its_turn_to_write_keeps_no_connection_from_the_one_that_has_it(
    open_site: Callable[..., Site], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The site has a single connection. The one who waits for the turn had it first."""
    usual, has_turn = Sqlite.engine_options, threading.Event()
    monkeypatch.setattr(Sqlite, "engine_options", lambda store: usual(store) | {"pool_size": 1, "max_overflow": 0})
    site = open_site()

    def write_first() -> None:
        with site.app.app_context(), site.app.extensions["store"].turn_to_write(0, pytest.fail):
            has_turn.set()
            with db.engine.connect():
                """The connection that the other one had."""

    with site.app.app_context(), prebuilt.reading():
        other = threading.Thread(target=write_first)
        other.start()
        assert has_turn.wait(60)
        with writing():
            assert db.session.scalar(select(Head.size)) == 0
        other.join()
