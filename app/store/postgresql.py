"""PostgreSQL: one read-write primary for any number of machines."""

import select
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from typing import Any, cast

import psycopg
from psycopg.abc import Buffer, PQGen
from psycopg.errors import _WaitTimeout
from psycopg.pq import TransactionStatus
from psycopg.types.string import StrDumper
from sqlalchemy import Engine, event, exc
from sqlalchemy.engine import make_url
from sqlalchemy.pool import ConnectionPoolEntry, PoolProxiedConnection

from app.store.base import Store, StoreUnavailable

CONNECT_SECONDS = 2
ANSWER_SECONDS = 3  # the longest wait for one answer, however the line was cut
TRUSTED_SECONDS = 1  # after its last use, in which a connection counts as good if no data came on it
POOLED = 16  # connections that stay open
LOCK_SECONDS = 5
_MIGRATING = 0x51_6E_0D  # a number that names our lock


@dataclass(frozen=True)
class Limits:
    """The limits of a connection. *options*: as PostgreSQL keeps them; *patience*: seconds to wait for one answer."""

    options: dict[str, int]
    patience: float | None


# A process that was stopped in the middle of a transaction must not hold the others' locks for ever.
LIMITS = {
    "lock_timeout": 2500,
    "statement_timeout": 10_000,
    "idle_in_transaction_session_timeout": 5000,
}  # milliseconds
REQUEST = Limits(LIMITS, ANSWER_SECONDS)
_COMMAND = Limits(LIMITS | {"statement_timeout": 600_000, "idle_in_transaction_session_timeout": 60_000}, 600)
_MIGRATION = Limits({}, None)  # nothing has an end here but the migration itself, however large the tables are
# An answered sign-out survives a crash of the server, even if the database's default would lose it.
_ALWAYS = {"synchronous_commit": "on"}
_ROUNDS = 3  # in which a pooler that works by transaction gives itself away


class Bounded(psycopg.Connection[Any]):
    """A connection with a limit on each answer: a cut line is silent. *channel*: which one its next commit notifies."""

    patience: float | None = ANSWER_SECONDS
    channel: str | None = None

    def wait(self, gen: PQGen[Any], interval: float = 0.1, timeout: float | None = None) -> Any:
        if timeout is not None:
            return super().wait(gen, interval, timeout)
        try:
            return super().wait(gen, interval, self.patience)
        except _WaitTimeout as problem:
            self.pgconn.finish()  # what it was doing is unknown
            raise psycopg.OperationalError("the database does not answer") from problem

    def commit(self) -> None:
        channel, self.channel = self.channel, None
        if channel:
            self.execute(f"NOTIFY {channel}; COMMIT", prepare=False)
        else:
            super().commit()

    def _rollback_gen(self) -> PQGen[None]:
        """Roll back and keep the prepared statements, as PostgreSQL does. psycopg forgets them all, in case the transaction
        had made a table. After an error let it: another node may have changed one."""
        self.channel = None
        if self.pgconn.transaction_status == TransactionStatus.INTRANS:
            yield from self._exec_command(b"ROLLBACK")
        else:
            yield from super()._rollback_gen()


def _configure(connection: Bounded, settings: dict[str, str]) -> None:
    """Set them here, not at the connection's start: poolers refuse or ignore most parameters there."""
    chosen = ", ".join(f"set_config('{name}', '{value}', false)" for name, value in settings.items())
    connection.execute(f"SELECT {chosen}", prepare=False)


def _session(connection: Bounded) -> tuple[int, dict[str, str]]:
    """Return which session of the server answers, and what is set in it."""
    (pid,) = connection.execute("SELECT pg_backend_pid()", prepare=False).fetchone() or (0,)
    asked = "SELECT name, setting FROM pg_settings WHERE name = ANY(%s)"
    return pid, dict(connection.execute(asked, ([*LIMITS, *_ALWAYS],), prepare=False).fetchall())


def _is_well(connection: Bounded, used_at: float) -> bool:
    """Return whether the server is still there, and go back to autocommit. A server that stops sends something, so a line
    that was just used and stayed silent is not tried."""
    try:
        if not connection.autocommit:
            connection.autocommit = True
        news = select.poll()
        news.register(connection.fileno(), select.POLLIN)
        if time.monotonic() - used_at >= TRUSTED_SECONDS or news.poll(0):
            connection.execute(";", prepare=False)
    except psycopg.Error:
        return False
    return True


