"""A store that is full, read-only, gone or damaged: a clear message, nothing accepted on a guess, nothing lost."""

import os
import resource
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import pytest
from sqlalchemy import event

from app.store.db import db
from tests.browsers import ACCESS, ENDING, PASSWORD, REFRESH, Site
from tests.server import Server

pytestmark = [pytest.mark.server, pytest.mark.sqlite]
PATIENCE = 60  # seconds
Trouble = Callable[[Server], AbstractContextManager[None]]


@pytest.fixture
def server(instance: Path) -> Iterator[Server]:
    running = Server(instance, WORKERS="2")
    while not (len(running.workers()) == 2 and all(map(_has_begun, running.workers()))):
        time.sleep(0.01)  # one that begins later would meet the trouble at its start
    yield running
    running.stop()


def _has_begun(worker: int) -> bool:
    """Whether this worker has loaded the site, and works in the background."""
    return len(os.listdir(f"/proc/{worker}/task")) > 1


@pytest.fixture
def alone(instance: Path) -> Iterator[Server]:
    """A server of one process, which has seen all that was written."""
    running = Server(instance, WORKERS="1")
    yield running
    running.stop()


@contextmanager
def full(server: Server) -> Iterator[None]:
    """No file of the server may grow: what its quota, or its disk, would do."""
    unlimited = (resource.RLIM_INFINITY, resource.RLIM_INFINITY)
    for pid in server.workers():
        resource.prlimit(pid, resource.RLIMIT_FSIZE, (0, resource.RLIM_INFINITY))
    yield
    for pid in server.workers():
        resource.prlimit(pid, resource.RLIMIT_FSIZE, unlimited)


@contextmanager
def gone(server: Server) -> Iterator[None]:
    """The whole instance folder is somewhere else."""
    elsewhere = server.folder.with_name("elsewhere")
    server.folder.rename(elsewhere)
    yield
    elsewhere.rename(server.folder)


@contextmanager
def damaged(server: Server) -> Iterator[None]:
    """Something else stands where the database was."""
    kept = server.folder / "kept"
    kept.mkdir()
    for file in server.folder.glob("signed-out.db*"):
        file.rename(kept / file.name)
    (server.folder / "signed-out.db").write_bytes(os.urandom(8192))
    yield
    for file in kept.iterdir():
        file.replace(server.folder / file.name)


@pytest.mark.parametrize("trouble", [full, gone, damaged])
def test_writing_is_refused_with_a_reason_and_nothing_is_lost(server: Server, trouble: Trouble) -> None:
    ada, bob = server.join("ada@example.org"), server.join("bob@example.org")
    with trouble(server):
        status, given = server.ask("POST", "/sign-out", ada)
        assert status == 503
        assert given[ENDING]
        assert given[ACCESS] == given[REFRESH] == ""
        assert server.ask("POST", "/sign-in", {}, email="bob@example.org", password=PASSWORD)[0] == 503
        assert server.ask("POST", "/sign-up", {}, email="eve@example.org", password=PASSWORD, name="Eve")[0] == 503
        assert server.ask("GET", "/account", {REFRESH: bob[REFRESH]})[0] == 503
        assert "the store is unavailable" in server.output() or trouble is full  # then not even that could be written
    assert server.is_signed_in(bob)
    assert server.ask("POST", "/sign-out", {ENDING: given[ENDING]})[0] == 303
    assert not server.is_signed_in(ada)


@pytest.mark.parametrize("trouble", [gone, damaged])
def test_what_cannot_be_checked_is_not_accepted(server: Server, trouble: Trouble) -> None:
    ada = server.join("ada@example.org")
    assert server.is_signed_in(ada)
    with trouble(server):
        assert server.ask("GET", "/account", ada)[0] == 503
        assert server.ask("GET", "/", {})[0] == 200, "a visitor without a session needs no store"
    assert server.is_signed_in(ada)


def test_an_older_copy_put_back_under_a_running_site_accepts_nothing_that_it_does_not_know(alone: Server) -> None:
    with sqlite3.connect(alone.folder / "signed-out.db") as source, sqlite3.connect(alone.folder / "old.db") as copy:
        source.backup(copy)
    copy.close()
    source.close()
    ada, bob = alone.join("ada@example.org"), alone.join("bob@example.org")
    assert alone.ask("POST", "/sign-out", bob)[0] == 303
    assert alone.is_signed_in(ada)
    for name in ("signed-out.db-wal", "signed-out.db-shm"):
        (alone.folder / name).unlink(missing_ok=True)
    (alone.folder / "old.db").replace(alone.folder / "signed-out.db")
    for pocket in (ada, {ACCESS: ada[ACCESS]}, {REFRESH: ada[REFRESH]}):
        assert not alone.is_signed_in(pocket)
    deadline = time.monotonic() + PATIENCE
    while alone.ask("GET", "/account", {ACCESS: ada[ACCESS]})[0] != 503:
        assert time.monotonic() < deadline
        time.sleep(0.01)  # it looks ten times a second which file is there
    assert alone.ask("POST", "/sign-up", {}, email="eve@example.org", password=PASSWORD, name="Eve")[0] == 503
    alone.run("log", "restore", "--yes")
    assert not alone.is_signed_in(ada)
    assert alone.is_signed_in(alone.join("ada@example.org"))


def test_a_store_that_may_only_be_read_can_still_be_read(site: Site) -> None:
    ada = site.member()

    def forbid(connection: sqlite3.Connection, _record: object) -> None:
        connection.execute("PRAGMA query_only=ON")

    with site.app.app_context():
        db.engine.dispose()
        event.listen(db.engine, "connect", forbid)
    site.wait(120)  # a use would be noted by now
    assert ada.is_signed_in()
    assert ada.get("/devices").status_code == 200
    assert ada.post("/devices/end-others").status_code == 503
    assert ada.sign_out().status_code == 503
    assert not ada.is_signed_in()


def damage(name: str, content: bytes) -> Callable[[Path], None]:
    return lambda folder: (folder / name).write_bytes(content) and None


@pytest.mark.parametrize(
    ("hurt", "message"),
    [
        (damage("secret_key", b""), r"secret_key is empty: restore it"),
        (damage("secret_key", b"short"), r"SECRET_KEY does not fit: it is too short"),
        (damage("secret_key", os.urandom(64)), r"secret_key is damaged: restore it"),
        (damage("secret_key", b"another secret of more than 32 letters"), r"SECRET_KEY is not the one that sealed"),
        (damage("signed-out.db", b"nonsense" * 1000), r"signed-out.db cannot be used"),
    ],
    ids=["an empty secret", "a cut secret", "a scrambled secret", "another secret", "a scrambled database"],
)
def test_a_start_with_damage_says_what_is_damaged_and_changes_nothing(
    instance: Path, hurt: Callable[[Path], None], message: str
) -> None:
    hurt(instance)
    before = {path: path.read_bytes() for path in instance.rglob("*") if path.is_file()}
    with pytest.raises(RuntimeError, match=message) as stopped:
        Server(instance)
    assert str(stopped.value).count("\n") == 1
    assert {path: path.read_bytes() for path in instance.rglob("*") if path.is_file()} == before
