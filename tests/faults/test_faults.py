"""Under each fault, a browser that was told "you are signed out" is signed out, and no other browser is."""

import os
import random
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from http.client import HTTPException

import pytest

from tests.browsers import ACCESS, REFRESH, Pocket
from tests.cluster import accepted
from tests.conftest import LONG
from tests.faults import faults
from tests.faults.faults import LAST, Fault
from tests.faults.stand import Disk, Stand
from tests.server import Server

pytestmark = pytest.mark.server

ROUNDS = 20 if LONG else 1
IN_FLIGHT = 10  # double sign-outs in each round
BYSTANDERS = 3
DISK = {"sqlite": 24, "postgresql": 300}  # mebibytes
SILENT = {faults.a_node_stops_and_goes_on}  # while it lasts, the last node does not answer
DEAD = {faults.a_node_is_killed}  # what the last node had begun is never answered
FELT = {  # these hinder sign-outs whenever they begin
    faults.answers_of_commit_are_lost,
    faults.the_line_is_torn,
    faults.the_line_is_silent,
    faults.the_disk_is_full,
}

OFTEN = [
    (faults.a_node_stops_and_goes_on, "redis"),
    (faults.answers_of_commit_are_lost, "redis"),
    (faults.postgresql_restarts, "redis"),
]
OF_NODES = [faults.a_node_stops_and_goes_on, faults.a_node_is_killed]
OF_LINES = [
    faults.answers_of_commit_are_lost,
    faults.the_database_is_slow,
    faults.the_line_is_torn,
    faults.the_line_is_silent,
]
SELDOM = [
    *[(fault, backing) for backing in ("postgresql", "redis", "sqlite") for fault in OF_NODES],
    *[(fault, backing) for backing in ("postgresql", "redis") for fault in (*OF_LINES, faults.postgresql_restarts)],
    *[(fault, "redis") for fault in (faults.no_wake_up_arrives, faults.redis_restarts)],
    *[(faults.the_disk_is_full, f"{backing} on a small disk") for backing in ("postgresql", "sqlite")],
]


@dataclass
class Browser:
    """One that signs out twice, at two nodes at once. *told*: by how many it was told that this is over."""

    email: str
    pocket: Pocket
    told: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)

    def is_told(self) -> bool:
        """Count one answer; return whether it is the first."""
        with self.lock:
            self.told += 1
            return self.told == 1


@dataclass
class Findings:
    """What must not be found."""

    accepted: list[str] = field(default_factory=list)
    lost: list[str] = field(default_factory=list)
    signed_out: list[str] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    unanswered: list[str] = field(default_factory=list)


class Round:
    """Some browsers sign out twice while *fault* begins, and others stay."""

    def __init__(self, stand: Stand, fault: Fault, threads: ThreadPoolExecutor) -> None:
        self._stand, self._fault, self._threads = stand, fault, threads
        self._speaking = stand.nodes[:LAST] if fault in SILENT else stand.nodes
        self._checks: list[Future[None]] = []
        self.found = Findings()
        self.refusals = 0

    def run(self, browsers: list[Browser]) -> None:
        presses = [self._threads.submit(self._press_twice, browser) for browser in browsers]
        time.sleep(random.uniform(0, 0.05))  # the moment, not a time that anything is measured by
        with self._fault(self._stand):
            wait(presses)
        for check in (*presses, *self._checks):
            check.result()
        for node in self._stand.nodes:
            until(lambda: self.ask(node, "GET", "/readyz", {})[0] == 200)  # noqa: B023
        for browser in browsers:
            self._look_back(browser)

    def ask(self, node: Server, method: str, path: str, pocket: Pocket) -> tuple[int, Pocket]:
        """Ask, and note what should not have been the answer. The status is 0 where there was none."""
        try:
            status, given = node.ask(method, path, pocket)
        except (OSError, HTTPException) as problem:
            if not (self._fault in DEAD and node is self._stand.nodes[LAST]):
                self.found.unanswered.append(f"{method} {path}: {problem!r}")
            return 0, {}
        if status == 500:
            self.found.errors.append(f"{method} {path}")
        return status, given

    def _press_twice(self, browser: Browser) -> None:
        first, second = random.sample(self._speaking, 2)
        presses = [self._threads.submit(self._press, browser, node) for node in (first, second)]
        for press in presses:
            press.result()

    def _press(self, browser: Browser, node: Server) -> None:
        """Sign out. A browser that is told "not yet" tries again at another node."""
        others = [other for other in self._speaking if other is not node]
        for asked in (node, random.choice(others)):
            if self.ask(asked, "POST", "/sign-out", browser.pocket)[0] == 303:
                if browser.is_told():
                    for checking in self._stand.nodes:
                        self._checks.append(self._threads.submit(self._check, checking, browser))
                return
            self.refusals += 1

    def _check(self, node: Server, browser: Browser) -> None:
        """Present the old tokens. A node that stands still answers first of all, when it goes on."""
        try:
            self.found.accepted += accepted(node, browser.pocket)
        except (OSError, HTTPException):
            return  # it accepts nothing

    def _look_back(self, browser: Browser) -> None:
        if not browser.told:
            until(lambda: self.ask(self._stand.nodes[0], "POST", "/sign-out", browser.pocket)[0] == 303)
        for node in self._stand.nodes:
            self.found.accepted += accepted(node, browser.pocket)
        [(ended,)] = self._stand.nodes[0].query(
            "SELECT ended_entry FROM sessions WHERE id = ?", self._stand.nodes[0].claims(browser.pocket[ACCESS])["sid"]
        )
        if ended is None:
            self.found.lost.append(browser.email)


