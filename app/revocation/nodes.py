"""Nodes: on PostgreSQL, each process that verifies tokens, with a lease on what it remembers.

*No node accepts an old token in a check that begins after the Sign Out page appears.* Three rules make it so:

- A node trusts its memory only until its lease is over (lease.py); then it asks the log.
- A node is in the registry, in the database, before it reads the log for the first time.
- A request that ends something, or finds it ended, looks at the registry after the commit of the entry. It answers once
  every node has reported that it has read so far, or once no lease begun before the commit can still run.
"""

import atexit
import logging
import os
import secrets
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import psycopg

from app.clock import steady
from app.revocation import registry
from app.revocation.clocks import Clock
from app.revocation.lease import Lease
from app.revocation.memory import Memory, mark, read
from app.revocation.wakeups import Notifications, RedisMessages, Wakeups
from app.revocation.witness import LogCut, Witness
from app.store.db import transaction
from app.store.postgresql import Bounded
from app.telemetry import metrics

MAX_CONFIRMATIONS = 256
# How long a request that ended something waits for its own node's look at the registry. It needs that node's word anyway,
# and to ask the registry meanwhile would cost more than all else.
OWN_LOOK_SECONDS = 0.1
# One statement: the report, and a look at all nodes. Where this one was struck out, there is nothing to report.
# Its commit does not wait for the disk: after a crash the position is an older one, for which requests only wait longer.
REPORT = """
    WITH reported AS (UPDATE nodes SET position = %s, beat = beat + 1 WHERE id = %s RETURNING id)
    SELECT id, position, beat, (SELECT count(*) FROM reported) FROM nodes, set_config('synchronous_commit', 'off', true)"""
DATABASE_TIME = "SELECT extract(epoch FROM clock_timestamp())::float8"
_log = logging.getLogger("signed_out.nodes")


@dataclass(frozen=True)
class Confirmation:
    """How many of the registered nodes had read an entry, and how long that took; both at its commit or later."""

    nodes: int
    confirmed: int
    milliseconds: float


class Look(NamedTuple):
    """A node's view of the registry. *began*: when, in steady seconds; *positions*: how far each of the nodes had read,
    itself first."""

    began: float
    positions: Sequence[int]

    def of(self, position: int) -> tuple[int, int]:
        """Return how many nodes were registered, and how many of them had read the entry at *position*."""
        return len(self.positions), sum(read >= position for read in self.positions)


