"""A node trusts its memory while its lease runs, and at no other time."""

import time
from collections.abc import Callable, Iterator
from typing import Any

import psycopg
import pytest

from app.db import StoreUnavailable, db, writing
from app.revocation import log, nodes, registry
from app.revocation.entries import Scope
from app.revocation.nodes import KEPT, Confirmation, Node
from app.revocation.wakeups import RedisMessages
from app.revocation.witness import Witness
from tests import backings
from tests.backings import Redis
from tests.browsers import ACCESS, Browser, Site

pytestmark = pytest.mark.nodes


def node_of(site: Site) -> Node:
    found = site.app.extensions["delivery"]
    assert isinstance(found, Node)
    return found


def until(happens: Callable[[], Any]) -> None:
    """Wait for something that must happen, and give up after half a minute."""
    deadline = time.monotonic() + 30
    while not happens():
        assert time.monotonic() < deadline, "it does not happen"
        time.sleep(0.005)


@pytest.fixture
def node(site: Site) -> Node:
    """The node of the site, current."""
    found = node_of(site)
    until(lambda: found.current())
    return found


@pytest.fixture
def ada(site: Site, node: Node) -> Browser:
    assert node.current()
    return site.member()


@pytest.fixture
def raw(site: Site) -> Iterator[Any]:
    with backings.shell(site.folder) as connection:
        yield connection


def end(site: Site, subject: str) -> int:
    with site.app.app_context(), writing():
        return log.revoke(Scope.SESSION, subject, until=10**10, reason="why").position


def registered(raw: Any) -> list[str]:
    return [name for (name,) in raw.execute("SELECT id FROM nodes").fetchall()]


def test_while_the_lease_runs_no_question_goes_to_the_database(
    site: Site, node: Node, ada: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    token = ada.pocket()[ACCESS]
    until(lambda: node.current().position >= 1)  # type: ignore[union-attr]
    monkeypatch.setattr(log, "allows", lambda _: pytest.fail("the log was asked"))
    assert ada.api(token).status_code == 200


def test_once_it_is_over_the_log_is_asked(
    site: Site, node: Node, ada: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked, allows = [], log.allows
    monkeypatch.setattr(log, "allows", lambda bearer: asked.append(bearer) or allows(bearer))
    monkeypatch.setattr(node, "_known", (node.current(), nodes.now() - 1))
    node.close()
    token = ada.pocket()[ACCESS]
    assert ada.api(token).status_code == 200
    ada.sign_out()
    assert ada.api(token).status_code == 401
    assert len(asked) >= 2


def test_a_node_that_has_left_trusts_nothing_and_its_row_is_gone(site: Site, node: Node, raw: Any) -> None:
    assert len(registered(raw)) == 1
    node._leave()
    assert node.current() is None
    assert node.lease_age() is None
    assert registered(raw) == []
    node.start()
    assert registered(raw) == []


def test_a_node_that_was_struck_out_registers_anew(site: Site, node: Node, raw: Any) -> None:
    raw.execute("DELETE FROM nodes")
    until(lambda: registered(raw))
    position = end(site, "s1")
    found = node.confirmation(position)
    assert found
    assert (found.nodes, found.confirmed) == (1, 1)


def test_a_row_whose_beat_stands_still_is_struck_out(node: Node, raw: Any) -> None:
    raw.execute("INSERT INTO nodes (id, position, beat) VALUES ('dead', 0, 7)")
    until(lambda: registered(raw) == [node._id])


def test_another_epoch_empties_the_memory(site: Site, node: Node, raw: Any) -> None:
    end(site, "s1")
    before = node.current()
    backings.drop_triggers(raw)
    raw.execute("UPDATE log_head SET size = 0, epoch = 'another'")
    until(lambda: node.current() is not before and node.current() is not None)
    assert node.current().epoch == "another"  # type: ignore[union-attr]


def test_after_a_fork_a_process_is_a_node_of_its_own(node: Node, raw: Any) -> None:
    first, thread = node._id, node._thread
    node._pid = 0  # as it looks to a child
    node.start()
    assert node._id != first
    assert node._thread is not thread
    until(lambda: node._id in registered(raw))


def test_a_child_that_ends_does_not_take_its_parents_row_away(node: Node, raw: Any) -> None:
    node._pid, own = 0, node._pid  # as it looks to a child
    node._leave()
    node._pid = own
    assert node.current()
    assert registered(raw) == [node._id]


def test_an_end_that_no_node_can_be_seen_to_confirm_waits_the_lease_out_and_says_so(
    site: Site, node: Node, monkeypatch: pytest.MonkeyPatch
) -> None:
    def silent(*_: object) -> tuple[int, int]:
        raise StoreUnavailable("silent")

    monkeypatch.setattr(registry, "count", silent)
    found = node.confirmation(end(site, "s1"))
    assert found
    assert (found.nodes, found.confirmed) == (1, 0) or (found.nodes, found.confirmed) == (0, 0)
    assert found.milliseconds >= 1000


def test_only_the_latest_confirmations_are_kept(site: Site, node: Node) -> None:
    for position in range(KEPT + 10):
        node._note(position, Confirmation(1, 1, 1.0))
    assert node.confirmation(9) is None
    assert node.confirmation(KEPT + 9)


def test_a_node_that_cannot_reach_the_database_knows_nothing_and_tries_on(caplog: pytest.LogCaptureFixture) -> None:
    def fail(**_: object) -> Any:
        raise psycopg.OperationalError("no route")

    lonely = Node(fail, 0.1, "", Witness(lambda: None))
    assert lonely.current() is None
    until(lambda: "cannot read the log" in caplog.text)
    assert lonely.current() is None
    lonely._leave()


def test_a_node_that_has_left_does_not_complain(caplog: pytest.LogCaptureFixture) -> None:
    def fail(**_: object) -> Any:
        leaving.close()
        raise psycopg.OperationalError("no route")

    leaving = Node(fail, 0.1, "", Witness(lambda: None))
    leaving.start()
    leaving._thread.join()
    assert caplog.text == ""


def test_a_redis_that_dies_and_comes_back_is_listened_to_again() -> None:
    server = Redis()
    messages = RedisMessages(server.url)
    messages.listen()
    messages.wait(0.05)
    server.kill()
    messages.send()
    messages.wait(0.3)
    server.start()
    messages.wait(0.05)
    messages.send()
    messages.wait(30)  # returns as soon as the message is there
    messages.close()
    server.kill()


def test_a_site_without_its_node_still_says_when_it_is_not_ready(site: Site, node: Node) -> None:
    node.close()
    answer = site.browser().get("/readyz")
    assert answer.status_code == 503
    assert "has not read the revocation log" in answer.get_json()["reason"]
    with site.app.app_context():
        db.session.remove()


def test_a_connection_that_gets_no_answer_is_given_up(site: Site) -> None:
    store = site.app.extensions["store"]
    connection = store.connect(autocommit=True)
    connection.patience = 0.1
    with pytest.raises(psycopg.OperationalError, match="does not answer"):
        connection.execute("SELECT pg_sleep(5)")
    assert connection.closed
