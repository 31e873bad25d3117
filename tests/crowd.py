"""Rows by the thousand, copied inside the database from one that the site has made."""

import sqlite3
from typing import Any

from app.revocation import merkle
from app.revocation.tree import HEIGHT, WIDTH
from tests import backings

RANDOM_HASH = {"sqlite": "randomblob(32)", "postgresql": "decode(md5(random()::text) || md5(random()::text), 'hex')"}


def kind(raw: Any) -> str:
    """Return which database *raw* is a connection to."""
    return "sqlite" if isinstance(raw, sqlite3.Connection) else "postgresql"


def numbers(raw: Any, count: int) -> str:
    """Return a table of the numbers from 1 to *count*, to select from."""
    if kind(raw) == "postgresql":
        return f"generate_series(1, {count}) AS numbers(n)"
    return f"(WITH RECURSIVE up(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM up WHERE n < {count}) SELECT n FROM up) AS numbers"


def copy(raw: Any, table: str, count: int, where: str, **changed: str) -> None:
    """Copy the one row of *table* that *where* names, *count* times. *changed*: SQL for some columns, of `n` and the row."""
    found = raw.execute(f"SELECT * FROM {table} LIMIT 1")
    columns = [column[0] for column in found.description]
    found.fetchall()
    given = ", ".join(changed.get(column, f"original.{column}") for column in columns)
    raw.execute(
        f"INSERT INTO {table} ({', '.join(columns)}) SELECT {given}"
        f" FROM (SELECT * FROM {table} WHERE {where} LIMIT 1) AS original, {numbers(raw, count)}"
    )


def copy_sessions(raw: Any, sid: str, count: int, *, prefix: str = "copy", **changed: str) -> None:
    """Copy a session *count* times."""
    copy(raw, "sessions", count, f"id = '{sid}'", id=f"'{prefix}-' || n", **changed)


def add_refresh_hashes(raw: Any, sid: str, prefix: str, sessions: int, each: int) -> None:
    """Give each of the copies of a session *each* hashes of refresh tokens."""
    owner = f"'{prefix}-' || (n % {sessions} + 1)"
    empty = dict.fromkeys(("link", "successor", "sealed"), "NULL")
    changed = {"hash": RANDOM_HASH[kind(raw)], "session_id": owner, **empty}
    copy(raw, "refresh_tokens", sessions * each, f"session_id = '{sid}'", **changed)


def grow_log(raw: Any, count: int) -> None:
    """Append *count* entries of past sessions, with their hashes and tiles, to the log of an idle site."""
    [(size,)] = raw.execute("SELECT size FROM log_head").fetchall()
    backings.drop_triggers(raw)
    nonce = "x'00'" if kind(raw) == "sqlite" else "decode('00', 'hex')"
    raw.execute(
        "INSERT INTO log_entries (position, kind, scope, subject, opened, until, at, reason, nonce)"
        f" SELECT {size} + n, CASE n % 2 WHEN 0 THEN 'revoked' ELSE 'opened' END, 'session', 's' || n / 2, {size} + n, 0, 0, 'past', {nonce}"
        f" FROM {numbers(raw, count)}"
    )
    raw.execute(
        f"INSERT INTO log_leaves (position, hash) SELECT {size} + n, {RANDOM_HASH[kind(raw)]} FROM {numbers(raw, count)}"
    )
    raw.execute("UPDATE log_head SET size = size + " + str(count))
    raw.execute("DELETE FROM log_tiles")
    hashes = [bytes(found) for (found,) in raw.execute("SELECT hash FROM log_leaves ORDER BY position").fetchall()]
    level = 0
    while len(hashes) >= WIDTH:
        level += 1
        full = [hashes[at : at + WIDTH] for at in range(0, len(hashes) - WIDTH + 1, WIDTH)]
        hashes = [merkle.of_leaves(tile)(HEIGHT, 0) for tile in full]
        _insert_many(raw, [(level, at, found) for at, found in enumerate(hashes)])


def _insert_many(raw: Any, rows: list[tuple[int, int, bytes]]) -> None:
    mark = "?" if kind(raw) == "sqlite" else "%s"
    raw.cursor().executemany(f'INSERT INTO log_tiles (level, "index", hash) VALUES ({mark}, {mark}, {mark})', rows)
