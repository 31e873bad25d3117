"""No node accepts an old token in a check that begins after the Sign Out page appears, under any fault."""

import random
import re
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from http.client import HTTPException
from pathlib import Path

import pytest

from tests import backings
from tests.backings import Backing, PostgreSQL, Redis
from tests.browsers import ACCESS, RECEIPT, REFRESH, Pocket, Site
from tests.cluster import Cluster, Line, accepted
from tests.conftest import LONG
from tests.server import Server

pytestmark = [pytest.mark.server, pytest.mark.cluster]

ROUNDS = 150 if LONG else 25
WRITERS = 8
Names = Iterator[str]


@pytest.fixture(scope="module")
def names() -> Names:
    """Addresses that is unused."""
    return (f"person{number}@example.org" for number in range(10**9))


@pytest.fixture(scope="module")
def three(shared_instance: Path) -> Iterator[Cluster]:
    cluster = Cluster(shared_instance)
    yield cluster
    cluster.stop()


def leave(node: Server, pocket: Pocket) -> Pocket:
    """Sign out; return the cookies of the answer."""
    status, given = node.ask("POST", "/sign-out", pocket)
    assert status == 303
    return given


def sign_out_and_replay(cluster: Cluster, email: str, rounds: int) -> None:
    """Sign out at one node and present the tokens to the two others as soon as the answer is there."""
    cluster.nodes[0].join(email)
    for number in range(rounds):
        first, *others = (cluster.nodes[(number + offset) % len(cluster.nodes)] for offset in range(3))
        pocket = first.sign_in(email)
        for node in others:
            assert node.api(pocket[ACCESS]) == 200
        leave(first, pocket)
        for node in others:
            assert accepted(node, pocket) == []


def test_no_other_node_accepts_a_token_the_instant_the_answer_arrives(three: Cluster, names: Names) -> None:
    sign_out_and_replay(three, next(names), ROUNDS)


