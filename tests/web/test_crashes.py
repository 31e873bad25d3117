"""Killed at any moment, under load, and started again: what was answered holds, and nothing is half done.

Each person acts in a separate thread and notes what was answered. Then every process is killed, or one worker
is. The invariants afterwards: every answered sign-out and change of password holds; what was not answered was done
whole or not at all; no user loses a session that they did not end; the log has neither gap nor contradiction.
"""

import http.client
import os
import random
import shutil
import signal
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests import backings
from tests.browsers import ACCESS, PASSWORD, REFRESH, Pocket
from tests.server import Server

pytestmark = pytest.mark.server

ROUNDS = 50 if os.environ.get("LONG") else 2
PEOPLE = 6


class Person:
    """A user with a laptop and a phone, who does one thing after the other until the site answers no more."""

    def __init__(self, server: Server, number: int) -> None:
        self._server = server
        self.email = f"person-{number}-{random.getrandbits(32):x}@example.org"
        self.password = self.wanted = PASSWORD
        self.laptop = server.join(self.email)
        self.phone = server.sign_in(self.email)
        self.over: list[Pocket] = []
        self.under_way = ""

    def live(self, stop: threading.Event) -> None:
        acts: list[Callable[[], None]] = [self._refresh, self._refresh, self._sign_out, self._change_password]
        while not stop.is_set():
            act = random.choice(acts)
            self.under_way = act.__name__
            try:
                act()
            except (OSError, http.client.HTTPException):
                return
            self.under_way = ""

    def _ask(self, path: str, pocket: Pocket, **form: str) -> Pocket:
        status, given = self._server.ask("POST" if form else "GET", path, pocket, **form)
        if status >= 500:  # a worker that is going away says so
            raise http.client.HTTPException
        assert status in (200, 303), f"{path} was answered {status}"
        return given

    def _refresh(self) -> None:
        self.laptop = self._ask("/account", {REFRESH: self.laptop[REFRESH]})

    def _sign_out(self) -> None:
        left = self.phone
        self._ask("/sign-out", left, all="0")
        self.over.append(left)
        self.under_way = "_sign_in"
        self.phone = self._ask("/sign-in", {}, email=self.email, password=self.password)

    def _change_password(self) -> None:
        self.wanted = f"{PASSWORD} {random.getrandbits(32):x}"
        left = [self.laptop, self.phone]
        form = {"current": self.password, "password": self.wanted, "end_others": "y"}
        self.laptop = self._ask("/account/password", self.laptop, **form)
        self.over += left
        self.password = self.wanted
        self.under_way = "_sign_in"
        self.phone = self._ask("/sign-in", {}, email=self.email, password=self.password)

    def check(self) -> None:
        """Assert what this person may rely on after the crash."""
        for pocket in self.over:
            assert not self._is_in(pocket), f"{self.email}: an ended session works"
        changed = self._server.ask("POST", "/sign-in", {}, email=self.email, password=self.wanted)[0] == 303
        if self.under_way != "_change_password":
            assert changed, f"{self.email}: the password is lost"
        elif changed and self.wanted != self.password:
            assert not self._is_in(self.laptop)
            assert not self._is_in(self.phone)
            return
        if self.under_way != "_sign_in":
            assert self.under_way == "_sign_out" or self._is_in(self.phone), f"{self.email}: the phone was signed out"
        assert self._is_in({REFRESH: self.laptop[REFRESH]}), f"{self.email}: the laptop was signed out"

    def _is_in(self, pocket: Pocket) -> bool:
        """Whether the cookies work, each alone and both together, which must all say the same."""
        copies = [{name: pocket[name]} for name in (ACCESS, REFRESH) if name in pocket]
        answers = {self._server.is_signed_in(copy) for copy in copies}
        assert len(answers) == 1, f"{self.email}: half a session"
        return answers.pop()


@pytest.fixture
def server(instance: Path) -> Iterator[Server]:
    running = Server(instance, WORKERS="2", ROTATION_GRACE_SECONDS="60")
    yield running
    running.stop()


def crash(server: Server) -> None:
    server.kill()
    server.start()


def lose_a_worker(server: Server) -> None:
    os.kill(random.choice(server.workers()), signal.SIGKILL)


@pytest.mark.page
@pytest.mark.parametrize("fail", [crash, lose_a_worker])
def test_what_was_answered_holds_and_nothing_is_half_done(server: Server, fail: Callable[[Server], None]) -> None:
    for _ in range(ROUNDS):
        people = [Person(server, number) for number in range(PEOPLE)]
        stop = threading.Event()
        with ThreadPoolExecutor(PEOPLE) as threads:
            lives = [threads.submit(person.live, stop) for person in people]
            time.sleep(random.uniform(0.1, 1.0))  # the moment, not a time that anything is measured by
            fail(server)
            stop.set()
        for life in lives:
            life.result()
        for person in people:
            person.check()
        check_database(server)


def check_database(server: Server) -> None:
    """Assert that the log is whole and that the list of sessions says the same as it does."""
    if not backings.settings(server.folder):
        assert server.query("PRAGMA integrity_check") == [("ok",)]
    counted = server.query("SELECT count(*), min(position), max(position) FROM log_entries")
    size = server.query("SELECT size FROM log_head")[0][0]
    assert counted == [(size, 1, size)]
    begun = "SELECT id FROM sessions"
    marked = "SELECT id FROM sessions WHERE ended_entry IS NOT NULL"
    revoked = "SELECT subject FROM log_entries WHERE kind = 'revoked' AND scope = 'session'"
    assert server.query(f"{marked} EXCEPT {revoked}") == []
    assert server.query(f"{revoked} EXCEPT {marked}") == []
    opened = "SELECT subject FROM log_entries WHERE kind = 'opened'"
    assert server.query(f"{opened} EXCEPT {begun}") == []
    issued = "SELECT session_id FROM refresh_tokens"
    assert server.query(f"{begun} EXCEPT {issued}") == []


@pytest.mark.sqlite
def test_a_copy_of_the_folder_taken_after_a_crash_starts(server: Server, tmp_path: Path) -> None:
    ada = server.join("ada@example.org")
    server.ask("POST", "/sign-out", ada)
    server.kill()
    shutil.copytree(server.folder, tmp_path / "copy")
    copy = Server(tmp_path / "copy")
    assert not copy.is_signed_in(ada)
    copy.stop()
    server.start()
