"""The interface of every kind of database."""

from collections.abc import Callable, Hashable
from contextlib import AbstractContextManager, nullcontext
from typing import Any, Protocol

from sqlalchemy import Engine
from sqlalchemy.pool import PoolProxiedConnection


class StoreUnavailable(Exception):
    """The database cannot be read or written now. Nothing half-done remains; the caller may try again."""


class Store(Protocol):
    """A kind of database. *name*: how an error message calls it, without a password. Durations are in seconds."""

    name: str
    url: str

    def engine_options(self) -> dict[str, Any]:
        """Return how SQLAlchemy is to connect."""

    def prepare(self) -> None:
        """Create an empty database if there is none."""

    def attach(self, engine: Engine) -> None:
        """Prepare every connection of *engine*."""

    def start(self) -> None:
        """Start the background work of a process that answers requests, if there is any."""
        return

    def head(self) -> Hashable | None:
        """Return a value that changes with each commit of any process; None where only the database can tell."""
        return None

    def turn_to_write(self, patience: float, let_go: Callable[[], None]) -> AbstractContextManager[None]:
        """Queue the writers of this process, where that helps. Raises StoreUnavailable after *patience*.

        *let_go* gives the connection back. It is called before a wait, as the one that has the turn may need it.
        """
        return nullcontext()

    def begin(self, pooled: PoolProxiedConnection, patience: float, *, durable: bool) -> None:
        """Begin a transaction that will write, and give up on a lock after *patience*.

        *durable*: its commit waits for the disk.
        """

    def begin_to_read(self, raw: Any) -> None:
        """Begin a transaction on the driver's connection *raw*, if none has begun. Outside one, each statement is its own."""

    def maintaining(self) -> AbstractContextManager[None]:
        """Give connections that are made meanwhile the time that a command may take, not a web request."""
        return nullcontext()

    def analyze(self) -> None:
        """Refresh the statistics by which queries are planned, where the database does not do so itself. Raises
        StoreUnavailable."""
        return

    def migrating(self) -> AbstractContextManager[None]:
        """Keep other processes from migrating the database. Raises StoreUnavailable."""
