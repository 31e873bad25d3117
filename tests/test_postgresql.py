"""What PostgreSQL has to keep on each connection of the site, also behind a pooler."""

import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Any

import psycopg
import pytest
from sqlalchemy import text

from app.revocation import nodes
from app.revocation.nodes import Node
from app.store import postgresql
from app.store.db import db, writing
from tests import backings
from tests.backings import PgBouncer
from tests.browsers import ACCESS, Site
from tests.forking import Forked

pytestmark = pytest.mark.nodes


def until(happens: Callable[[], object]) -> None:
    """Wait for something that must happen, and give up after half a minute."""
    deadline = time.monotonic() + 30
    while not happens():
        assert time.monotonic() < deadline, "it does not happen"
        time.sleep(0.005)


def database_of(instance: Path) -> str:
    return backings.settings(instance)["DATABASE_URL"].rpartition("/")[2]


@contextmanager
def opened(instance: Path, **environ: str) -> Iterator[Site]:
    site = Site(instance, **environ)
    yield site
    site.close()


@contextmanager
def pooler(mode: str, *more: str) -> Iterator[PgBouncer]:
    found = PgBouncer(backings.postgresql(), mode, *more)
    yield found
    found.stop()


def through(found: PgBouncer, instance: Path) -> str:
    return backings.postgresql().url(database_of(instance), found.port)


def own_settings(site: Site) -> list[dict[str, str]]:
    """What is set on a connection of the pool, and on one that a node opens for itself."""
    asked = f"SELECT name, setting FROM pg_settings WHERE name IN ('synchronous_commit', {', '.join(map(repr, postgresql.LIMITS))})"
    with site.app.app_context(), db.engine.connect() as connection:
        found = [dict(list(connection.execute(text(asked))))]  # type: ignore[arg-type]
        connection.rollback()
        again = dict(list(connection.execute(text(asked))))  # type: ignore[arg-type]
    with closing(site.app.extensions["store"].connect()) as own:
        return [*found, again, dict(own.execute(asked).fetchall())]


def expected() -> dict[str, str]:
    return {"synchronous_commit": "on"} | {name: str(value) for name, value in postgresql.LIMITS.items()}


def test_each_connection_has_its_limits_and_waits_for_the_disk_even_if_the_database_says_otherwise(
    instance: Path,
) -> None:
    backings.postgresql().execute(f"ALTER DATABASE {database_of(instance)} SET synchronous_commit = off")
    backings.postgresql().execute(f"ALTER DATABASE {database_of(instance)} SET lock_timeout = 0")
    with opened(instance) as site:
        assert own_settings(site) == [expected()] * 3


@pytest.mark.nodes("waking by Redis")
def test_a_pooler_that_works_by_session_keeps_all_of_them_and_wakes_nodes(instance: Path) -> None:
    with pooler("session", "default_pool_size = 80") as found:
        url = through(found, instance)
        with opened(instance, DATABASE_URL=url) as site, opened(instance, DATABASE_URL=url) as other:
            assert own_settings(site) == [expected()] * 3
            for node in (site, other):
                until(lambda: node.browser().get("/readyz").status_code == 200)  # noqa: B023
            ada = site.member()
            pocket = ada.pocket()
            assert other.browser().api(pocket[ACCESS]).status_code == 200
            ada.sign_out()
            assert other.browser().api(pocket[ACCESS]).status_code == 401
            delivery: Any = site.app.extensions["delivery"]
            assert isinstance(delivery, Node)
            [(position,)] = site.query("SELECT max(position) FROM log_entries")
            confirmation = delivery.confirmation(position)
            assert confirmation
            assert (confirmation.nodes, confirmation.confirmed) == (2, 2)


