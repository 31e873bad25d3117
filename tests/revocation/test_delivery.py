"""Delivery on SQLite: a look at each request, shared by those who waited for it."""

import sqlite3
import threading
import time

from app.revocation.delivery import Follower
from tests.browsers import ACCESS, Site


class Door:
    """A lock that counts who has come to it."""

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
    follower: Follower = other_node.app.extensions["follower"]
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


def test_a_log_that_was_cut_short_lets_no_token_live_that_opened_beyond_its_end(site: Site) -> None:
    ada = site.member()
    assert ada.is_signed_in()
    raw = sqlite3.connect(site.folder / "signed-out.db", isolation_level=None)
    for (guardian,) in raw.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
        raw.execute(f"DROP TRIGGER {guardian}")
    raw.execute("UPDATE log_head SET size = 0")
    raw.close()
    assert ada.api(ada.pocket()[ACCESS]).status_code == 401
