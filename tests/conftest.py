"""What every test stands on: its own site, with a clock it can move, and browsers that visit it."""

import gc
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import settings
from sqlalchemy import Connection, Dialect, Engine, event
from sqlalchemy.dialects.postgresql.psycopg import PGDialect_psycopg
from sqlalchemy.dialects.sqlite.pysqlite import SQLiteDialect_pysqlite
from xdist.workermanage import NodeManager

from app import clock
from app.capacity import throttle
from app.identity import passwords
from app.store import postgresql
from tests import backings
from tests.backings import Backing
from tests.browsers import Site
from tests.forking import compile_routes_once, hash_quickly

collect_ignore = ["engines"]  # `make test-browsers`: its browsers are Debian's, and no other system has all of them
FULL_COST = passwords.PARAMETERS
LONG = os.environ.get("LONG") == "1"
MEMORY = "/dev/shm"  # noqa: S108 - each run makes its own folders in it
MINUTE = 60
NODES = ("postgresql", "redis")
BACKINGS = {  # by mark: for every day, and in the long run
    "page": (("sqlite",), ("redis",)),
    "sqlite": (("sqlite",), ("sqlite",)),
    "stores": (("sqlite", "redis"), backings.NAMES),
    "nodes": (("postgresql",), NODES),
    "cluster": (("redis",), backings.NAMES),
}
PAGE = pytest.mark.page.mark
ROOM = 2 << 30  # bytes; a run takes about a tenth of it


def pytest_xdist_setupnodes() -> None:
    """Each process of the tests counts for itself what the site counts over all of its processes.

    It stops its servers when it ends, and last of all writes what it covered: ten seconds are not always enough.
    """
    os.environ.pop("PROMETHEUS_MULTIPROC_DIR", None)
    NodeManager.EXIT_TIMEOUT = 3 * MINUTE


def pytest_configure() -> None:
    """Write to memory where there is room: no test pulls the plug, so none needs to wait for a disk.

    Processes of the tests start sooner from compiled files. No example has to be quick: the machine may be busy.
    """
    settings.register_profile("busy", deadline=None)
    settings.load_profile("busy")
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    sys.dont_write_bytecode = False
    if "TMPDIR" not in os.environ and _takes_everything(MEMORY):
        os.environ["TMPDIR"] = tempfile.tempdir = MEMORY


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--quick", action="store_true", help="only tests that need no site, and the files that were changed"
    )


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if not config.getoption("quick"):
        return
    changed = _changed(config.rootpath)
    left = [item for item in items if item.path not in changed and _needs_a_site(item)]
    config.hook.pytest_deselected(items=left)
    items[:] = [item for item in items if item not in set(left)]


def _needs_a_site(item: pytest.Item) -> bool:
    marks = {mark.name for mark in item.iter_markers()}
    return "backing" in getattr(item, "fixturenames", ()) or bool(marks & {"e2e", "server"})


def _changed(root: Path) -> set[Path]:
    """Return the files that differ from the last commit."""
    asked = ["git", "-C", str(root), "status", "--porcelain", "--untracked-files=all", "--no-renames"]
    told = subprocess.run(asked, capture_output=True, text=True, check=False).stdout
    return {root / line[3:] for line in told.splitlines()}


def pytest_collection_finish() -> None:
    """All that is loaded by now stays, so the garbage collector may skip it. It looks through new objects less often."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(100_000, 20, 20)


def _takes_everything(folder: str) -> bool:
    try:
        found = os.statvfs(folder)
    except OSError:
        return False
    may_run_programs = not found.f_flag & os.ST_NOEXEC  # PostgreSQL's lie there too
    return found.f_bavail * found.f_frsize > ROOM and may_run_programs and os.access(folder, os.W_OK)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run what stands on an instance where its nearest mark says.

    What runs on SQLite every day runs on PostgreSQL with Redis in the long run.
    """
    if "backing" in metafunc.fixturenames:
        metafunc.parametrize("backing", _backings(metafunc.definition), indirect=True, scope="session")


def _backings(test: pytest.Item) -> tuple[str, ...]:
    mark = next((found for found in test.iter_markers() if found.name in BACKINGS), PAGE)
    if mark.name == "stores" and not mark.args:
        pytest.fail(f"{test.name}: 'stores' has to say what the store decides", pytrace=False)
    every_day, long_run = BACKINGS[mark.name]
    return long_run if LONG or (mark.name == "nodes" and mark.args) else every_day


@pytest.fixture(scope="session")
def backing(request: pytest.FixtureRequest) -> Backing:
    """What the site stands on."""
    return Backing(request.param)