@pytest.mark.parametrize(
    ("mode", "more"),
    [
        ("transaction", []),
        ("transaction", ["default_pool_size = 1"]),
        ("transaction", ["server_round_robin = 1"]),
        ("statement", []),
    ],
    ids=lambda given: given if isinstance(given, str) else " ".join(given) or "by default",
)
def test_a_pooler_that_works_otherwise_stops_the_start_with_one_line_that_names_the_mend(
    instance: Path, mode: str, more: list[str]
) -> None:
    with pooler(mode, *more) as found:
        environ = backings.settings(instance) | {
            "INSTANCE_PATH": str(instance),
            "DATABASE_URL": through(found, instance),
            "PORT": str(backings.free_port()),
            "PATH": "/usr/bin:/bin",
        }
        said, errors = instance.with_name("said"), instance.with_name("errors")
        status = Forked(("app.py",), environ, said, errors).wait(60)
    assert status == 1
    assert errors.read_text().count("\n") == 1
    assert "set pool_mode = session" in errors.read_text()


def test_a_prepared_statement_outlives_a_roll_back_but_not_a_change_of_its_table(instance: Path) -> None:
    read = "SELECT content FROM notes"
    with (
        opened(instance) as site,
        closing(site.app.extensions["store"].connect()) as own,
        backings.shell(instance) as other,
    ):
        other.execute("CREATE TABLE notes (content varchar(8))")
        own.autocommit = False
        for _ in range(4):
            own.execute(read)
            own.rollback()
        assert own.execute("SELECT statement FROM pg_prepared_statements").fetchall() == [(read,)]
        own.rollback()
        other.execute("ALTER TABLE notes ALTER content TYPE text")
        with pytest.raises(psycopg.errors.FeatureNotSupported):
            own.execute(read)
        own.rollback()
        assert own.execute(read).fetchall() == []


def test_a_page_is_away_once_where_another_node_has_changed_a_column_that_it_reads(instance: Path) -> None:
    with opened(instance) as site, backings.shell(instance) as other:
        ada = site.member()
        assert [ada.get("/account").status_code for _ in range(4)] == [200] * 4
        other.execute("ALTER TABLE sessions ALTER name TYPE text")
        assert [ada.get("/account").status_code for _ in range(3)] == [503, 200, 200]
        assert ada.sign_out().status_code == 303


def test_a_commit_wakes_the_nodes_if_its_own_transaction_meant_it_to(instance: Path) -> None:
    with opened(instance) as site, site.app.app_context(), backings.shell(instance) as listening:
        listening.execute("LISTEN signed_out")
        with suppress(ValueError), writing():
            nodes.notify()
            raise ValueError
        for transaction in (lambda: None, nodes.notify, lambda: None):
            with writing():
                db.session.execute(text("UPDATE log_head SET size = size"))
                transaction()
        listening.execute("NOTIFY signed_out, 'no more'")
        assert [found.payload for found in listening.notifies(timeout=30, stop_after=2)] == ["", "no more"]


def test_a_new_table_is_read_by_its_index_as_the_plan_is_kept_while_it_grows(instance: Path) -> None:
    with opened(instance) as site:
        plan = site.query("EXPLAIN SELECT hash FROM log_leaves WHERE position = 1")
    assert "Index Scan" in str(plan)


def test_a_connection_that_the_server_has_just_ended_is_replaced_before_its_next_use(
    instance: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The site had no reason to doubt it: it was used a moment before. The visitor sees no error, and Sign Out signs out."""
    monkeypatch.setattr(postgresql, "TRUSTED_SECONDS", 3600)
    ours = f"datname = '{database_of(instance)}' AND application_name = 'signed-out'"

    def restart() -> None:
        backings.postgresql().execute(f"SELECT pg_terminate_backend(pid, 1000) FROM pg_stat_activity WHERE {ours}")

    with opened(instance) as site:
        ada = site.member()
        copies = ada.pocket()
        for page in ("/", "/devices", "/account"):
            restart()
            assert ada.get(page).status_code == 200
        restart()
        assert ada.sign_out().status_code == 303
        assert not site.thief(copies).is_signed_in()