class Bystander:
    """A browser that reads pages at all nodes, and renews its tokens, until it is told to leave off."""

    def __init__(self, around: Round, nodes: list[Server], pocket: Pocket) -> None:
        self._round, self._nodes, self.pocket = around, nodes, pocket
        self.read = 0

    def stay(self, over: threading.Event) -> None:
        while not over.is_set():
            self.look(random.choice(self._nodes))
            over.wait(0.02)

    def look(self, node: Server) -> None:
        without = random.choice(["", ACCESS])  # as once it has expired
        shown = {name: value for name, value in self.pocket.items() if name != without}
        status, given = self._round.ask(node, "GET", "/account", shown)
        if status == 200:
            self.read += 1
            self.pocket |= given
        elif status not in (0, 503):
            self._round.found.signed_out.append(f"{status} {sorted(given)}")


@pytest.fixture(scope="module")
def stand_on(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[str], Stand]]:
    """Give the stand of that name: the last one again, if it is the same."""
    last: dict[str, Stand] = {}

    def stand_on(name: str) -> Stand:
        if name not in last:
            close()
            backing, _, small = name.partition(" on a ")
            if small and os.geteuid() != 0:
                pytest.skip("a small disk has to be mounted, which needs root")
            disk = Disk(DISK[backing]) if small else None
            last[name] = Stand(backing, tmp_path_factory.mktemp("faults"), disk)
        return last[name]

    def close() -> None:
        while last:
            last.popitem()[1].stop()

    yield stand_on
    close()


@pytest.fixture(scope="module")
def threads() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(IN_FLIGHT * 6 + BYSTANDERS) as pool:
        yield pool


@pytest.mark.parametrize(
    ("fault", "name"),
    SELDOM if LONG else OFTEN,
    ids=lambda value: value if isinstance(value, str) else value.__name__,
)
def test_a_browser_that_was_told_it_is_signed_out_is_and_no_other_is(
    stand_on: Callable[[str], Stand], name: str, fault: Fault, threads: ThreadPoolExecutor
) -> None:
    stand = stand_on(name)
    emails = [f"{fault.__name__}-{number}@example.org" for number in range(IN_FLIGHT + BYSTANDERS)]
    pockets = [enter(stand.nodes[0].join, email) for email in emails]
    refusals = 0
    for number in range(ROUNDS):
        if number:
            pockets[:IN_FLIGHT] = [enter(stand.nodes[0].sign_in, email) for email in emails[:IN_FLIGHT]]
        one = Round(stand, fault, threads)
        stays = [Bystander(one, stand.nodes, pocket) for pocket in pockets[IN_FLIGHT:]]
        over = threading.Event()
        lives = [threads.submit(one.stay, over) for one in stays]
        browsers = [Browser(email, pocket) for email, pocket in zip(emails[:IN_FLIGHT], pockets, strict=False)]
        try:
            one.run(browsers)
        finally:
            over.set()
        for life in lives:
            life.result()
        for node in stand.nodes:
            for bystander in stays:
                bystander.look(node)
        assert one.found == Findings(), f"{one.found}\n" + "\n".join(node.output()[-3000:] for node in stand.nodes)
        assert all(bystander.read for bystander in stays)
        refusals += one.refusals
        pockets[IN_FLIGHT:] = [bystander.pocket for bystander in stays]
    assert refusals or fault not in FELT, "no request felt the fault"


def enter(way: Callable[[str], Pocket], email: str) -> Pocket:
    """Sign up or in, again where the site was too busy."""
    found: Pocket = {}

    def try_once() -> bool:
        found.update(way(email))
        return found.keys() >= {ACCESS, REFRESH}

    until(try_once)
    return found


def until(happens: Callable[[], bool]) -> None:
    """Wait for what must happen, and give up after a minute."""
    deadline = time.monotonic() + 60
    while not happens():
        assert time.monotonic() < deadline, "it does not happen"
        time.sleep(0.05)
