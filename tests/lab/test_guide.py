"""The promises of docs/workshop.md come true, however long the class takes."""

import re
from pathlib import Path

import pytest

from app.lab import matrix, player
from tests.browsers import Site
from tests.workshop import Teacher

pytestmark = pytest.mark.sqlite
GUIDE = (Path(__file__).parents[2] / "docs" / "workshop.md").read_text()
HALF_AN_HOUR = 1800
THIRDS = {"Forgets": "client", "Expires": "expiry", "Revokes": "sign-out"}


def promised(words: str) -> str:
    """The board as the guide describes it."""
    found = re.findall(rf"{words}: (none|\d+ of \d+)", GUIDE)
    assert len(set(found)) == 1, words
    return f"all {len(player.every())} refuse" if found[0] == "none" else f"{found[0]} still accept"


def test_a_class_that_takes_half_an_hour_for_each_step_sees_what_the_guide_promises(site: Site) -> None:
    teacher = Teacher(site)
    people = {third: teacher.arrive(third) for third in THIRDS}
    for path in ("sign-in", "copy", "sign-out", "replay"):
        for third, attendee in people.items():
            attendee.post(f"/lab/{path}", **({"way": THIRDS[third]} if path == "sign-out" else {}))
        site.wait(HALF_AN_HOUR)
    for third in THIRDS:
        assert promised(third) in teacher.row(third)


def test_after_the_next_poll_one_is_left_of_those_that_the_guide_counts(site: Site) -> None:
    teacher = Teacher(site)
    ada = teacher.arrive("Ada")
    for path, form in (("sign-in", {}), ("sign-out", {"way": "sign-out"}), ("replay", {}), ("time", {"step": "poll"})):
        ada.post(f"/lab/{path}", **form)
        site.wait(HALF_AN_HOUR)
    ada.post("/lab/replay")
    left = re.findall(r"present again\. (\d+ of \d+)", GUIDE)
    assert [f"{left[0]} still accept"] == re.findall(r"\d+ of \d+ still accept", teacher.row("Ada"))


def test_with_a_fault_for_each_third_the_class_finds_the_three_columns(site: Site) -> None:
    teacher = Teacher(site)
    for third in player.FAULTS:
        attendee = teacher.arrive(third)
        for path, form in (("sign-in", {}), ("faults", {"fault": third}), ("sign-out", {"way": "sign-out"})):
            attendee.post(f"/lab/{path}", **form)
            site.wait(HALF_AN_HOUR)
        ended = "The session is over" in attendee.get("/lab").text
        assert ended is (third != "store"), "with the store off no visitor can sign out at all"


def test_the_count_of_designs_in_the_guide_is_that_of_the_folder() -> None:
    assert set(re.findall(r"\d of (\d+)", GUIDE)) == {str(len(player.every()))}


def test_the_guide_counts_the_designs_that_refuse_a_jwt_at_once() -> None:
    measured = [matrix.Measured(design.slug) for design in player.every() if design.token == "JWT"]
    at_once = sum(found.unended > found.exposed == 0 for found in measured)
    assert f"of the {len(measured)} designs whose tokens are JWTs, {at_once} refuse a copy at once" in GUIDE
