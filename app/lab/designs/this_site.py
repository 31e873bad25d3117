"""What this site does: a memory of the log under a lease, woken by each entry. docs/decisions.md says why.

What decides here decides on this site: its checkers, its memory and how that reads the log, the rule of the lease, and
the question to the log itself. The log of a story is a database in memory, made of the site's own tables.
"""

from collections import namedtuple
from contextlib import suppress
from typing import Any

from sqlalchemy import NullPool, create_engine
from sqlalchemy.orm import Session
from sqlalchemy.schema import CreateTable

from app.revocation import checkpoint, log
from app.revocation.entries import Kind, Scope
from app.revocation.lease import Lease
from app.revocation.memory import decide, read
from app.revocation.witness import LogCut, Witness
from app.store.base import StoreUnavailable

CARD = {
    "field": "push with a lease",
    "checker": "denylist and cut-off",
    "delivery": "push",
    "choose": "Choose it where a sign-out has to hold everywhere by the time its page appears.",
    "receipt": "Each Sign Out gives a receipt: the entry, with a signed head of the log that includes it. No node takes it, as "
    "nodes read the issuer's own database. The person checks it (flask log verify-receipt), and compares its head with "
    "those that were published: a log without the entry has another root.",
    "avoid": "Not without a database that every node can reach: where it stays silent, no node accepts anything.",
}
LEASE = 1  # seconds
Bearer = namedtuple("Bearer", "jti sub sid opened exp")
# Each connection is a separate database. A played story leaves it to the garbage collector, which runs in any thread.
_ENGINE = create_engine("sqlite://", poolclass=NullPool, connect_args={"check_same_thread": False})
_TABLES = ("log_head", "log_entries", "log_leaves", "log_checkpoints")
_SCHEMA = [CreateTable(checkpoint.Checkpoint.metadata.tables[name]).compile(_ENGINE) for name in _TABLES]


class Issuer:
    def __init__(self, world):
        connection = _ENGINE.connect()
        self.world, self.log, self.opened = world, connection.connection.driver_connection, {}
        self.log.executescript(";".join(map(str, [*_SCHEMA, "INSERT INTO log_head VALUES (0, 0, 'story', NULL)"])))
        world.store.rows["log"] = connection, 0

    def issue(self, person, session):
        if session not in self.opened:
            self.opened[session] = self._append(Kind.OPENED, Scope.SESSION, session)
        said = {"jti": self.world.token(), "sub": person, "sid": session, "opened": self.opened[session]}
        return self.world.sign(said | {"exp": self.world.expiry()})

    def revoke(self, session):
        self._end(Scope.SESSION, session, self.opened[session])

    def revoke_all(self, person):
        self._end(Scope.USER, person)

    def _end(self, scope, subject, opened=None):
        """Answer once the node has read the entry, or can trust no memory without it."""
        position, rule = self._append(Kind.REVOKED, scope, subject, opened), Lease(LEASE, self.world.steady)
        began = self.world.steady()
        self.world.channel.publish("")
        while (self.world.store.get("confirmed") or 0) < position and not rule.is_over_everywhere(began):
            self.world.sleep(rule.pause)

    def _append(self, kind, scope, subject, opened=None):
        now, (size,) = self.world.now(), self.log.execute("SELECT size FROM log_head").fetchone()
        position = size + 1
        entry = position, kind, scope, subject, opened or position, self.world.expiry(), now
        self.world.store.put(f"log:{position}", entry)  # seen by the instruments; refused where the store is cut
        self.log.execute("UPDATE log_head SET size = ?", (position,))
        self.log.execute("INSERT INTO log_entries VALUES (?, ?, ?, ?, ?, ?, ?, NULL, NULL, x'')", entry)
        self.log.commit()
        return position


class Verifier:
    def __init__(self, world):
        self.world, (self.connection, _) = world, world.store.rows["log"]
        self.lease, self.witness = Lease(LEASE, world.steady), Witness(lambda: None)
        world.channel.subscribe(lambda _wake_up: self.renew())
        world.every(self.lease.pause, self.renew)

    def renew(self):
        with suppress(ConnectionError, LogCut):  # the lease remembers the second, and ends by itself after the first
            self.lease.renew(lambda known: read(known, self._ask, "?", self.witness, self.world.now), self._report)

    def _ask(self, statement, values):
        rows = self.connection.connection.driver_connection.execute(statement, values).fetchall()
        self.world.use("store", "look-ups", sum(len(str(value)) for row in rows for value in row))
        return Rows(rows)

    def _report(self, position):
        self.world.store.put("confirmed", position)
        return True

    def snapshot(self):
        """Return what it holds, as bytes."""
        memory = self.lease.current()
        return memory.checker.snapshot() if memory else b""

    def check(self, token):
        bearer = Bearer(**self.world.read(token))
        try:
            is_good = decide(bearer, self.lease.current(), self._allows)
        except StoreUnavailable as problem:
            raise ConnectionError(str(problem)) from problem
        if not is_good:
            raise PermissionError("The log has an entry that ends it.")

    def _allows(self, bearer):
        self.world.use("store", "look-ups")
        self.witness.mark(self.connection.connection)
        with Session(self.connection) as session:
            return log.allows(bearer, session)


class Rows(list[Any]):
    def fetchone(self):
        return self[0] if self else None
