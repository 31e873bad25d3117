"""How news reaches the memory of this process, and how Sign Out knows that it has reached everybody."""

from collections.abc import Callable
from typing import Protocol

from flask import Flask, current_app

from app.config import Settings
from app.db import after_commit, db
from app.revocation import log, nodes
from app.revocation.entries import Bearer, Entry, Kind
from app.revocation.follower import Follower
from app.revocation.memory import Memory
from app.revocation.nodes import Confirmation, Node
from app.store.postgresql import PostgreSQL
from app.store.sqlite import Sqlite


class Delivery(Protocol):
    """Keeps the memory of this process current."""

    def start(self) -> None:
        """Begin to follow the log, where that goes on in the background."""

    def current(self) -> Memory | None:
        """Return a memory that is current enough to decide, or None if only the log itself can. May raise
        StoreUnavailable."""

    def close(self) -> None:
        """Stop deciding, then leave."""


def init_app(app: Flask, settings: Settings) -> None:
    """Give *app* its way of following the log: a look at each request on SQLite, a node of its own on PostgreSQL."""
    found = app.extensions["store"]
    delivery: Delivery
    if isinstance(found, PostgreSQL):
        delivery = Node(found.connect, settings.max_staleness_seconds, settings.redis_url)
    elif isinstance(found, Sqlite):
        delivery = Follower(found.path)
    else:  # pragma: no cover - there are two kinds
        raise TypeError(found)
    app.extensions["delivery"] = delivery


def allows(bearer: Bearer) -> bool:
    """Say whether the log lets the token live. Raises StoreUnavailable, never guesses.

    Memory decides while it is current. The log itself is asked where memory cannot know: its lease is over, the
    session opened after it last read, or it has forgotten what concerns only tokens as old as this one.
    """
    memory = _delivery().current()
    if memory is None or bearer.opened > memory.position or bearer.exp <= memory.checker.horizon:
        return log.allows(bearer)
    return memory.checker.allows(bearer)


def confirmation(position: int) -> Confirmation | None:
    """Return which nodes have confirmed the entry at *position*; None where every process reads at each request."""
    delivery = _delivery()
    return delivery.confirmation(position) if isinstance(delivery, Node) else None


@log.projection
def _spread(entry: Entry) -> None:
    """Wake every node with the commit of a revocation, and go on only when all of them know it."""
    delivery = _delivery()
    if entry.kind is Kind.REVOKED and isinstance(delivery, Node):
        if not delivery.has_redis:
            nodes.notify(db.session())
        after_commit(_until_known(delivery, entry.position), instead_of="until every node knows")


def _until_known(node: Node, position: int) -> Callable[[], None]:
    return lambda: node.spread(position, db.engine)


def _delivery() -> Delivery:
    found: Delivery = current_app.extensions["delivery"]
    return found
