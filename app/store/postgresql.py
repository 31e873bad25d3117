"""PostgreSQL: one read-write primary for any number of machines."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg.abc import Buffer, PQGen
from psycopg.errors import _WaitTimeout
from psycopg.types.string import StrDumper
from sqlalchemy import Connection, Engine
from sqlalchemy.engine import make_url

from app.store.base import StoreUnavailable

CONNECT_SECONDS = 2
ANSWER_SECONDS = 3  # the longest wait for one answer, however the line was cut
KEPT = 8
LOCK_SECONDS = 5
_MIGRATING = 0x51_6E_0D  # a number that names our lock


@dataclass(frozen=True)
class Limits:
    """What a connection may take. *options*: as PostgreSQL keeps them; *patience*: seconds to wait for one answer."""

    options: dict[str, int]
    patience: float | None


# A process that was stopped in the middle of a transaction must not hold the others' locks for ever.
LIMITS = {
    "lock_timeout": 2500,
    "statement_timeout": 10_000,
    "idle_in_transaction_session_timeout": 5000,
}  # milliseconds
_REQUEST = Limits(LIMITS, ANSWER_SECONDS)
_COMMAND = Limits(LIMITS | {"statement_timeout": 600_000, "idle_in_transaction_session_timeout": 60_000}, 600)
_MIGRATION = Limits({}, None)  # nothing has an end here but the migration itself, however large the tables are


class Bounded(psycopg.Connection[Any]):
    """A connection that waits for an answer only so long: a cut line says nothing at all."""

    patience: float | None = ANSWER_SECONDS

    def wait(self, gen: PQGen[Any], interval: float = 0.1, timeout: float | None = None) -> Any:
        if timeout is not None:
            return super().wait(gen, interval, timeout)
        try:
            return super().wait(gen, interval, self.patience)
        except _WaitTimeout as problem:
            self.pgconn.finish()  # what it was doing is unknown
            raise psycopg.OperationalError("the database does not answer") from problem


class WithoutNul(StrDumper):
    """Text as PostgreSQL can take it: without NUL, which it refuses even in a question."""

    def dump(self, obj: str) -> Buffer | None:
        return super().dump(obj.replace("\0", "\ufffd"))


class PostgreSQL:
    """The database at *url*."""

    analyzes_itself = True  # autovacuum does

    def __init__(self, url: str, connections: int) -> None:
        parsed = make_url(url)
        self.name = parsed.render_as_string(hide_password=True)
        self.url = parsed.set(drivername="postgresql+psycopg").render_as_string(hide_password=False)
        self._conninfo = parsed.set(drivername="postgresql").render_as_string(hide_password=False)
        self._connections = connections
        self._limits = _REQUEST

    def engine_options(self) -> dict[str, Any]:
        return {
            "creator": self.connect,
            "pool_size": KEPT,
            "max_overflow": self._connections - KEPT,
            "pool_pre_ping": True,
        }

    def connect(self, *, autocommit: bool = False) -> Bounded:
        """Open a connection. Raises psycopg.OperationalError if that cannot be had soon."""
        connection = Bounded.connect(
            self._conninfo,
            autocommit=autocommit,
            connect_timeout=CONNECT_SECONDS,
            options=" ".join(f"-c {name}={value}" for name, value in self._limits.options.items()),
            application_name="signed-out",
            prepare_threshold=2,
        )
        connection.adapters.register_dumper(str, WithoutNul)
        connection.patience = self._limits.patience
        return connection

    def prepare(self) -> None:
        """The database was made by whoever runs the server."""

    def attach(self, engine: Engine) -> None:
        """Every connection comes from `connect`, and is as it should be."""

    def turn_to_write(self, patience: float) -> nullcontext[None]:
        return nullcontext()

    def begin(self, connection: Connection, patience: float) -> None:
        if patience < LOCK_SECONDS:
            connection.exec_driver_sql(f"SET LOCAL lock_timeout = {max(1, round(patience * 1000))}")

    def maintaining(self) -> AbstractContextManager[None]:
        return self._limited(_COMMAND)

    def analyze(self, engine: Engine) -> None:
        with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.exec_driver_sql("ANALYZE")

    @contextmanager
    def migrating(self) -> Iterator[None]:
        with self._limited(_MIGRATION), self._alone():
            yield

    @contextmanager
    def _limited(self, limits: Limits) -> Iterator[None]:
        self._limits = limits
        try:
            yield
        finally:
            self._limits = _REQUEST

    @contextmanager
    def _alone(self) -> Iterator[None]:
        try:
            connection = self.connect(autocommit=True)
        except psycopg.Error as problem:
            raise StoreUnavailable(str(problem)) from problem
        with connection:
            while connection.execute("SELECT pg_try_advisory_lock(%s)", [_MIGRATING]).fetchone() != (True,):
                connection.execute("SELECT pg_sleep(0.1)")
            yield
