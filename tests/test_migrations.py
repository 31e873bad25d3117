"""Migrations are only ever added: a landed one is never edited, and old code leaves a newer database alone."""

import hashlib
from pathlib import Path

import pytest

from tests import backings
from tests.browsers import Site
from tests.forking import PROJECT, Forked

VERSIONS = PROJECT / "app" / "migrations" / "versions"
LANDED = VERSIONS / "SHA256SUMS"
COMMANDS = [
    ["app.py"],
    ["-m", "flask", "log", "verify"],
    ["-m", "flask", "users", "disable", "ada@example.org"],
    ["-m", "flask", "db", "upgrade"],
]


def landed() -> dict[str, str]:
    lines = (line.split() for line in LANDED.read_text().splitlines())
    return {name: digest for digest, name in lines}


@pytest.mark.parametrize("path", sorted(VERSIONS.glob("*.py")), ids=lambda path: path.stem)
def test_a_landed_migration_is_never_edited(path: Path) -> None:
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    assert path.name in landed(), (
        f"a new migration: add this line to {LANDED.relative_to(PROJECT)}:\n{digest}  {path.name}"
    )
    assert digest == landed()[path.name], (
        f"{path.name} has landed, so databases exist that it has made: take the change back, and add a new migration."
    )


def test_no_landed_migration_is_missing() -> None:
    assert set(landed()) == {path.name for path in VERSIONS.glob("*.py")}


def age(folder: Path) -> None:
    """Let newer code have used the database."""
    with backings.shell(folder) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9000'")


@pytest.mark.stores("migrations")
def test_old_code_leaves_a_newer_database_as_it_is(instance: Path) -> None:
    age(instance)
    with pytest.raises(SystemExit, match=r"^DATABASE_URL: .* is of version 9000, and this code knows versions up to 0"):
        Site(instance)
    with backings.shell(instance) as connection:
        assert connection.execute("SELECT version_num FROM alembic_version").fetchall() == [("9000",)]


@pytest.mark.sqlite
@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_each_command_says_in_one_line_that_the_database_is_newer(instance: Path, command: list[str]) -> None:
    age(instance)
    environ = {"INSTANCE_PATH": str(instance), "PORT": str(backings.free_port())}
    said = instance.with_name("said")
    assert Forked(tuple(command), environ, said).wait() != 0
    [line] = said.read_text().splitlines()
    assert "run the newer code" in line
