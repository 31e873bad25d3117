"""Following the log on SQLite: a look at each request, shared by those who waited for it."""

import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from app.revocation import follower as following
from app.revocation import log
from app.revocation.entries import Scope
from app.revocation.follower import Follower
from app.revocation.memory import Memory
from app.revocation.witness import Witness
from app.store.db import StoreUnavailable, writing
from tests import backings
from tests.browsers import ACCESS, Site
from tests.revocation.test_checkers import Token

pytestmark = pytest.mark.sqlite


class Door:
    """A lock that counts the threads that came to it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.came = 0

    def __enter__(self) -> None:
        self.came += 1
        self._lock.acquire()

    def __exit__(self, *problem: object) -> None:
        self._lock.release()

    def wait_for(self, count: int) -> None:
        while self.came < count:
            time.sleep(0.001)


def test_one_look_serves_all_that_came_before_it_began(site: Site, other_node: Site) -> None:
    ada = site.member()
    token = ada.pocket()[ACCESS]
    follower: Follower = other_node.app.extensions["delivery"]
    door, may_look, looks = Door(), threading.Event(), []
    catch_up = follower._catch_up

    def look() -> None:
        looks.append(True)
        may_look.wait()
        catch_up()

    follower._lock, follower._catch_up = door, look  # type: ignore[assignment, method-assign]
    answers: list[int] = []

    def ask() -> None:
        answers.append(other_node.browser().api(token).status_code)

    first = threading.Thread(target=ask)
    first.start()
    door.wait_for(1)
    ada.sign_out()  # the look under way may have begun before this
    later = [threading.Thread(target=ask) for _ in range(5)]
    for thread in later:
        thread.start()
    door.wait_for(6)
    may_look.set()
    for thread in [first, *later]:
        thread.join()
    assert len(looks) == 2
    assert answers.count(401) >= 5


def end(site: Site, subject: str, scope: Scope = Scope.SESSION) -> None:
    with site.app.app_context(), writing():
        log.revoke(scope, subject, until=10**10, reason="why")


def follower_of(database: Path) -> Follower:
    return Follower(database, Witness(lambda: None))


def known(follower: Follower) -> Memory:
    memory = follower.current()
    assert memory
    return memory


def test_another_process_knows_a_revocation_as_soon_as_it_is_written(site: Site) -> None:
    token = Token("t1", "s1", "ada", 1, 10**10)
    elsewhere = follower_of(site.folder / "signed-out.db")
    assert known(elsewhere).checker.allows(token)
    end(site, "s1")
    assert not known(elsewhere).checker.allows(token)
    elsewhere.close()


@pytest.fixture
def serving(site: Site, monkeypatch: pytest.MonkeyPatch) -> Iterator[Follower]:
    """A follower in a process that serves requests, after its first looks. Its file stays where it is."""
    monkeypatch.setattr(following, "FILE_SECONDS", 3600)
    found = follower_of(site.folder / "signed-out.db")
    found.start()
    for _ in range(2):  # the first maps what the second compares
        known(found)
    yield found
    found.close()


def test_where_requests_are_served_sqlite_is_asked_only_after_a_commit(site: Site, serving: Follower) -> None:
    asked: list[str] = []
    serving._connection.set_trace_callback(asked.append)
    for number in range(100):
        token = Token(f"t{number}", "s1", "ada", 1, 10**10)
        assert known(serving).checker.allows(token)
        asked.clear()
        assert known(serving).checker.allows(token)
        assert not asked
        end(site, token.jti, Scope.TOKEN)
        assert not known(serving).checker.allows(token)
        assert asked


def test_sqlite_is_asked_only_after_a_commit_also_after_a_checkpoint_and_in_a_new_log(
    site: Site, serving: Follower
) -> None:
    for number in range(20):
        end(site, f"t{number}", Scope.TOKEN)
        with closing(sqlite3.connect(site.folder / "signed-out.db")) as raw:
            raw.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        assert not known(serving).checker.allows(Token(f"t{number}", "s1", "ada", 1, 10**10))


def test_a_process_that_was_forked_does_not_go_by_what_its_parent_saw(
    site: Site, serving: Follower, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = serving._connection
    monkeypatch.setattr("os.getpid", lambda: -1)
    known(serving)
    assert serving._connection is not before
    before.close()


def test_a_database_behind_a_link_has_its_index_beside_the_file_itself(
    site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An operator moved the file to another disk; the old place still has an index, which no commit changes."""
    monkeypatch.setattr(following, "FILE_SECONDS", 3600)
    database, old = site.folder / "signed-out.db", tmp_path / "old"
    old.mkdir()
    (old / "signed-out.db").symlink_to(database)
    (old / "signed-out.db-shm").write_bytes(bytes(32768))
    found = follower_of(old / "signed-out.db")
    found.start()
    token = Token("t1", "s1", "ada", 1, 10**10)
    for _ in range(3):
        assert known(found).checker.allows(token)
    end(site, "s1")
    assert not known(found).checker.allows(token)
    found.close()


def test_while_one_request_finds_the_file_replaced_no_other_goes_by_the_old_one(
    site: Site, serving: Follower, monkeypatch: pytest.MonkeyPatch
) -> None:
    trusted: list[bool] = []

    def replaced(_database: Path) -> tuple[int, int]:
        trusted.append(serving._is_ours())
        return (0, 0)

    monkeypatch.setattr(following, "file_id", replaced)
    serving._file_checked -= following.FILE_SECONDS
    assert serving._is_elsewhere()
    assert trusted == [False]
    assert not serving._is_ours()


def test_without_the_index_each_look_asks_sqlite(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(following, "head_of_index", lambda _database: None)
    found = follower_of(site.folder / "signed-out.db")
    found.start()
    assert known(found).checker.allows(Token("t1", "s1", "ada", 1, 10**10))
    end(site, "s1")
    assert not known(found).checker.allows(Token("t1", "s1", "ada", 1, 10**10))
    found.close()


def test_a_follower_discards_what_it_knows_when_the_log_begins_again(site: Site) -> None:
    follower = follower_of(site.folder / "signed-out.db")
    end(site, "s1")
    token = Token("t1", "s1", "ada", 1, 10**10)
    assert not known(follower).checker.allows(token)
    raw = without_triggers(site)
    raw.execute("DELETE FROM log_entries")
    raw.execute("UPDATE log_head SET size = 0, epoch = 'another'")
    raw.close()
    assert known(follower).checker.allows(token)
    follower.close()


def test_a_follower_that_cannot_read_the_log_says_so_and_does_not_guess(site: Site) -> None:
    follower = follower_of(site.folder / "nowhere.db")
    with pytest.raises(StoreUnavailable):
        follower.current()


def without_triggers(site: Site) -> sqlite3.Connection:
    """The database, open to an attacker who may do anything to it."""
    raw = sqlite3.connect(site.folder / "signed-out.db", isolation_level=None)
    backings.drop_triggers(raw)
    return raw