class WithoutNul(StrDumper):
    """Text for PostgreSQL: without NUL, which it refuses even in a query."""

    def dump(self, obj: str) -> Buffer | None:
        return super().dump(obj.replace("\0", "\ufffd"))


class PostgreSQL(Store):
    """The database at *url*. Its autovacuum refreshes the statistics. We never do: for a table that is still empty, the
    planner would choose to read all of it, and keep that plan while the table grows."""

    def __init__(self, url: str, connections: int) -> None:
        parsed = make_url(url)
        self.name = parsed.render_as_string(hide_password=True)
        self.url = parsed.set(drivername="postgresql+psycopg").render_as_string(hide_password=False)
        self._conninfo = parsed.set(drivername="postgresql").render_as_string(hide_password=False)
        self._connections = connections
        self._limits = REQUEST

    def engine_options(self) -> dict[str, Any]:
        return {
            "creator": self.connect,
            "pool_size": POOLED,
            "pool_use_lifo": True,  # its server process has these statements ready
            "max_overflow": self._connections - POOLED,
        }

    def connect(self) -> Bounded:
        """Open a connection, in autocommit. Raises psycopg.OperationalError if that takes too long."""
        connection = Bounded.connect(
            self._conninfo,
            autocommit=True,
            connect_timeout=CONNECT_SECONDS,
            application_name="signed-out",
            prepare_threshold=2,
        )
        connection.adapters.register_dumper(str, WithoutNul)
        connection.patience = self._limits.patience
        _configure(connection, self._settings())
        return connection

    def _settings(self) -> dict[str, str]:
        return _ALWAYS | {name: str(value) for name, value in self._limits.options.items()}

    def prepare(self) -> None:
        """Check that connections keep their settings. Raises StoreUnavailable.

        The operator of the server has made the database.
        """
        try:
            with self.connect() as one, self.connect() as other:
                for _ in range(_ROUNDS):
                    self._check_session(one, other)
        except psycopg.Error as problem:
            raise StoreUnavailable(" ".join(str(problem).split())) from problem

    def _check_session(self, one: Bounded, other: Bounded) -> None:
        """Raise StoreUnavailable if a pooler assigns a server session per transaction.

        LISTEN, locks, limits and prepared statements belong to a session. With such a pooler two connections share
        one session, or one connection changes its session between two statements.
        """
        before, between, after = (_session(connection) for connection in (one, other, one))
        if before != after or before[0] == between[0] or before[1] != self._settings():
            raise StoreUnavailable(
                "a pooler in front of it works by transaction: set pool_mode = session for this database"
            )

    def attach(self, engine: Engine) -> None:
        """Test a connection before its use, without a needless round trip."""

        def check(connection: Bounded, record: ConnectionPoolEntry, _proxy: object) -> None:
            if "used_at" in record.info and not _is_well(connection, record.info["used_at"]):
                raise exc.DisconnectionError  # the pool opens another

        event.listen(engine, "checkout", check)
        event.listen(engine, "checkin", lambda _, record: record.info.update(used_at=time.monotonic()))

    def begin(self, pooled: PoolProxiedConnection, patience: float, *, durable: bool) -> None:
        raw = cast(Bounded, pooled.dbapi_connection)
        options = [] if durable else ["synchronous_commit = off"]
        if patience < LOCK_SECONDS:
            options.append(f"lock_timeout = {max(1, round(patience * 1000))}")
        if options:
            raw.execute("; ".join(["BEGIN", *(f"SET LOCAL {option}" for option in options)]), prepare=False)
        else:
            self.begin_to_read(raw)

    def begin_to_read(self, raw: Bounded) -> None:
        if raw.pgconn.transaction_status == TransactionStatus.IDLE:
            raw.autocommit = False  # the driver begins it with the first statement

    def maintaining(self) -> AbstractContextManager[None]:
        return self._limited(_COMMAND)

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
            self._limits = REQUEST

    @contextmanager
    def _alone(self) -> Iterator[None]:
        try:
            connection = self.connect()
        except psycopg.Error as problem:
            raise StoreUnavailable(str(problem)) from problem
        with connection:
            while connection.execute("SELECT pg_try_advisory_lock(%s)", [_MIGRATING]).fetchone() != (True,):
                connection.execute("SELECT pg_sleep(0.1)")
            yield
