"""The cost of each act among a thousand sessions and up to a million: their number should not matter.

Rows come into the stopped site by the million. Its statistics are those that it makes itself: on SQLite when its log
doubles, as it does here with the first sign-in after the crowd; on PostgreSQL by the server's autovacuum. SIZES names other
numbers of sessions, as in `SIZES=1000,10000000 python -m tests.bench sizes`.
"""

import os
import sqlite3
import statistics
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from typing import Any

from tests import backings, crowd
from tests.bench.acts import Acts, running
from tests.bench.arms import Arm, again, measure
from tests.bench.line import carrying, get, post
from tests.bench.processor import spent, used
from tests.bench.report import table
from tests.browsers import RECEIPT

SIZES = [int(size) for size in os.environ.get("SIZES", "1000,10000,100000,1000000").split(",")]
ROUNDS, PURGES, PURGED = 5, 3, 500
A_USERS_SESSIONS = 100
AUTOVACUUM_SECONDS = 180
ACTS = ("check", "devices", "refresh", "sign out")
PATHS = {
    "admin": "/admin",
    "admin, a search that finds all": "/admin?q=ada",
    "admin, a search that finds none": "/admin?q=grace",
    "status list": "/status-lists/0",
    "head of the log": "/log/checkpoint",
    "tile": "/log/tile/0/000",
    "metrics": "/metrics",
}


def compare(backing: str) -> None:
    with ExitStack() as stack:
        sites = [stack.enter_context(_site(backing, size)) for size in SIZES]
        arms = [_arms(acts) for acts, _ in sites]
        measure([found[name] for name in arms[0] for found in arms], ROUNDS)
        costs = {name: [found[name].cost for found in arms] for name in arms[0]}
        costs["purge of 500 sessions"] = _purges([acts for acts, _ in sites])
        costs["start of the first process and a worker"] = [start for _, start in sites]
    table(f"Processor time by how many sessions there are, in µs, on {backing}", _rows(costs))


@contextmanager
def _site(backing: str, size: int) -> Iterator[tuple[Acts, float]]:
    """A site with so many sessions, and the time of its start."""
    with running(backing) as acts:
        acts.server.run("users", "admin", "ada@example.org")
        acts.server.stop()
        with backings.shell(acts.server.folder) as raw:
            _fill(raw, size)
            if backing == "postgresql":
                _wait_for_autovacuum(raw)
        acts.restart()
        acts.line.ask(get("/api/me", **acts.bearer(acts.ada)))
        yield acts, sum(used([acts.server.pid]).values()) * 1e6


def _fill(raw: Any, size: int) -> None:
    """Add other users' sessions, a refresh token of each, and the log entries of their past sessions."""
    [(sid, user)] = raw.execute(
        "SELECT s.id, u.id FROM sessions s JOIN users u ON u.id = s.user_id WHERE u.email = 'ada@example.org' LIMIT 1"
    ).fetchall()
    people = max(1, size // A_USERS_SESSIONS)
    email = "'u' || n || '@example.org'"
    since = "original.created_at - n"
    crowd.copy(raw, "users", people, f"id = '{user}'", id="'u' || n", email=email, mailbox=email, created_at=since)
    crowd.copy_sessions(raw, sid, size, user_id=f"'u' || (n % {people} + 1)")
    crowd.add_refresh_hashes(raw, sid, "copy", size, 1)
    [(entries,)] = raw.execute("SELECT size FROM log_head").fetchall()
    with _triggers(raw):
        crowd.grow_log(raw, (1 << size.bit_length()) - entries - 1)


@contextmanager
def _triggers(raw: Any) -> Iterator[None]:
    """Restore the triggers of the log afterwards: the block drops them."""
    if not isinstance(raw, sqlite3.Connection):
        yield
        return
    kept = raw.execute("SELECT sql FROM sqlite_master WHERE type = 'trigger'").fetchall()
    yield
    for (statement,) in kept:
        raw.execute(statement)


def _wait_for_autovacuum(raw: Any) -> None:
    """Wait until the server has analyzed the large tables, as it does once a minute."""
    asked = "SELECT count(*) FROM pg_stat_user_tables WHERE n_mod_since_analyze > 1000"
    until = time.monotonic() + AUTOVACUUM_SECONDS
    while raw.execute(asked).fetchone() != (0,):
        if time.monotonic() > until:
            raise SystemExit("PostgreSQL has not looked at its tables")
        time.sleep(1)


def _arms(acts: Acts) -> dict[str, Arm]:
    known = acts.arms()
    found = {name: known[name] for name in ACTS}
    leaver = acts.line.ask(post("/sign-out", {}, 303, **carrying(acts.join()))).cookies
    asked = {name: get(path, **carrying(acts.ada)) for name, path in PATHS.items()}
    asked["proof"] = get("/signed-out.tlog-proof", **carrying({RECEIPT: leaver[RECEIPT]}))
    for name, what in asked.items():
        found[name] = Arm(name, acts.servers, again(partial(acts.line.ask, what)), count=20)
    return found


def _purges(sites: list[Acts]) -> list[float]:
    """Return the processor time of `flask purge`, without the interpreter's start, for 500 expired sessions."""
    taken: list[list[float]] = [[] for _ in sites]
    for number in range(PURGES):
        for acts, times in zip(sites, taken, strict=True):
            with backings.shell(acts.server.folder) as raw:
                [(sid,)] = raw.execute("SELECT id FROM sessions WHERE id = 'copy-1'").fetchall()
                crowd.copy_sessions(raw, sid, PURGED, prefix=f"old{number}", expires_at="1", idle_until="1")
            before, began = used(acts.servers[1:]), time.process_time()
            acts.run("purge")
            times.append((time.process_time() - began + spent(before, used(acts.servers[1:]))) * 1e6)
    return [statistics.median(times) for times in taken]


def _rows(costs: dict[str, list[float]]) -> Iterator[str]:
    yield f"| act | {' | '.join(f'{size:,}' for size in SIZES)} | last / first |"
    yield "| --- |" + " --- |" * (len(SIZES) + 1)
    for name, found in costs.items():
        yield f"| {name} | {' | '.join(f'{cost:,.0f}' for cost in found)} | {found[-1] / found[0]:.2f} |"
