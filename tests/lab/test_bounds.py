"""The rows that visitors of the lab leave are bounded, by visitor and in sum, and no search reads a whole table."""

import re
import sqlite3
from contextlib import closing
from typing import Any

import pytest
from sqlalchemy import event

from app.capacity.throttle import Quota
from app.lab import visitors
from app.lab.rooms import room
from app.lab.run import MAX_ACTS
from app.store.db import db
from tests.browsers import Site
from tests.lab.conftest import Visitor


def count(site: Site, table: str) -> int:
    found: int = site.query(f"SELECT count(*) FROM {table}")[0][0]
    return found


@pytest.mark.stores("SQL that locks")
def test_the_visitors_idle_longest_make_room_for_new_ones(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(visitors, "MOST_VISITORS", 5)
    first = site.browser()
    for number in range(12):
        site.wait(1)
        first.post("/lab/sign-in")
        if number:
            site.browser().post("/lab/sign-in")
    assert count(site, "lab_visitors") == 5
    assert 'action="/lab/reset"' in first.get("/lab").text  # its run is still there


def test_visitors_of_a_month_ago_are_forgotten_a_few_at_a_time(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    for _ in range(5):
        site.browser().post("/lab/reset")
    site.wait(visitors.KEPT_SECONDS + 1)
    monkeypatch.setattr(visitors, "_GOING", 2)
    counts = []
    for _ in range(4):
        site.browser().post("/lab/reset")
        counts.append(count(site, "lab_visitors"))
    assert counts == [4, 3, 3, 4]


def test_an_address_makes_only_so_many_visitors_and_those_who_have_one_go_on(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(visitors, "made", Quota("visitors in a test", "1 per minute"))
    visitor = site.browser(address="203.0.113.8")
    assert visitor.post("/lab/sign-in").status_code == 303
    answer = site.browser(address="203.0.113.8").post("/lab/reset")
    assert answer.status_code == 429
    assert "Too much has come from your network" in answer.text
    assert visitor.post("/lab/copy").status_code == 303
    assert site.browser(address="203.0.113.9").post("/lab/reset").status_code == 303


@pytest.mark.sqlite
def test_a_made_up_cookie_counts_as_a_new_visitor(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(visitors, "made", Quota("visitors in a test", "1 per minute"))
    statuses = []
    for name in ("one", "another"):
        browser = site.browser(address="203.0.113.8")
        browser.client.set_cookie("__Host-Http-lab", name)
        statuses.append(browser.post("/lab/reset").status_code)
    assert statuses == [303, 429]
    assert count(site, "lab_visitors") == 1


def test_one_run_does_not_grow_however_often_its_buttons_are_pressed(visitor: Visitor) -> None:
    visitor.press("sign-in")
    for _ in range(MAX_ACTS // 2):
        visitor.press("refresh")
        visitor.press("faults", fault="list")
    run = visitor.run()
    assert len(run.acts) == MAX_ACTS
    assert run.ended_at is None
    assert len(run.to_json()) < 8 * 1024
    visitor.press("sign-out", way="sign-out")
    assert visitor.run().ended_at is None
    assert "This run is full" in visitor.browser.get("/lab").text


@pytest.mark.stores("SQL that locks")
def test_the_oldest_rooms_make_room_for_new_ones(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(room, "MOST_ROOMS", 3)
    for number in range(6):
        site.wait(1)
        assert site.browser().post("/lab/rooms", name=f"Room {number}").status_code == 303
    assert sorted(row.name for row in site.query("SELECT name FROM lab_rooms")) == ["Room 3", "Room 4", "Room 5"]


@pytest.mark.sqlite
def test_nothing_that_anyone_can_press_reads_a_whole_table(site: Site, visitor: Visitor) -> None:
    site.browser().post("/lab/reset")
    sent: set[tuple[str, Any]] = set()

    def note(_connection: Any, _cursor: Any, statement: str, values: Any, *_: Any) -> None:
        if re.match("SELECT|UPDATE|DELETE", statement):
            sent.add((statement, tuple(values)))

    with site.app.app_context():
        engine = db.engine
    event.listen(engine, "before_cursor_execute", note)
    for path, form in (
        ("sign-in", {}),
        ("copy", {}),
        ("refresh", {}),
        ("sign-out", {"way": "sign-out"}),
        ("replay", {}),
        ("faults", {"fault": "list"}),
        ("time", {"step": "minute"}),
        ("path/A16", {"guess": "on"}),
        ("path/again", {}),
        ("rooms", {"name": "A room"}),
        ("reset", {}),
    ):
        visitor.press(path, **form)
    for path in ("/lab", "/lab/revoked?after=0", "/lab/rooms", "/lab/path"):
        assert visitor.browser.get(path).status_code == 200
    event.remove(engine, "before_cursor_execute", note)
    assert len(sent) > 20
    with closing(sqlite3.connect(site.folder / "signed-out.db")) as raw:
        plans = {s: [row[3] for row in raw.execute(f"EXPLAIN QUERY PLAN {s}", values)] for s, values in sent}
    small = ("log_head", "signing_keys")
    scans = [(s, step) for s, plan in plans.items() for step in plan if step.startswith("SCAN") and "INDEX" not in step]
    assert [(s, step) for s, step in scans if not step.removeprefix("SCAN ").startswith(small)] == []
