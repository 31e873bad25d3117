"""An account with hundreds of thousands of old tokens is deleted as quickly as any, and others write meanwhile."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from app.identity import erasure
from tests import backings, crowd
from tests.browsers import PASSWORD, Pocket
from tests.conftest import LONG
from tests.server import Server
from tests.writer import Writer

pytestmark = pytest.mark.server

SESSIONS, EACH = (1_000, 500) if LONG else (50, 110)


@pytest.fixture
def server(instance: Path) -> Iterator[Server]:
    running = Server(instance, WORKERS="1")
    yield running
    running.stop()


@pytest.fixture
def large(server: Server) -> Pocket:
    """The cookies of a person with a long past, half of it in sessions that go on."""
    pocket = server.join("old@example.org")
    with backings.shell(server.folder) as raw:
        [(sid,)] = raw.execute("SELECT id FROM sessions").fetchall()
        crowd.copy_sessions(raw, sid, SESSIONS // 2, prefix="live")
        crowd.copy_sessions(raw, sid, SESSIONS // 2, prefix="past", idle_until="0", expires_at="original.began_at")
        for prefix in ("live", "past"):
            crowd.add_refresh_hashes(raw, sid, prefix, SESSIONS // 2, EACH)
    return pocket


@pytest.mark.stores("locks")
def test_it_is_deleted_at_once_while_others_sign_in_and_out_and_a_purge_does_the_rest(
    server: Server, large: Pocket
) -> None:
    hashes = SESSIONS * EACH + 1
    assert hashes > erasure.AT_ONCE
    writers = [Writer(server, number) for number in range(2)]
    copied = dict(large)
    status, _ = server.ask("POST", "/confirm", large, action="delete", password=PASSWORD)
    assert status == 303
    assert not server.is_signed_in(copied)
    assert server.query("SELECT 1 FROM users WHERE email = 'old@example.org'") == []
    assert (
        server.query(
            "SELECT 1 FROM sessions WHERE address = '127.0.0.1' AND user_id IN"
            " (SELECT id FROM users WHERE deleted_at IS NOT NULL)"
        )
        == []
    )
    [(left,)] = server.query(
        "SELECT count(*) FROM refresh_tokens JOIN sessions s ON s.id = session_id"
        " JOIN users u ON u.id = s.user_id WHERE u.deleted_at IS NOT NULL"
    )
    assert left >= hashes, "none of them kept a writer waiting"
    said = server.run("purge")
    answers = [answer for writer in writers for answer in writer.stop()]
    assert f"refresh tokens: {left} forgotten\nsessions: {SESSIONS + 1} forgotten" in said
    assert "deleted accounts: 1 forgotten" in said
    assert server.query("SELECT 1 FROM users WHERE deleted_at IS NOT NULL") == []
    assert set(answers) == {303}, "no writer was told to come back"


def test_a_small_account_leaves_nothing_to_the_purge(server: Server) -> None:
    pocket = server.join("new@example.org")
    assert server.ask("POST", "/confirm", pocket, action="delete", password=PASSWORD)[0] == 303
    for table in ("users", "sessions", "refresh_tokens"):
        assert server.query(f"SELECT 1 FROM {table}") == []
