"""Nodes: how soon they know of a sign-out, and how soon a new one knows the log."""

import re
import statistics
import time
from typing import Any

from app.revocation.memory import read
from app.revocation.witness import Witness
from tests import backings, crowd
from tests.bench.acts import running
from tests.bench.report import point, say
from tests.browsers import RECEIPT
from tests.server import Server

LEAVINGS = 40
ENTRIES = 1_000_000


def compare_nodes() -> None:
    """Sign Out with more and more nodes, and how soon all of them have confirmed."""
    for name in backings.NAMES:
        taken: dict[int, float] = {}
        for nodes in (1, 4, 8):
            with running(name, nodes) as acts:
                taken[nodes], confirmed = _leave(acts.server)
            point(f"Sign Out on {name}, milliseconds", _some(nodes), taken[nodes] * 1000)
            more = _quantiles(confirmed) if confirmed else ""
            say(
                f"Sign Out with {_some(nodes)} on {name} / with one",
                f"{taken[nodes] / taken[1]:.2f} ({taken[nodes] * 1000:.0f} ms{more})",
            )


def measure_joining() -> None:
    """A node that joins a log of a million entries: of which none has expired, and of which nearly all have."""
    for name in ("sqlite", "postgresql"):
        for label, until in (("none of them expired", "4000000000"), ("nearly all expired", "1000000000")):
            with running(name) as acts, backings.shell(acts.server.folder) as raw:
                acts.server.stop()
                backings.drop_triggers(raw)
                raw.execute(_log_of(raw, until))
                raw.execute(f"UPDATE log_head SET size = {ENTRIES}")
                began = time.perf_counter()
                read(None, raw.execute, "?" if name == "sqlite" else "%s", Witness(lambda: None))
                took = time.perf_counter() - began
            say(
                f"a node that joins a log of {ENTRIES:,} revocations, {label}, on {name}, is current after",
                f"{took:.1f} s",
            )


def _some(nodes: int) -> str:
    return "1 node" if nodes == 1 else f"{nodes} nodes"


def _leave(server: Server) -> tuple[float, list[int]]:
    email, confirmed, taken = "visitor@example.org", [], []
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
    return f"; confirmed after {statistics.median(found):.0f} ms (p50), {statistics.quantiles(found, n=20)[-1]:.0f} ms (p95)"


def _log_of(raw: Any, until: str) -> str:
    nonce = "decode('00', 'hex')" if crowd.kind(raw) == "postgresql" else "x'00'"
    return (
        "INSERT INTO log_entries (position, kind, scope, subject, opened, until, at, nonce)"
        f" SELECT n, 'revoked', 'session', 's' || n, n, {until}, 0, {nonce} FROM {crowd.numbers(raw, ENTRIES)}"
        " WHERE n > (SELECT size FROM log_head)"
    )