def test_no_other_node_accepts_a_token_after_the_answer_while_others_append_to_the_log(
    three: Cluster, names: Names
) -> None:
    over = threading.Event()

    def write(node: Server, email: str) -> None:
        pocket = node.join(email)
        while not over.is_set():
            leave(node, pocket)
            pocket = node.sign_in(email)

    with ThreadPoolExecutor(WRITERS) as threads:
        writers = [threads.submit(write, random.choice(three.nodes), next(names)) for _ in range(WRITERS)]
        try:
            sign_out_and_replay(three, next(names), ROUNDS // 5)
        finally:
            over.set()
        for writer in writers:
            writer.result()


def test_two_nodes_that_refresh_one_token_at_once_get_one_successor(three: Cluster, names: Names) -> None:
    pocket = three.nodes[0].join(next(names))
    with ThreadPoolExecutor(2) as threads:
        for _ in range(300 if LONG else 25):
            only = {REFRESH: pocket[REFRESH]}
            answers = list(threads.map(lambda node: node.ask("GET", "/account", only), three.nodes[:2]))  # noqa: B023
            assert {status for status, _ in answers} == {200}
            assert len({given[REFRESH] for _, given in answers}) == 1
            pocket = answers[0][1]


def test_a_refresh_that_races_with_a_sign_out_never_survives_it(three: Cluster, names: Names) -> None:
    email = next(names)
    pocket = three.nodes[0].join(email)
    with ThreadPoolExecutor(2) as threads:
        for _ in range(ROUNDS):
            refresh = threads.submit(three.nodes[1].ask, "GET", "/account", {REFRESH: pocket[REFRESH]})
            leave(three.nodes[0], pocket)
            _, given = refresh.result()
            for token in (pocket, pocket | given):
                assert accepted(three.nodes[2], token) == []
            pocket = three.nodes[0].sign_in(email)


def test_the_receipt_says_how_many_nodes_confirmed(three: Cluster, names: Names) -> None:
    node = three.nodes[0]
    given = leave(node, node.join(next(names)))
    if backings.settings(three.folder):
        assert re.search(
            r"3 of 3 nodes had confirmed it after \d+ ms", node.read("/signed-out", {RECEIPT: given[RECEIPT]})
        )
    else:
        assert "reads the revocation log at each request" in node.read("/signed-out", {RECEIPT: given[RECEIPT]})


@pytest.fixture(scope="module")
def servers() -> tuple[PostgreSQL, Redis]:
    """The servers of this test process, which need nothing else now."""
    return backings.postgresql(), backings.redis_server()


@pytest.fixture(params=["postgresql", "redis"] if LONG else ["postgresql"])
def fragile(request: pytest.FixtureRequest, servers: tuple[PostgreSQL, Redis], tmp_path: Path) -> Iterator[Cluster]:
    """Two nodes on servers that may be killed."""
    folder = tmp_path / "instance"
    folder.mkdir()
    Backing(request.param, *servers).furnish(folder)
    Site(folder).close()
    cluster = Cluster(folder, 2)
    yield cluster
    cluster.stop()
    Backing(request.param, *servers).remove(folder)


def test_a_node_that_slept_through_the_sign_out_refuses_in_its_very_first_answer(fragile: Cluster) -> None:
    awake, asleep = fragile.nodes
    pocket, other = awake.join("ada@example.org"), awake.join("bob@example.org")
    assert accepted(asleep, pocket) != []
    asleep.pause()
    with ThreadPoolExecutor(1) as threads:
        given = leave(awake, pocket)
        first = threads.submit(asleep.api, pocket[ACCESS])  # it waits at the door
        asleep.resume()
        assert first.result() == 401
    assert accepted(asleep, pocket) == []
    assert asleep.api(other[ACCESS]) == 200
    receipt = awake.read("/signed-out", {RECEIPT: given[RECEIPT]})
    assert re.search("[01] of [12] node", receipt)  # on a busy machine, it was not even the one that is awake


def test_a_node_that_died_without_leaving_delays_no_sign_out_for_long(fragile: Cluster) -> None:
    node, dead = fragile.nodes
    pocket = node.join("ada@example.org")
    dead.kill()
    leave(node, pocket)
    assert accepted(node, pocket) == []
    until(lambda: node.query("SELECT count(*) FROM nodes") == [(1,)])


def test_a_node_that_leaves_takes_its_row_away(fragile: Cluster) -> None:
    node, leaving = fragile.nodes
    leaving.stop()
    assert node.query("SELECT count(*) FROM nodes") == [(1,)]


def test_a_node_that_joins_during_a_sign_out_does_not_know_the_old_token(fragile: Cluster) -> None:
    node, asleep = fragile.nodes
    pocket = node.join("ada@example.org")
    asleep.pause()  # so that the sign-out has to wait
    with ThreadPoolExecutor(1) as threads:
        leaving = threads.submit(leave, node, pocket)
        until(lambda: node.query("SELECT count(*) FROM log_entries WHERE kind = 'revoked'") == [(1,)])
        joined = fragile.add()
        leaving.result()
    assert accepted(joined, pocket) == []


def test_clocks_an_hour_apart_let_no_old_token_live(fragile: Cluster) -> None:
    ahead, behind = fragile.nodes
    ahead.wait(3600)
    pockets = [ahead.join("ada@example.org"), behind.join("bob@example.org")]
    for pocket in pockets:
        assert ahead.is_signed_in(pocket)
        assert behind.is_signed_in(pocket)
    leave(behind, pockets[0])
    leave(ahead, pockets[1])
    for pocket in pockets:
        for node in (ahead, behind):
            assert accepted(node, pocket) == []


Fault = Callable[[Cluster, tuple[PostgreSQL, Redis]], None]


def kill_redis(_cluster: Cluster, servers: tuple[PostgreSQL, Redis]) -> None:
    servers[1].kill()
    servers[1].start()


def flush_redis(_cluster: Cluster, servers: tuple[PostgreSQL, Redis]) -> None:
    servers[1].flush()


def kill_postgresql(_cluster: Cluster, servers: tuple[PostgreSQL, Redis]) -> None:
    servers[0].kill()
    servers[0].start()


def drop_connections(_cluster: Cluster, servers: tuple[PostgreSQL, Redis]) -> None:
    servers[0].execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'signed-out'")


@contextmanager
def people(cluster: Cluster, names: Names, count: int = 4) -> Iterator[list[Pocket]]:
    """People who sign in and out all the time; what was ended, by answered sign-outs, collects in the list."""
    ended: list[Pocket] = []
    over = threading.Event()

    def live(email: str) -> None:
        pocket: Pocket = {}
        enter = Server.join
        while not over.is_set():
            node = random.choice(cluster.nodes)
            try:
                pocket = pocket or enter(node, email)
                enter = Server.sign_in
                if pocket and node.ask("POST", "/sign-out", pocket)[0] == 303:
                    ended.append(pocket)
                    assert accepted(random.choice(cluster.nodes), pocket) == []
                    pocket = node.sign_in(email)
            except (OSError, HTTPException):
                pocket = {}  # that node is down

    with ThreadPoolExecutor(count) as threads:
        lives = [threads.submit(live, next(names)) for _ in range(count)]
        try:
            yield ended
        finally:
            over.set()
        for life in lives:
            life.result()


@pytest.mark.parametrize(
    ("faults", "fragile"),
    [
        ((kill_redis, flush_redis, kill_postgresql), "redis"),
        ((kill_postgresql, drop_connections), "postgresql"),
    ],
    indirect=["fragile"],
    ids=["with Redis", "without Redis"],
)
def test_faults_bring_no_old_token_back_and_sign_no_user_out(
    fragile: Cluster, servers: tuple[PostgreSQL, Redis], faults: tuple[Fault, ...], names: Names
) -> None:
    bystander = fragile.nodes[0].join(next(names))
    for fault in faults * (10 if LONG else 1):
        with people(fragile, names) as ended:
            until(lambda: len(ended) > 4)
            fault(fragile, servers)
            before = len(ended)
            until(lambda: len(ended) > before + 4)  # noqa: B023
        for node in fragile.nodes:
            for pocket in ended:
                assert accepted(node, pocket) == []
            until(lambda: node.api(bystander[ACCESS]) == 200)  # noqa: B023
            assert node.is_signed_in(bystander)
    check_log(fragile.nodes[0])


def test_a_node_that_is_killed_while_it_signs_out_leaves_all_or_nothing(fragile: Cluster, names: Names) -> None:
    node, dying = fragile.nodes
    for _ in range(30 if LONG else 2):
        with people(fragile, names) as ended:
            until(lambda: len(ended) > 4)
            time.sleep(random.uniform(0, 0.2))  # the moment, not a time that anything is measured by
            dying.kill()
            before = len(ended)
            until(lambda: len(ended) > before + 2)  # noqa: B023
        for pocket in ended:
            assert accepted(node, pocket) == []
        check_log(node)
        dying.start()


def test_a_node_whose_line_to_the_database_is_cut_answers_503_and_never_a_guess(
    fragile: Cluster, servers: tuple[PostgreSQL, Redis], tmp_path: Path
) -> None:
    node = fragile.nodes[0]
    line = Line(servers[0].port)
    url = backings.settings(fragile.folder)["DATABASE_URL"].replace(str(servers[0].port), str(line.port))
    far = fragile.add(DATABASE_URL=url)
    pocket, other = node.join("ada@example.org"), node.join("bob@example.org")
    assert far.api(pocket[ACCESS]) == far.api(other[ACCESS]) == 200
    line.cut()
    leave(node, pocket)
    assert far.api(pocket[ACCESS]) in (401, 503)
    assert far.ask("GET", "/account", {ACCESS: pocket[ACCESS]})[0] == 503
    assert far.ask("GET", "/account", {REFRESH: pocket[REFRESH]})[0] == 503
    assert far.api(other[ACCESS]) == 503
    line.mend()
    assert accepted(far, pocket) == []
    until(lambda: far.api(other[ACCESS]) == 200)
    line.close()


def until(happens: Callable[[], bool]) -> None:
    """Wait for something that must happen, and give up after a minute."""
    deadline = time.monotonic() + 60
    while not happens():
        assert time.monotonic() < deadline, "it does not happen"
        time.sleep(0.01)


def check_log(node: Server) -> None:
    """Assert that no entry is lost: positions have no gap, and the list of sessions says what the log says."""
    [(size,)] = node.query("SELECT size FROM log_head")
    assert node.query("SELECT count(*), min(position), max(position) FROM log_entries") == [(size, 1, size)]
    marked = "SELECT id FROM sessions WHERE ended_entry IS NOT NULL"
    revoked = "SELECT subject FROM log_entries WHERE kind = 'revoked' AND scope = 'session'"
    assert node.query(f"{marked} EXCEPT {revoked}") == node.query(f"{revoked} EXCEPT {marked}") == []
