"""A node trusts its memory while its lease runs, and at no other time."""

import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import psycopg
import pytest

from app.revocation import log, registry
from app.revocation.entries import Scope
from app.revocation.lease import Lease
from app.revocation.memory import Memory
from app.revocation.nodes import MAX_CONFIRMATIONS, Confirmation, Node
from app.revocation.wakeups import RedisMessages
from app.revocation.witness import LogCut, Seen, Witness
from app.store.db import StoreUnavailable, db, writing
from tests import backings
from tests.backings import Redis
from tests.browsers import ACCESS, Browser, Site

pytestmark = pytest.mark.nodes


SECONDS = 9.0


class Rule:
    """A lease of nine seconds on a steady clock that a test sets, with a log that can be read, cut, and answer late."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.lease = Lease(SECONDS, lambda: self.now)
        self.known: list[Memory | None] = []

    def renew(self, *, took: float = 0.0, registered: bool = True, cut: bool = False) -> bool:
        def read(known: Memory | None) -> Memory:
            self.known.append(known)
            self.now += took
            if cut:
                raise LogCut(3, 4, Seen("epoch", 4, None))
            return known or Memory("epoch")

        return self.lease.renew(read, lambda _position: registered)


@pytest.fixture
def rule() -> Rule:
    return Rule()


def test_before_the_first_read_nothing_is_trusted(rule: Rule) -> None:
    assert rule.lease.current() is None
    assert rule.lease.age() is None


def test_memory_is_trusted_to_the_last_moment_of_the_lease_and_not_in_the_next(rule: Rule) -> None:
    assert rule.renew()
    rule.now += SECONDS - 0.001
    assert rule.lease.current()
    rule.now += 0.001
    assert rule.lease.current() is None
    assert rule.lease.age() == SECONDS


def test_the_lease_counts_from_the_start_of_the_read_however_long_that_took(rule: Rule) -> None:
    rule.renew(took=SECONDS - 1)
    assert rule.lease.current()
    assert rule.lease.age() == SECONDS - 1
    rule.now += 1
    assert rule.lease.current() is None
    rule.renew(took=SECONDS)
    assert rule.lease.current() is None, "it was over before the answer came"


def test_a_lease_that_is_over_begins_again_and_reads_on_from_what_it_knew(rule: Rule) -> None:
    rule.renew()
    memory = rule.lease.current()
    rule.now += 10 * SECONDS
    rule.renew()
    assert rule.known == [None, memory]
    assert rule.lease.current() is memory


def test_two_reads_may_fail_before_it_is_over(rule: Rule) -> None:
    rule.renew()
    rule.now += 2.9 * rule.lease.pause
    assert rule.lease.current()


def test_what_could_not_be_reported_extends_no_lease(rule: Rule) -> None:
    assert not rule.renew(registered=False)
    assert rule.lease.current() is None
    rule.renew()
    rule.now += SECONDS - 1
    assert not rule.renew(registered=False)
    assert rule.lease.current()
    rule.now += 1
    assert rule.lease.current() is None


def test_a_cut_log_lets_nothing_be_answered_until_it_is_whole_and_what_was_known_is_gone(rule: Rule) -> None:
    rule.renew()
    with pytest.raises(LogCut):
        rule.renew(cut=True)
    for later in (0, 100 * SECONDS):
        rule.now += later
        with pytest.raises(LogCut) as problem:
            rule.lease.current()
        assert (problem.value.size, problem.value.known) == (3, 4)
    assert rule.lease.age() is None
    rule.renew()
    assert rule.known[-1] is None
    assert rule.lease.current()


def test_a_cut_log_is_refused_though_the_node_was_struck_out(rule: Rule) -> None:
    with pytest.raises(LogCut):
        rule.renew(cut=True)
    rule.renew(registered=False)
    assert rule.lease.current() is None, "whole again, but nothing is known of it yet"


def test_what_is_forgotten_is_read_from_the_start(rule: Rule) -> None:
    rule.renew()
    rule.lease.forget()
    assert rule.lease.current() is None
    rule.renew()
    assert rule.known == [None, None]
    assert rule.lease.current()


def test_after_its_end_a_read_that_was_under_way_is_not_trusted(rule: Rule) -> None:
    rule.renew()
    rule.lease.end()
    assert rule.lease.current() is None
    rule.renew()
    assert rule.lease.current() is None


def test_another_clock_that_runs_slower_is_allowed_for(rule: Rule) -> None:
    since = rule.now
    for seconds, is_over in ((SECONDS, False), (SECONDS * 1.09, False), (SECONDS * 1.11, True)):
        rule.now = since + seconds
        assert rule.lease.is_over_everywhere(since) == is_over


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
    assert node.lease.age() is None
    assert registered(raw) == []
    node.start()
    assert registered(raw) == []


def test_a_node_that_was_struck_out_registers_again(site: Site, node: Node, raw: Any) -> None:
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


def test_after_a_fork_a_process_is_another_node(node: Node, raw: Any) -> None:
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


@pytest.mark.nodes("waking by Redis")
def test_an_end_that_no_node_can_be_seen_to_confirm_waits_the_lease_out_and_says_so(
    site: Site, node: Node, monkeypatch: pytest.MonkeyPatch
) -> None:
    def silent(*_: object) -> tuple[int, int]:
        raise StoreUnavailable("silent")

    monkeypatch.setattr(registry, "count", silent)
    monkeypatch.setattr(node, "_own_look", lambda *_: None)
    found = node.confirmation(end(site, "s1"))
    assert found
    assert (found.nodes, found.confirmed) == (1, 0)
    assert found.milliseconds >= 1000


def test_only_the_latest_confirmations_are_kept(site: Site, node: Node) -> None:
    for position in range(MAX_CONFIRMATIONS + 10):
        node._note(position, Confirmation(1, 1, 1.0))
    assert node.confirmation(9) is None
    assert node.confirmation(MAX_CONFIRMATIONS + 9)


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
    waiting = threading.Thread(target=messages.wait, args=(3600,), daemon=True)
    waiting.start()
    waiting.join(30)
    assert not waiting.is_alive(), "the message woke it"
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
    connection = store.connect()
    connection.patience = 0.1
    with pytest.raises(psycopg.OperationalError, match="does not answer"):
        connection.execute("SELECT pg_sleep(5)")
    assert connection.closed
