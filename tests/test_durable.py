"""What waits for the disk at its commit, and what a power cut may take back."""

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import pytest
from sqlalchemy import Connection, event
from sqlalchemy.engine import Engine

from app.identity.session import Reason
from app.revocation import log, nodes
from app.revocation.entries import Scope
from app.store.db import Transaction, db, writing
from app.store.postgresql import PostgreSQL
from tests.browsers import PASSWORD, Site, form

MAY_BE_LOST = {"receipts", "forms_sent", "lab_visitors"}
WAITS = {"sqlite": ("PRAGMA synchronous", 2), "postgresql": ("SHOW synchronous_commit", "on")}
# A statement may have parts in brackets. "FOR UPDATE OF" and "DO UPDATE SET" name no further table.
WRITES = re.compile(r"(?:^|[()])\s*(?:INSERT INTO|UPDATE|DELETE FROM) (\w+)")


@dataclass
class Commit:
    """What one transaction has written, and whether its commit waits for the disk."""

    tables: set[str] = field(default_factory=set)
    waits: bool = False


@pytest.fixture
def commits(site: Site, monkeypatch: pytest.MonkeyPatch) -> Iterator[list[Commit]]:
    """The commits of the site from here on."""
    found: list[Commit] = []
    now = Commit()

    def note(_connection: Connection, _cursor: object, statement: str, *_more: object) -> None:
        now.tables.update(WRITES.findall(statement))

    def keep(connection: Connection) -> None:
        nonlocal now
        if now.tables:
            question, expected = WAITS[connection.dialect.name]
            now.waits = connection.connection.cursor().execute(question).fetchone() == (expected,)
            found.append(now)
        now = Commit()

    def keep_and_commit(transaction: Transaction) -> None:
        db.flush()
        keep(transaction.joined)
        commit(transaction)

    commit = Transaction.commit
    monkeypatch.setattr(Transaction, "commit", keep_and_commit)
    with listening(site, before_cursor_execute=note, commit=keep):  # the ORM may commit by itself, too
        yield found


@contextmanager
def listening(site: Site, **listeners: Callable[..., None]) -> Iterator[None]:
    with site.app.app_context():
        engine: Engine = db.engine
    for name, listener in listeners.items():
        event.listen(engine, name, listener)
    yield
    for name, listener in listeners.items():
        event.remove(engine, name, listener)


def test_only_what_may_be_lost_is_committed_without_waiting_for_the_disk(site: Site, commits: list[Commit]) -> None:
    ada = site.member()
    ada.post("/account/password", current=PASSWORD, password="nine quiet walruses")
    for path in ("sign-in", "copy", "refresh", "replay", "sign-out", "replay", "reset"):
        assert ada.post(f"/lab/{path}", way="sign-out").status_code == 303
    assert ada.post("/sign-out", **form(ada, "/account")).status_code == 303
    loose = [commit.tables for commit in commits if not commit.waits]
    assert set().union(*loose) == MAY_BE_LOST
    assert {"log_entries", "log_head", "sessions", "refresh_tokens", "users", "activity"} <= set().union(
        *(commit.tables for commit in commits if commit.waits)
    )


def test_a_sign_out_waits_for_the_disk_once(site: Site, commits: list[Commit]) -> None:
    ada = site.member()
    sent = form(ada, "/account")
    commits.clear()
    assert ada.post("/sign-out", **sent).status_code == 303
    (waited,) = [commit.tables for commit in commits if commit.waits]
    assert "log_entries" in waited


@pytest.mark.nodes
def test_the_report_of_a_node_does_not_wait_for_the_disk_and_its_registration_does(site: Site) -> None:
    """A position that a crash takes back is an older one; for a row that it takes back, no request would wait."""
    found = site.app.extensions["store"]
    assert isinstance(found, PostgreSQL)

    def waits() -> bool:
        return one.execute("SHOW synchronous_commit").fetchone() == ("on",)

    with found.connect() as one:
        with one.transaction(force_rollback=True):
            one.execute("INSERT INTO nodes (id, position, beat) VALUES ('this', 0, 0)")
            assert waits()
            assert ("this", 0, 0, 1) in one.execute(nodes.REPORT, (1, "this")).fetchall()
            assert not waits()
        assert waits()


def test_no_entry_is_appended_where_a_power_cut_might_undo_it(site: Site) -> None:
    with site.app.app_context(), pytest.raises(RuntimeError, match="may be lost"), writing(durable=False):
        log.revoke(Scope.SESSION, "a session", until=0, reason=Reason.SIGNED_OUT)
    assert not site.query("SELECT * FROM log_entries")


def test_nothing_that_must_last_joins_a_transaction_that_may_be_lost(site: Site) -> None:
    with site.app.app_context(), writing(durable=False), pytest.raises(RuntimeError, match="may be lost"), writing():
        pass


def test_what_may_be_lost_joins_a_transaction_that_lasts(site: Site, commits: list[Commit]) -> None:
    with site.app.app_context(), writing(), writing(durable=False):
        log.revoke(Scope.SESSION, "a session", until=0, reason=Reason.SIGNED_OUT)
    assert [commit.waits for commit in commits] == [True]
