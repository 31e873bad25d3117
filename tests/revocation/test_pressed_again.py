"""Pressed again at another node, or after an answer that was lost: no node accepts the old tokens afterwards.

Three real nodes, of which the third stops while the others answer. Its lease outlasts the stop, so that when it goes on
it still trusts what it remembers: it may accept until it has read on.
"""

import re
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests import backings
from tests.browsers import ACCESS, ENDING, Pocket
from tests.cluster import Cluster, Line, accepted
from tests.revocation.test_nodes import until
from tests.server import Server

pytestmark = [pytest.mark.nodes, pytest.mark.server]

LEASE = "60"
Answer = tuple[int, Pocket]


@pytest.fixture
def three(instance: Path) -> Iterator[Cluster]:
    cluster = Cluster(instance, settings=lambda _: {"MAX_STALENESS_SECONDS": LEASE})
    yield cluster
    for node in cluster.nodes:
        node.kill()  # a node that stops finishes its waits first


@contextmanager
def stopped(node: Server) -> Iterator[None]:
    node.pause()
    try:
        yield
    finally:
        node.resume()


def revocations(node: Server) -> int:
    [(count,)] = node.query("SELECT count(*) FROM log_entries WHERE kind = 'revoked'")
    return int(count)


def is_unanswered(sent: "Future[Answer]", node: Server, bystander: Pocket) -> bool:
    """Whether a node leaves a request unanswered while it answers many that came later."""
    for _ in range(300):
        assert node.api(bystander[ACCESS]) == 200
    return not sent.done()


def press_twice(
    three: Cluster, first: Callable[[Server], Answer], second: Callable[[Server], Answer], gone: Pocket
) -> list[Answer]:
    """Ask two nodes for the same end while the third is stopped. No old token is accepted once both have answered."""
    here, there, third = three.nodes
    bystander = here.join("bystander@example.org")
    assert accepted(third, gone) != []
    with ThreadPoolExecutor(2) as threads:
        with stopped(third):
            sent = [threads.submit(first, here)]
            until(lambda: revocations(here) == 1)
            sent.append(threads.submit(second, there))
            assert is_unanswered(sent[1], there, bystander)
            assert is_unanswered(sent[0], here, bystander)
        answers = [request.result() for request in sent]
    for node in three.nodes:
        assert accepted(node, gone) == []
    return answers


def sign_out(pocket: Pocket) -> Callable[[Server], Answer]:
    return lambda node: node.ask("POST", "/sign-out", pocket)


@pytest.mark.nodes("waking by Redis")
def test_sign_out_pressed_at_two_nodes_is_answered_by_neither_before_the_third_knows(three: Cluster) -> None:
    pocket = three.nodes[0].join("ada@example.org")
    answers = press_twice(three, sign_out(pocket), sign_out(pocket), pocket)
    assert [status for status, _ in answers] == [303, 303]


def test_two_devices_that_end_a_third_are_both_answered_once_every_node_knows(three: Cluster) -> None:
    here = three.nodes[0]
    laptop = here.join("ada@example.org")
    tablet, phone = here.sign_in("ada@example.org"), here.sign_in("ada@example.org")
    end = f"/devices/{here.claims(phone[ACCESS])['sid']}/end"
    answers = press_twice(
        three, lambda node: node.ask("POST", end, laptop), lambda node: node.ask("POST", end, tablet), phone
    )
    assert [status for status, _ in answers] == [303, 303]
    assert all(here.is_signed_in(pocket) for pocket in (laptop, tablet))


def test_one_form_that_is_sent_to_two_nodes_is_answered_by_neither_before_the_third_knows(three: Cluster) -> None:
    here = three.nodes[0]
    laptop, phone = here.join("ada@example.org"), here.sign_in("ada@example.org")
    page = re.search(r'name="once" value="([^"]+)"', here.visit("/devices", laptop)[2])
    assert page

    def end_others(node: Server) -> Answer:
        return node.ask("POST", "/devices/end-others", laptop, once=page[1])

    answers = press_twice(three, end_others, end_others, phone)
    assert answers[0] == answers[1]
    assert here.query("SELECT count(*) FROM activity WHERE event = 'others_ended'") == [(1,)]


@pytest.mark.parametrize("retry", ["pressed again", "the next visit"])
def test_a_retry_after_the_answer_to_the_commit_was_lost_waits_for_the_entry_that_it_finds(
    three: Cluster, retry: str
) -> None:
    url = backings.settings(three.folder)["DATABASE_URL"]
    port = url.rpartition(":")[2].partition("/")[0]
    line = Line(int(port))
    line.drops_only = b"signed_out"  # the transaction that ends the session, and none that only reads
    unlucky = three.add(MAX_STALENESS_SECONDS=LEASE, DATABASE_URL=url.replace(port, str(line.port)))
    here, there, third, _ = three.nodes
    pocket, bystander = here.join("ada@example.org"), here.join("bob@example.org")
    assert accepted(third, pocket) != []
    with ThreadPoolExecutor(1) as threads:
        with stopped(third):
            line.drops_commits = True
            status, given = unlucky.ask("POST", "/sign-out", pocket)
            assert (status, revocations(here)) == (503, 1), "done, and said to be not done yet"
            kept = {ENDING: given[ENDING]}
            method, path = ("POST", "/sign-out") if retry == "pressed again" else ("GET", "/")
            sent = threads.submit(there.ask, method, path, kept)
            assert is_unanswered(sent, there, bystander)
        status, _ = sent.result()
    assert status == (303 if retry == "pressed again" else 200)
    assert revocations(here) == 1
    for node in three.nodes:
        assert accepted(node, pocket) == []
    line.close()
