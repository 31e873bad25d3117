"""How revocations reach this process's memory, and how Sign Out knows that they have reached every node."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

from flask import Flask
from sqlalchemy import select, text, update

from app import context
from app.clock import steady
from app.config import settings
from app.crypto import keys
from app.revocation import log, nodes
from app.revocation.clocks import ClockApart
from app.revocation.entries import Bearer, Entry, Kind
from app.revocation.follower import Follower
from app.revocation.memory import Memory, decide
from app.revocation.nodes import Confirmation, Node
from app.revocation.registry import Registered
from app.revocation.witness import LogCut, Witness
from app.store.db import after_commit, db, is_writing, let_go, writing
from app.store.postgresql import PostgreSQL
from app.store.sqlite import Sqlite


class Delivery(Protocol):
    """Keeps the memory of this process current."""

    def start(self) -> None:
        """Start following the log, where that happens in the background."""

    def current(self) -> Memory | None:
        """Return a memory that is current enough to decide, or None if only the log can.

        Raises StoreUnavailable, and LogCut for a log that lost entries."""

    def close(self) -> None:
        """Stop deciding, then unregister."""


def init_app(app: Flask) -> None:
    """Choose how *app* follows the log: on SQLite by a look at each request, on PostgreSQL as a registered node."""
    found: PostgreSQL | Sqlite = app.extensions["store"]
    witness = app.extensions["witness"] = Witness(lambda: keys.forget(app))
    witness.attend(db.engine)
    delivery: Delivery
    if isinstance(found, PostgreSQL):
        delivery = Node(found.connect, settings().max_staleness_seconds, settings().redis_url, witness)
    else:
        delivery = Follower(found.path, witness)
    app.extensions["delivery"] = delivery


def allows(bearer: Bearer) -> bool:
    """Return whether the log lets the token live. Raises StoreUnavailable rather than guess."""
    return decide(bearer, _delivery().current(), log.allows)


def reads_each_time() -> bool:
    """Return whether every process reads the log at each request, so no node has to confirm."""
    return isinstance(_delivery(), Follower)


def confirmation(position: int) -> Confirmation | None:
    """Return which nodes confirmed the entry at *position*, if this process appended it recently."""
    delivery = _delivery()
    return delivery.confirmation(position) if isinstance(delivery, Node) else None


def reason_not_ready() -> str | None:
    """Return why this process is not ready for requests, or None. Raises StoreUnavailable."""
    try:
        if _delivery().current() is None:
            log.head()
            return "this node has not read the revocation log to its end yet"
        check_clock()
    except (LogCut, ClockApart) as problem:
        return str(problem)
    with writing():
        db.session.execute(update(log.Head).where(log.Head.id == 0).values(size=log.Head.size))  # touches no row
    return None


def check_ready() -> None:
    """Raise LogCut or ClockApart if this process cannot tell which sessions live."""
    log.head()
    check_clock()


def is_clock_right() -> bool:
    """Return whether this process's clock can tell which sessions timed out."""
    try:
        check_clock()
    except ClockApart:
        return False
    return True


def check_clock() -> None:
    """Raise ClockApart if this process must neither issue nor exchange a token.

    SQLite means one machine, so one clock.
    """
    delivery = _delivery()
    if isinstance(delivery, Node):
        if not delivery.clock.is_fresh():
            delivery.clock.measure(lambda: db.session.execute(text(nodes.DATABASE_TIME)).scalar_one())
        delivery.clock.check()


def lease_age() -> float | None:
    """Return how long ago the last complete read of the log began, in seconds; None where each request reads it."""
    delivery = _delivery()
    return delivery.lease.age() if isinstance(delivery, Node) else None


def entries_behind() -> dict[str, int]:
    """Return for each registered node the number of entries that it has not yet confirmed. Raises StoreUnavailable."""
    size = log.size()
    return {node.id: max(0, size - node.position) for node in db.session.scalars(select(Registered))}


def settle(position: int | None) -> None:
    """Wait until every node knows the entry at *position*, whichever process appended it. None: do not wait.

    Inside `db.writing` the wait follows the commit. Outside, it starts now and holds no connection.
    """
    delivery = _delivery()
    if position is None or not isinstance(delivery, Node):
        return
    if is_writing():
        after_commit(_Wait(delivery), once=_Wait).extend(position)
    else:
        let_go()
        delivery.spread(position)


def settle_all() -> None:
    """Wait until every node knows the whole log, for a request that does not know which entry concerns it."""
    if isinstance(_delivery(), Node):
        settle(log.size())


def spread(entries: Sequence[Entry]) -> None:
    """Wake every node when revocations are committed, and wait until all nodes know the last one."""
    delivery, last = _delivery(), entries[-1]
    if last.kind is Kind.REVOKED and isinstance(delivery, Node):
        if not delivery.has_redis:
            nodes.notify()
        after_commit(_Wait(delivery), once=_Wait).extend(last.position, is_new=True)


@dataclass
class _Wait:
    """The single wait after a transaction, for the last entry that it appended or found."""

    node: Node
    position: int = 0
    is_new: bool = False
    began: float = field(default_factory=steady)

    def extend(self, position: int, *, is_new: bool = False) -> None:
        self.position = max(self.position, position)
        self.is_new |= is_new

    def __call__(self) -> None:
        self.node.spread(self.position, since=self.began if self.is_new else None)


def _delivery() -> Delivery:
    found: Delivery = context.app().extensions["delivery"]
    return found
