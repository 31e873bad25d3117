"""The three backings: nodes, propagation, refreshes, and large tables."""

import re
import statistics
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

from app.revocation.memory import read
from tests import backings, crowd
from tests.backings import Backing
from tests.bench.report import point, say
from tests.bench.wire import Chain, Connection, carry, each, join, message
from tests.browsers import RECEIPT
from tests.server import Server

LEAVINGS = 100
PEOPLE = 1_000_000
ASKED = (
    "/status-lists/0",
    "/log/checkpoint",
    "/log/tile/0/000",
    "/log/tile/1/000.p/7",
    "/log/tile/entries/000",
    "/metrics",
    "/admin",
    "/admin?q=ada",
    "/activity",
)


@contextmanager
def served(name: str, workers: int) -> Iterator[Server]:
    """A site on one of the backings."""
    backing, folder = Backing(name), Path(tempfile.mkdtemp()) / "instance"
    folder.mkdir(mode=0o700)
    backing.furnish(folder)
    server = Server(folder, anew=True, WORKERS=str(workers))
    yield server
    server.stop()
    backing.remove(folder)


def compare_nodes() -> None:
    """Sign Out with more and more nodes, and how soon all of them have confirmed."""
    for name in backings.NAMES:
        taken: dict[int, float] = {}
        for nodes in (1, 4, 8):
            with served(name, nodes) as server:
                taken[nodes], confirmed = _leave(server)
            point(f"Sign Out on {name}, milliseconds", _some(nodes), taken[nodes] * 1000)
            more = _quantiles(confirmed) if confirmed else ""
            say(
                f"Sign Out with {_some(nodes)} on {name} / with one",
                f"{taken[nodes] / taken[1]:.2f} ({taken[nodes] * 1000:.0f} ms{more})",
            )


def compare_refreshes() -> None:
    rates = {}
    for name in backings.NAMES:
        with served(name, 1) as server:
            rates[name] = 1 / each(server.port, 300, Chain(join(server.port, 0)).advance)
        say(
            f"refreshes on {name} / on sqlite",
            f"{rates[name] / rates['sqlite']:.2f} ({rates[name]:.0f} a second, one after the other)",
        )


def compare_devices() -> None:
    """The devices page of somebody with 10 and with 1,000 sessions, among a million of others."""
    for name in ("sqlite", "postgresql"):
        with served(name, 1) as server:
            few, many = join(server.port, 1), join(server.port, 2)
            _multiply(server, "ada-1@example.org", 9)
            _multiply(server, "ada-2@example.org", 999)
            _crowd(server)
            pages = [message("GET", "/devices", carry(pocket)) for pocket in (few, many)]
            first, second = (each(server.port, 100, partial(Connection.send_and_read, message=page)) for page in pages)
        say(
            f"devices page with 1,000 sessions among {PEOPLE:,}, on {name} / with 10",
            f"{second / first:.2f} ({second * 1000:.0f} ms)",
        )


def measure_joining() -> None:
    """A node that joins a log of a million entries: of which none has expired, and of which nearly all have."""
    for name in ("sqlite", "postgresql"):
        for label, until in (("none of them expired", "4000000000"), ("nearly all expired", "1000000000")):
            with served(name, 1) as server, backings.shell(server.folder) as raw:
                backings.drop_triggers(raw)
                raw.execute(_log_of(raw, until))
                raw.execute(f"UPDATE log_head SET size = {PEOPLE}")
                began = time.perf_counter()
                read(None, raw.execute, "?" if name == "sqlite" else "%s")
                took = time.perf_counter() - began
            say(
                f"a node that joins a log of {PEOPLE:,} revocations, {label}, on {name}, is current after",
                f"{took:.1f} s",
            )


def compare_sizes() -> None:
    """What is asked of the whole site, among a thousand sessions and among a million."""
    for name in ("sqlite", "postgresql"):
        few, many = (_times(name, sessions) for sessions in (PEOPLE // 1000, PEOPLE))
        for path, took in many.items():
            say(
                f"`{path}` among {PEOPLE:,} sessions, on {name} / among {PEOPLE // 1000:,}",
                f"{took / few[path]:.2f} ({took * 1000:.1f} ms)",
            )


def _times(name: str, sessions: int) -> dict[str, float]:
    with served(name, 1) as server:
        admin = join(server.port, 1)
        server.run("users", "admin", "ada-1@example.org")
        _crowd(server, sessions)
        with backings.shell(server.folder) as raw:
            crowd.grow_log(raw, 2 * sessions)
        return {path: _time(server, path, admin) for path in ASKED}


def _time(server: Server, path: str, pocket: dict[str, str]) -> float:
    """Seconds for one answer, the first left out."""
    asked = message("GET", path, carry(pocket))
    connection = Connection(server.port)
    status, _ = connection.send_and_read(asked)
    connection.close()
    if status != 200:
        raise SystemExit(f"{path} was answered {status}")
    return each(server.port, 50, partial(Connection.send_and_read, message=asked))


def _some(nodes: int) -> str:
    return "1 node" if nodes == 1 else f"{nodes} nodes"


def _leave(server: Server) -> tuple[float, list[int]]:
    email, confirmed, taken = "ada@example.org", [], []
    pocket = server.join(email)
    for _ in range(LEAVINGS):
        began = time.perf_counter()
        _, given = server.ask("POST", "/sign-out", pocket)
        taken.append(time.perf_counter() - began)
        said = re.search(r"confirmed it after (\d+) ms", server.read("/signed-out", {RECEIPT: given[RECEIPT]}))
        confirmed += [int(said[1])] if said else []
        pocket = server.sign_in(email)
    return statistics.median(taken), confirmed


def _quantiles(found: list[int]) -> str:
    return f"; confirmed after {statistics.median(found):.0f} ms (p50), {statistics.quantiles(found, n=100)[-1]:.0f} ms (p99)"


def _multiply(server: Server, email: str, times: int) -> None:
    with backings.shell(server.folder) as raw:
        crowd.copy_sessions(raw, _session_of(server, email), times, prefix=email)


def _session_of(server: Server, email: str) -> str:
    [(sid,)] = server.query("SELECT s.id FROM sessions s JOIN users u ON u.id = s.user_id WHERE u.email = ?", email)
    return str(sid)


def _crowd(server: Server, sessions: int = PEOPLE) -> None:
    """A million sessions of ten thousand others."""
    people = sessions // 100
    server.join("crowd@example.org")
    with backings.shell(server.folder) as raw:
        crowd.copy(raw, "users", people, "email = 'crowd@example.org'", id="'u' || n", email="'u' || n")
        crowd.copy_sessions(
            raw, _session_of(server, "crowd@example.org"), sessions, user_id=f"'u' || (n % {people} + 1)"
        )
    server.run("purge")  # as the operator does each day


def _log_of(raw: Any, until: str) -> str:
    nonce = "decode('00', 'hex')" if crowd.kind(raw) == "postgresql" else "x'00'"
    return (
        "INSERT INTO log_entries (position, kind, scope, subject, opened, until, at, nonce)"
        f" SELECT n, 'revoked', 'session', 's' || n, n, {until}, 0, {nonce} FROM {crowd.numbers(raw, PEOPLE)}"
    )