@pytest.fixture(scope="session")
def prepared(backing: Backing, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An instance folder with an empty database and its keys, made once and copied for each test."""
    folder = tmp_path_factory.mktemp("prepared")
    backing.furnish(folder)
    Site(folder).close()
    return folder


@pytest.fixture
def instance(backing: Backing, prepared: Path, tmp_path: Path) -> Iterator[Path]:
    with copied(backing, prepared, tmp_path) as folder:
        yield folder


@pytest.fixture(scope="module")
def shared_instance(backing: Backing, prepared: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """An instance that the tests of a module share, each with its own users."""
    with copied(backing, prepared, tmp_path_factory.mktemp("shared")) as folder:
        yield folder


@contextmanager
def copied(backing: Backing, prepared: Path, parent: Path) -> Iterator[Path]:
    """Copy the instance in *prepared* into *parent*, with its own database."""
    folder = parent / "instance"
    shutil.copytree(prepared, folder)
    backing.furnish(folder, like=prepared)
    yield folder
    backing.remove(folder)


@dataclass
class StillClock:
    """A clock that stands still until it is set."""

    now: int


@contextmanager
def standing_still() -> Iterator[StillClock]:
    """Time stands still in this process. It can be set to the second, and `Site.wait` still moves it."""
    still = StillClock(int(time.time()))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(clock, "time", SimpleNamespace(time=lambda: still.now))
        yield still


@pytest.fixture
def still_clock() -> Iterator[StillClock]:
    with standing_still() as still:
        yield still


@pytest.fixture
def site(instance: Path, still_clock: StillClock) -> Iterator[Site]:
    """A site with no user signed in."""
    opened = Site(instance)
    yield opened
    opened.close()


@pytest.fixture
def open_site(instance: Path, still_clock: StillClock) -> Iterator[Callable[..., Site]]:
    """Opens the site with the settings that it is given, as often as it is asked."""
    opened: list[Site] = []

    def open_one(**environ: str) -> Site:
        opened.append(Site(instance, **environ))
        return opened[-1]

    yield open_one
    for each in opened:
        each.close()


@pytest.fixture
def other_node(site: Site, instance: Path) -> Iterator[Site]:
    """A second process's worth of the same site: its own memory and connections, the same database."""
    opened = Site(instance)
    yield opened
    opened.close()


@pytest.fixture(autouse=True, scope="module")
def _real_time() -> Iterator[None]:
    yield
    clock.follow(None)


@pytest.fixture(autouse=True)
def _time_of_shared_sites() -> Iterator[None]:
    """A site that the tests of a module share goes by its own clock again after a test that opened another site."""
    followed = clock._offset_file
    yield
    clock.follow(followed)


@pytest.fixture(autouse=True, scope="session")
def _bare_environment() -> None:
    """No setting of the machine's environment reaches the site under test."""
    for name in ("SITE_URL", "HOST", "PORT", "DATABASE_URL", "REDIS_URL", "SECRET_KEY", "INSTANCE_PATH"):
        os.environ.pop(name, None)


@pytest.fixture(autouse=True, scope="session")
def _quick_passwords() -> None:
    """Hash quickly. What asks for `full_cost`, and a server that is started as a shell does, hash as always."""
    hash_quickly()


@pytest.fixture
def full_cost(monkeypatch: pytest.MonkeyPatch) -> None:
    """A site that is opened from now on hashes passwords at the cost of production."""
    monkeypatch.setattr(passwords, "PARAMETERS", FULL_COST)


@pytest.fixture(autouse=True, scope="session")
def _routes_compiled_once() -> None:
    compile_routes_once()


@pytest.fixture(autouse=True, scope="session")
def _statements_compiled_once() -> None:
    """Share compiled statements between the sites of this process: compiling took a third of a test's processor time."""
    compiled: dict[Any, Any] = {}

    def share(connection: Connection) -> None:
        connection.execution_options(compiled_cache=compiled)

    def alike(one: Dialect, other: object) -> bool:
        return type(one) is type(other)

    event.listen(Engine, "engine_connect", share)
    for dialect in (SQLiteDialect_pysqlite, PGDialect_psycopg):  # a part of the key of each statement
        dialect.__eq__ = alike  # type: ignore[method-assign,assignment]
        dialect.__hash__ = lambda one: hash(type(one))  # type: ignore[method-assign,assignment]


@pytest.fixture(autouse=True, scope="session")
def _patience() -> None:
    """On a busy machine a lock is held for seconds. In this process no time limit of a store ends a wait that has an end."""
    postgresql.LIMITS.update(dict.fromkeys(postgresql.LIMITS, MINUTE * 1000))
    postgresql.REQUEST = replace(postgresql.REQUEST, patience=MINUTE)
    postgresql.CONNECT_SECONDS = postgresql.Bounded.patience = MINUTE
    throttle.PATIENCE = MINUTE
