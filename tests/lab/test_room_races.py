"""Many at once in one room, on every kind of database."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from app.lab.rooms import room
from tests.browsers import Site
from tests.workshop import Teacher, experiment

pytestmark = pytest.mark.stores("races")
CROWD = 6


def crowd(sites: list[Site], teacher: Teacher, nicknames: list[str]) -> list[int]:
    """Let all come in at the same moment, by two processes' worth of the site; return the answers."""

    def come_in(at: int) -> int:
        return sites[at % 2].browser().post(f"{teacher.room}/join", nickname=nicknames[at]).status_code

    with ThreadPoolExecutor(CROWD) as threads:
        return sorted(threads.map(come_in, range(CROWD)))


def test_one_of_many_visitors_who_want_a_nickname_gets_it(site: Site, other_node: Site) -> None:
    assert crowd([site, other_node], Teacher(site), ["Ada"] * CROWD) == [303] + [422] * (CROWD - 1)


def test_a_room_is_not_overfilled_by_many_at_once(
    site: Site, other_node: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(room, "MOST_ATTENDEES", 4)
    names = [f"person {at}" for at in range(CROWD)]
    assert crowd([site, other_node], Teacher(site), names) == [303] * 4 + [422] * (CROWD - 4)


def test_all_are_reset_removed_and_the_room_closed_wherever_the_teacher_is(site: Site, other_node: Site) -> None:
    teacher = Teacher(site)
    for nickname in ("Ada", "Bob", "Cy"):
        experiment(teacher.arrive(nickname))
    there = other_node.browser("Safari on macOS")
    there.client.set_cookie("__Host-Http-lab", teacher.browser.cookie("__Host-Http-lab") or "")
    there.post(f"{teacher.room}/remove", attendee=teacher.name_of("Cy"))
    assert "Cy" not in teacher.board()
    there.post(f"{teacher.room}/reset")
    assert all("has not begun" in teacher.row(nickname) for nickname in ("Ada", "Bob"))
    there.post(f"{teacher.room}/close")
    assert site.query("SELECT (SELECT count(*) FROM lab_rooms), (SELECT count(room) FROM lab_visitors)") == [(0, 0)]
