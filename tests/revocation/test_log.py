"""The log keeps every entry, in order, without a gap, and cannot be rewritten."""

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import psycopg
import pytest

from app.revocation import log
from app.revocation.entries import Kind, Scope
from app.store import sqlite
from app.store.db import StoreUnavailable, analyze, db, writing
from tests import backings, crowd, plans
from tests.backings import Backing
from tests.browsers import Site
from tests.revocation.test_checkers import Token


@pytest.fixture
def _context(site: Site) -> Iterator[None]:
    with site.app.app_context():
        yield


@pytest.fixture
def raw(site: Site) -> Iterator[Any]:
    """The database as an operator with a shell would open it."""
    with backings.shell(site.folder) as connection:
        yield connection


def end(subject: str, *, scope: Scope = Scope.SESSION) -> int:
    with writing():
        return log.revoke(scope, subject, until=10**10, reason="why").position


def positions(raw: Any) -> list[int]:
    return [row[0] for row in raw.execute("SELECT position FROM log_entries ORDER BY position")]


@pytest.mark.stores("SQL that returns rows")
@pytest.mark.usefixtures("_context")
def test_positions_count_from_one_without_a_gap(raw: Any) -> None:
    for number in range(5):
        end(f"s{number}")
    assert positions(raw) == [1, 2, 3, 4, 5]


@pytest.mark.stores("a transaction")
@pytest.mark.usefixtures("_context")
def test_an_entry_that_is_rolled_back_leaves_no_gap(raw: Any) -> None:
    end("s1")
    with suppress(RuntimeError), writing():
        log.revoke(Scope.SESSION, "s2", until=1, reason="why")
        raise RuntimeError
    end("s3")
    assert positions(raw) == [1, 2]


@pytest.mark.stores("a transaction")
@pytest.mark.usefixtures("_context")
def test_an_entry_that_its_own_transaction_took_back_is_not_missed_later() -> None:
    end("s1")
    with writing():
        log.revoke(Scope.SESSION, "s2", until=1, reason="why")
        db.session.rollback()
    assert end("s3") == 2


@pytest.mark.stores("a race")
def test_many_writers_at_once_leave_neither_gap_nor_duplicate(site: Site, raw: Any) -> None:
    def write(name: int) -> None:
        with site.app.app_context():
            for number in range(10):
                end(f"{name}-{number}")

    writers = [threading.Thread(target=write, args=(name,)) for name in range(8)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    assert positions(raw) == list(range(1, 81))


@pytest.mark.stores("triggers")
@pytest.mark.parametrize(
    "crime",
    [
        "UPDATE log_entries SET subject = 'another' WHERE position = 1",
        "DELETE FROM log_entries WHERE position = 1",
        "REPLACE INTO log_entries SELECT * FROM log_entries WHERE position = 1",
        "INSERT INTO log_entries SELECT position + 7, kind, scope, subject, opened, until, at, reason, actor, nonce"
        " FROM log_entries WHERE position = 1",
        "UPDATE log_head SET size = 0",
        "DELETE FROM log_head",
        "TRUNCATE log_entries CASCADE",
        "TRUNCATE log_head",
    ],
)
@pytest.mark.usefixtures("_context")
def test_the_database_itself_refuses(crime: str, raw: Any, backing: Backing) -> None:
    end("s1")
    foreign = "TRUNCATE" if backing.name == "sqlite" else "REPLACE"
    if foreign in crime:
        expected: tuple[type[Exception], ...] = (sqlite3.OperationalError, psycopg.errors.SyntaxError)  # no such verb
    else:
        expected = (sqlite3.IntegrityError, psycopg.IntegrityError)
    with pytest.raises(expected):
        raw.execute(crime)
    assert positions(raw) == [1]


@pytest.mark.stores("time")
@pytest.mark.question("A13")
@pytest.mark.usefixtures("_context")
def test_a_revocation_ends_what_opened_before_it_and_nothing_that_opened_after() -> None:
    with writing():
        before = log.open_session("s1", until=10**10).position
    end("ada", scope=Scope.USER)
    with writing():
        after = log.open_session("s2", until=10**10).position
    assert log.is_over(Token("t1", "s1", "ada", before, 10**10))
    assert not log.is_over(Token("t2", "s2", "ada", after, 10**10))
    assert not log.is_over(Token("t3", "s3", "bob", before, 10**10))


@pytest.mark.sqlite
@pytest.mark.usefixtures("_context")
def test_asking_the_log_uses_its_index(raw: Any) -> None:
    plan = raw.execute(
        "EXPLAIN QUERY PLAN SELECT position FROM log_entries"
        " WHERE kind = 'revoked' AND subject IN ('a', 'b', 'c') AND position >= 7 LIMIT 1"
    ).fetchall()
    assert "log_entries_revoked" in plan[0][3]


def test_an_entry_names_no_user(site: Site) -> None:
    ada = site.member("ada.lovelace@example.org")
    ada.sign_out()
    stored = " ".join(str(value) for row in site.query("SELECT * FROM log_entries") for value in row)
    for word in ("ada", "lovelace", "example", "127.0.0.1", "Firefox"):
        assert word not in stored
    assert {row[0] for row in site.query("SELECT kind FROM log_entries")} == {Kind.OPENED, Kind.REVOKED}


@pytest.mark.sqlite
@pytest.mark.usefixtures("_context")
def test_as_the_log_grows_the_database_learns_how_large_its_tables_are(
    raw: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(log, "SMALL", 4)
    monkeypatch.setattr(sqlite, "SMALL_ROWS", 0)
    known = "SELECT CAST(stat AS integer) FROM sqlite_stat1 WHERE idx = 'log_entries_until'"
    learned = []
    for number in range(9):
        end(f"s{number}")
        learned.append([rows for (rows,) in raw.execute(known).fetchall()])
    assert learned == [[], [], [], [4], [4], [4], [4], [8], [8]]


@pytest.mark.sqlite
@pytest.mark.usefixtures("_context")
def test_the_database_reads_no_more_of_a_long_log_to_learn_that(site: Site, raw: Any) -> None:
    learned_from = []
    for entries in (3000, 30_000):
        crowd.grow_log(raw, entries)
        before = _bytes_read()
        analyze()
        learned_from.append(_bytes_read() - before)
    short, long = learned_from
    assert long < 2 * short


def _bytes_read() -> int:
    """Return how many bytes this process has read from files so far."""
    return int(Path("/proc/self/io").read_text().split()[1])


@pytest.mark.sqlite
def test_a_table_that_was_small_when_it_was_counted_is_still_read_by_its_index(site: Site, raw: Any) -> None:
    site.member()
    site.run("purge")
    crowd.grow_log(raw, 5000)
    with plans.noting(site, "SELECT log_leaves") as asked:
        assert site.browser().get("/log/tile/0/000").status_code == 200
    [(statement, plan)] = plans.explain(site.folder, asked)
    assert "SEARCH" in plan, statement


@pytest.mark.sqlite
@pytest.mark.usefixtures("_context")
def test_without_statistics_nothing_fails(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(log, "SMALL", 1)

    def fail(_engine: object) -> None:
        raise StoreUnavailable("locked")

    monkeypatch.setattr(site.app.extensions["store"], "analyze", fail)
    assert end("s1") == 1
