"""Ending many sessions costs a bounded number of statements, and is otherwise like ending each of them."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from sqlalchemy import event, select

from app.identity import grant, refresh_token, session_row, sessions, users
from app.identity.browsers import Browser as Agent
from app.identity.proof import Proof
from app.identity.session import Reason, Session
from app.revocation import checkpoint, log, tree
from app.revocation.entries import Kind, Scope
from app.revocation.log import Fact, LogEntry
from app.store.db import db, writing
from tests.browsers import PASSWORD, Browser, Site
from tests.conftest import LONG

MANY = 1000 if LONG else 300  # more than a tile of the tree


@pytest.fixture
def ada(site: Site) -> Browser:
    return site.member()


def open_many(site: Site, count: int) -> None:
    with site.app.app_context(), writing():
        ada = users.find("ada@example.org")
        assert ada
        for number in range(count):
            Session.start(users.lock(ada.id), Agent(f"browser {number}", "192.0.2.1"), keep=True)


@contextmanager
def statements(site: Site) -> Iterator[list[str]]:
    """Note every statement that the site sends to its database."""
    sent: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        sent.append(statement)

    with site.app.app_context():
        engine = db.engine
    event.listen(engine, "before_cursor_execute", note)
    yield sent
    event.remove(engine, "before_cursor_execute", note)


def end_others(site: Site, ada: Browser) -> int:
    with statements(site) as sent:
        assert ada.post("/devices/end-others").status_code == 303
    return len(sent)


@pytest.mark.stores("rows that are sent together")
def test_ending_many_costs_hardly_more_statements_than_ending_one(site: Site, ada: Browser) -> None:
    open_many(site, 1)
    one = end_others(site, ada)
    open_many(site, MANY)
    assert end_others(site, ada) <= one + 4 * (MANY // tree.WIDTH + 1)
    assert len([line for line in ada.sessions() if line["ended_at"] is None]) == 1
    assert ada.is_signed_in()


def test_each_of_many_has_its_own_entry_without_a_gap_and_a_proof(site: Site, ada: Browser) -> None:
    open_many(site, MANY)
    before = ada.get("/log/checkpoint").text
    assert end_others(site, ada)
    with site.app.app_context():
        ending = select(LogEntry).where(LogEntry.kind == Kind.REVOKED).order_by(LogEntry.position)
        revoked = db.session.scalars(ending).all()
        assert [row.position for row in revoked] == list(range(MANY + 2, 2 * MANY + 2))
        marked = dict(map(tuple, db.session.execute(select(Session.id, Session.ended_entry))))
        assert {row.subject: row.position for row in revoked}.items() <= marked.items()
        assert {row.reason for row in revoked} == {"ended_others"}
        key = checkpoint.verifier_key()
        for row in revoked:
            proof = checkpoint.read(checkpoint.prove(row.position))
            checkpoint.verify(proof, key)
            assert proof.entry == row.entry()
    assert ada.get("/log/checkpoint").text != before  # signed, so it continues the head before
    assert site.run("log", "verify").exit_code == 0


@pytest.mark.parametrize("before", [0, 255, 256])
@pytest.mark.parametrize("count", [1, 257, 513])
def test_the_tree_is_the_same_whether_entries_came_one_by_one_or_together(
    site: Site, monkeypatch: pytest.MonkeyPatch, before: int, count: int
) -> None:
    monkeypatch.setattr("app.revocation.log.secrets.token_bytes", bytes)  # no nonce tells them apart
    facts = [Fact(Kind.REVOKED, Scope.TOKEN, f"t{number}", 0, None, "why") for number in range(before + count)]

    def add(*parts: list[Fact]) -> tuple[list[bytes], list[Any]]:
        with site.app.app_context():
            try:
                with writing():
                    for part in parts:
                        log.revoke_each(part)
                    leaves = list(db.session.scalars(select(tree.Leaf.hash).order_by(tree.Leaf.position)))
                    nodes = select(tree.Node.level, tree.Node.index, tree.Node.hash)
                    found = leaves, sorted(tuple(row) for row in db.session.execute(nodes))
                    raise RuntimeError
            except RuntimeError:
                return found

    together = add(facts[:before], facts[before:])
    assert together == add(*([fact] for fact in facts))
    assert len(together[0]) == before + count


def test_ending_the_others_ends_their_apps_first_and_spares_those_of_this_browser(site: Site, ada: Browser) -> None:
    open_many(site, 3)
    with site.app.app_context(), writing():
        current, *others = sessions.live(users.find("ada@example.org").id)[::-1]  # type: ignore[union-attr]
        users.lock(current.user_id)
        mine = granted(current, "openid")
        theirs = [granted(other, "openid") for other in others]
        loose = granted(current, "openid offline_access")
        assert sessions.end_others(current, Reason.ENDED_OTHERS) == 3
        assert sessions.end_others(current, Reason.ENDED_OTHERS) == 0
    why = dict(site.query("SELECT subject, reason FROM log_entries WHERE kind = 'revoked' ORDER BY position"))
    assert list(why)[:3] == theirs
    assert [why[sid] for sid in theirs] == ["browser_ended"] * 3
    assert why[loose] == "ended_others"
    assert mine not in why
    assert len(why) == 7


@pytest.mark.stores("a transaction")
def test_ending_many_that_fails_half_way_ends_none(site: Site, ada: Browser, monkeypatch: pytest.MonkeyPatch) -> None:
    open_many(site, 5)

    def fail(*_: object) -> None:
        raise RuntimeError

    monkeypatch.setattr("app.web.devices.activity.record", fail)
    assert ada.post("/devices/end-others").status_code == 500
    assert len([line for line in ada.sessions() if line["ended_at"] is None]) == 6
    assert not site.query("SELECT 1 FROM log_entries WHERE kind = 'revoked'")
    monkeypatch.undo()
    assert ada.post("/devices/end-others").status_code == 303
    assert ada.sign_in(password=PASSWORD).status_code == 303


def granted(browser: Session, scope: str) -> str:
    """Begin an app's session in *browser*; return its id."""
    proof = Proof(0, None)
    return refresh_token.give(grant.find(session_row.of(browser), "app", scope, proof).take(), scope, proof).session.id