class Node:
    """This process as a node. *lease*: seconds; *connect* opens a connection outside the pool."""

    def __init__(self, connect: Callable[..., Bounded], lease: float, redis_url: str, witness: Witness) -> None:
        self._connect = connect
        self.lease = Lease(lease)
        self._redis_url = redis_url
        self._witness = witness
        self._redis = self._messages()
        self._starting = threading.Lock()
        self._pid = 0
        self._left = threading.Event()
        self.clock = Clock()
        self._watched: dict[tuple[str, int], float] = {}  # a row, and since when it has been so
        self._confirmations: dict[int, Confirmation] = {}
        self._looked = threading.Condition()
        self._look = Look(0.0, ())

    @property
    def has_redis(self) -> bool:
        return self._redis is not None

    def start(self) -> None:
        """Join, once in each process: neither thread nor connection survives a fork."""
        with self._starting:
            if self._pid == os.getpid() or self._left.is_set():
                return
            self._pid = os.getpid()
            self._id = secrets.token_urlsafe(9)
            self.lease.forget()
            self._redis = self._messages()
            self._thread = threading.Thread(target=self._follow, name="node", daemon=True)
            self._thread.start()
            atexit.register(self._leave)

    def current(self) -> Memory | None:
        """Return what is remembered while the lease runs; None afterwards. Raises LogCut."""
        if self._pid != os.getpid():
            self.start()
        return self.lease.current()

    def close(self) -> None:
        """Trust nothing from here on, and leave."""
        self._left.set()
        self.lease.end()
        atexit.unregister(self._leave)

    def spread(self, position: int, *, since: float | None = None) -> None:
        """Wait until every registered node has read the committed entry at *position*, or until none of them can
        trust a memory without it. *since*: a moment before its commit, if that was just now: then the nodes are woken.

        Holds no connection meanwhile. Never fails: the entry stands."""
        began = steady()
        if self._redis and since is not None:
            self._redis.send()
        pause = 0.001
        most = confirmed = 0  # some of the nodes may be struck out meanwhile
        own = None if since is None else self._own_look(since, position)
        while not self.lease.is_over_everywhere(began):
            try:
                nodes, confirmed = own.of(position) if own else registry.count(position)
            except Exception as problem:  # of any kind: no node is known to have read the entry
                nodes, confirmed = max(most, 1), 0
                _log.warning("the registry of nodes cannot be read: %s", problem)
            most = max(most, nodes)
            if confirmed == nodes:
                break
            own = None
            time.sleep(pause)
            pause = min(pause * 1.5, 0.02)
        found = Confirmation(most, confirmed, (steady() - began) * 1000)
        metrics.count_confirmation(found.milliseconds / 1000, max(0, found.nodes - found.confirmed))
        if since is not None:
            self._note(position, found)

    def _own_look(self, since: float, position: int) -> Look | None:
        """Return what this node saw in the registry once it had read the entry at *position*, if that is soon: the same
        news wake it, perhaps before this call. *since*: see `spread`; a look before was at another log."""

        def is_done() -> bool:
            return self._look.began >= since and self._look.positions[0] >= position

        with self._looked:
            return self._look if self._looked.wait_for(is_done, OWN_LOOK_SECONDS) else None

    def _messages(self) -> RedisMessages | None:
        return RedisMessages(self._redis_url) if self._redis_url else None

    def _note(self, position: int, found: Confirmation) -> None:
        self._confirmations[position] = found
        while len(self._confirmations) > MAX_CONFIRMATIONS:
            del self._confirmations[next(iter(self._confirmations))]

    def confirmation(self, position: int) -> Confirmation | None:
        """Return what this process saw when it appended the entry at *position*, if it was this one and lately."""
        return self._confirmations.get(position)

    def _follow(self) -> None:
        while not self._left.is_set():
            try:
                with self._connect() as connection:
                    self._join(connection)
            except (psycopg.Error, OSError) as problem:
                if not self._left.is_set():
                    _log.warning("this node cannot read the log: %s", problem)
                self._left.wait(self.lease.pause)

    def _join(self, connection: Bounded) -> None:
        wakeups: Wakeups = self._redis or Notifications(connection)
        wakeups.listen()
        try:
            while not self._left.is_set():
                connection.execute(
                    "INSERT INTO nodes (id, position, beat) VALUES (%s, 0, 0) ON CONFLICT DO NOTHING", (self._id,)
                )
                while not self._left.is_set() and self._renew(connection):
                    wakeups.wait(self.lease.pause)
        finally:
            wakeups.close()
        connection.execute("DELETE FROM nodes WHERE id = %s", (self._id,))

    def _renew(self, connection: Bounded) -> bool:
        """Read on. Return False if this node was struck out: a request that ends a session no longer waits for it."""
        if not self.clock.is_fresh(self.lease.pause):
            self.clock.measure(lambda: connection.execute(DATABASE_TIME).fetchone()[0])  # type: ignore[index]
        try:
            return self.lease.renew(
                lambda known: read(known, connection.execute, "%s", self._witness),
                lambda position: self._report(connection, position),
            )
        except LogCut as problem:
            mark(problem, connection.execute, "%s", self._witness)
            return True

    def _report(self, connection: Bounded, position: int) -> bool:
        """Publish how far this node has read, and look how far the others have. Return False if it was struck out."""
        began = steady()
        rows = connection.execute(REPORT, (position, self._id)).fetchall()
        others = [row for row in rows if row[0] != self._id]
        if not rows or not rows[0][-1]:
            return False
        with self._looked:
            self._look = Look(began, [position, *(row[1] for row in others)])
            self._looked.notify_all()
        self._prune(connection, [(name, beat) for name, _, beat, _ in others])
        return True

    def _prune(self, connection: Bounded, beats: list[tuple[str, int]]) -> None:
        """Strike out nodes whose beat has stood still for a full lease, as watched from here."""
        self._watched = {row: self._watched.get(row, steady()) for row in beats}
        for row, since in self._watched.items():
            if self.lease.is_over_everywhere(since):
                connection.execute("DELETE FROM nodes WHERE id = %s AND beat = %s", row)

    def _leave(self) -> None:
        """Stop trusting, then take the row away: in this order, and before the process is gone."""
        if self._pid == os.getpid():
            self.close()
            self._thread.join(self.lease.seconds)


def notify() -> None:
    """Have every listening node woken by the commit of this transaction."""
    transaction().lent.raw.channel = Notifications.CHANNEL
