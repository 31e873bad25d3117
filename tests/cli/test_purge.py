"""A purge forgets old rows, and no entries of the log, and refuses no writer meanwhile."""

import re
import signal
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from itertools import count, pairwise
from pathlib import Path
from types import SimpleNamespace

import pytest
from sqlalchemy import event

from app.cli.purge import Pace
from app.config import DAY
from app.identity import activity, erasure
from app.store import sqlite
from app.store.db import Model, db
from tests import backings, crowd, passkeys, plans
from tests.authenticator import add_app, to_second_page
from tests.backings import Backing
from tests.browsers import PASSWORD, Browser, Site, form
from tests.conftest import LONG
from tests.forking import Forked
from tests.oauth.conftest import register_app
from tests.oauth.flow import Flow
from tests.server import Server
from tests.writer import Writer

# How many old sessions, and how many refresh hashes each of them has.
SOME = 1_000, 5
MOST = (100_000, 10) if LONG else SOME

_numbers = count()

PURGED = {
    "activity",
    "authorization_codes",
    "forms_sent",
    "half_sign_ins",
    "known_places",
    "lab_log",
    "links",
    "logout_messages",
    "mails",
    "pushed_requests",
    "receipts",
    "refresh_tokens",
    "sessions",
    "spent_challenges",
    "users",
}
KEPT = {
    "for as long as the account or the app": {"clients", "consents", "passkeys", "recovery_codes"},
    "for ever, and names no user": {"log_entries", "log_head", "log_leaves", "log_tiles", "log_checkpoints"},
    "for as long as a process or a key lives": {"nodes", "signing_keys"},
    "as one row": {"lab_log_head"},
    "by the lab, which forgets them itself": {"lab_visitors", "lab_rooms"},
}


@pytest.mark.stores("SQL that locks")
def test_purging_forgets_old_sessions_and_activity_and_never_an_entry(site: Site, ada: Browser) -> None:
    ada.post("/sign-out", **form(ada, "/sign-out"))
    entries = site.query("SELECT count(*) FROM log_entries")
    site.wait(31 * DAY)
    assert site.query("SELECT count(*) FROM receipts") == [(1,)]
    assert site.run("purge").output.splitlines() == [
        "refresh tokens: 1 forgotten",
        "sessions: 1 forgotten",
        "deleted accounts: 0 forgotten",
        "events: 0 forgotten",
        "events of deleted accounts: 0 forgotten",
        "messages to apps: 0 forgotten",
        "mails: 1 forgotten",
        "links: 1 forgotten",
        "codes: 0 forgotten",
        "pushed requests: 0 forgotten",
        "receipts: 1 forgotten",
        "known places: 0 forgotten",
        "revocations of the lab: 0 forgotten",
        "half sign-ins: 0 forgotten",
        "spent challenges: 0 forgotten",
        "forms: 2 forgotten",
    ]
    assert site.query("SELECT count(*) FROM receipts") == [(0,)]
    assert site.query("SELECT count(*) FROM sessions") == site.query("SELECT count(*) FROM refresh_tokens") == [(0,)]
    assert site.query("SELECT count(*) FROM log_entries") == entries
    site.wait(60 * DAY)
    output = site.run("purge").output
    assert "sessions: 0 forgotten" in output
    assert "known places: 1 forgotten" in output
    assert site.query("SELECT count(*) FROM activity") == site.query("SELECT count(*) FROM known_places") == [(0,)]
    ada.sign_in()
    assert ada.is_signed_in()


def test_sessions_that_ended_less_than_a_month_ago_stay(site: Site, ada: Browser) -> None:
    phone = site.member("bob@example.org", "Chrome on Android")
    ada.sign_out()
    site.wait(30 * DAY)
    site.run("purge")
    assert site.query("SELECT count(*) FROM sessions") == [(2,)], "one ended 30 days ago to the second"
    phone.sign_in("bob@example.org")
    site.wait(1)
    site.run("purge")
    assert site.query("SELECT count(*) FROM sessions") == [(2,)], "the other's time-out was 12 hours later"
    assert phone.is_signed_in()


@pytest.mark.parametrize("wrong", [0, -200, 200], ids="some of a clock off by {} days".format)
def test_each_event_is_kept_for_90_days_and_no_longer(site: Site, wrong: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Half of them, from the first that a purge looks at, are the wrong clock's."""
    monkeypatch.setattr(activity, "LOOKED_AT", 8)
    site.member()
    [(began,)] = site.query("SELECT max(at) FROM log_entries")
    with backings.shell(site.folder) as raw:
        raw.execute("DELETE FROM activity")
        days = [day + wrong * (6 <= day < 12 and day % 2 == 0) for day in range(12)]
        for id_, day in enumerate(days, 1):
            at = began + day * DAY
            raw.execute(f"INSERT INTO activity (id, user_id, event, at) VALUES ({id_}, '', 'sign_in_failed', {at})")
    site.wait(90 * DAY + 3600)
    for today in range(12):
        site.run("purge")
        left = [(at - began) // DAY for (at,) in site.query("SELECT at FROM activity ORDER BY id")]
        assert left == [day for day in days if day > today]
        site.wait(DAY)


@pytest.mark.stores("a race")
def test_a_purge_goes_on_when_the_newest_event_is_deleted_as_it_begins(site: Site, ada: Browser) -> None:
    def delete(_connection: object, _cursor: object, statement: str, *_more: object) -> None:
        if "max(activity.id)" in statement:
            with backings.shell(site.folder) as raw:
                raw.execute("DELETE FROM activity")

    with site.app.app_context():
        engine = db.engine
    event.listen(engine, "after_cursor_execute", delete)
    assert "events: 0 forgotten" in site.run("purge").output
    event.remove(engine, "after_cursor_execute", delete)
    assert site.query("SELECT count(*) FROM activity") == [(0,)]


@pytest.mark.usefixtures("site")  # which has loaded every table
def test_every_table_is_purged_or_kept_for_a_reason() -> None:
    assert set(Model.metadata.tables) == PURGED.union(*KEPT.values())


def test_purging_forgets_what_apps_were_told_a_month_ago(site: Site, ada: Browser) -> None:
    app = register_app(site, "Mail", backchannel_logout_uri="http://127.0.0.1:9/")
    Flow(app, scope="openid").connect(ada)
    ada.sign_out()
    site.deliver()
    site.run("purge")
    assert site.query("SELECT attempts FROM logout_messages") == [(1,)], "it is still to be tried again"
    site.wait(DAY)
    site.deliver()
    site.wait(30 * DAY)
    site.run("purge")
    assert site.query("SELECT count(*) FROM logout_messages") == [(1,)], "30 days are not yet over"
    site.wait(1)
    site.run("purge")
    assert site.query("SELECT count(*) FROM logout_messages") == [(0,)]


def test_a_transaction_takes_fewer_rows_after_a_slow_one_and_more_after_a_quick_one() -> None:
    pace = Pace()
    pace.adapt(Pace.SECONDS * 10)
    assert pace.rows == Pace.FIRST_ROWS // 10
    for _ in range(20):
        pace.adapt(60)
    assert pace.rows == 1, "however slow it is, the purge goes on"
    grown = [pace.rows]
    for _ in range(20):
        pace.adapt(0)
        grown.append(pace.rows)
    assert all(after <= before * 2 for before, after in pairwise(grown))
    assert grown[-1] == Pace.MAX_ROWS


@pytest.mark.sqlite
def test_a_purge_waits_for_its_turn_for_longer_than_a_visitor(
    site: Site, ada: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The clock by which it waits goes on by a second at each look."""
    seconds, asleep, others = count(), count(1), ExitStack()

    def sleep(_seconds: float) -> None:
        if next(asleep) == sqlite.BUSY_SECONDS * 4:
            others.close()

    monkeypatch.setattr(sqlite, "time", SimpleNamespace(monotonic=lambda: next(seconds), sleep=sleep))
    others.enter_context(backings.locked(site.folder))
    assert ada.post("/devices/end-others").status_code == 503
    assert site.run("purge").exit_code == 0


@pytest.mark.stores("plans")
def test_no_transaction_reads_a_whole_table(site: Site, ada: Browser, monkeypatch: pytest.MonkeyPatch) -> None:
    app = register_app(site, "Mail", backchannel_logout_uri="http://127.0.0.1:9/")
    Flow(app, scope="openid").connect(ada)
    ada.post("/sign-out", **form(ada, "/sign-out"))
    assert Flow(app).push().status_code == 201
    ada.post("/lab/sign-in")
    ada.post("/lab/sign-out", way="sign-out")
    add_app(site.member("bob@example.org"))
    to_second_page(site.browser(), "bob@example.org")
    passkeys.add(site.member("cy@example.org"))
    with monkeypatch.context() as patch:
        patch.setattr(erasure, "AT_ONCE", 0)
        site.member("eve@example.org").post("/confirm", action="delete", password=PASSWORD)
    site.wait(DAY)
    site.deliver()
    site.wait(120 * DAY)
    with plans.noting(site, "SELECT", "DELETE") as statements:
        site.run("purge")
    deleted = {statement.split()[2] for statement, _ in statements if statement.startswith("DELETE")}
    assert deleted == PURGED
    for statement, plan in plans.explain(site.folder, statements):
        assert not plans.scans(plan), f"{statement}\n{plan}"


class Crowded:
    """A running site with thousands of sessions three months old, half of them ended by one entry, half timed out."""

    def __init__(self, folder: Path, sessions: int, each: int) -> None:
        self.sessions, self.hashes = sessions, sessions * each
        self.server = Server(folder, WORKERS="1")
        self.server.wait(-90 * DAY)
        self.server.ask("POST", "/devices/end-all", self.server.join("old@example.org"))
        with backings.shell(folder) as raw:
            [(sid,)] = raw.execute("SELECT id FROM sessions").fetchall()
            later = {name: f"original.{name} + {200 * DAY}" for name in ("idle_until", "expires_at")}
            for prefix, changed in (("ended", later), ("expired", {"ended_entry": "CAST(NULL AS integer)"})):
                crowd.copy_sessions(raw, sid, sessions // 2, prefix=prefix, **changed)
                crowd.add_refresh_hashes(raw, sid, prefix, sessions // 2, each)
        self.server.wait(90 * DAY)
        self.server.join("ada@example.org")

    @contextmanager
    def purging(self) -> Iterator["Purge"]:
        """A purge in a separate process, that has begun to delete."""
        before, process = self.left(), Purge(self.server)
        while self.left() == before and process.poll() is None:
            time.sleep(0.005)
        yield process
        process.wait()

    def left(self) -> tuple[int, int]:
        """How many sessions and hashes are there."""
        [found] = self.server.query("SELECT (SELECT count(*) FROM sessions), (SELECT count(*) FROM refresh_tokens)")
        return found[0], found[1]


class Purge(Forked):
    """`flask purge`, as in a shell."""

    def __init__(self, server: Server) -> None:
        self._output = server.folder.with_name(f"purge-{next(_numbers)}")
        super().__init__(("-m", "flask", "purge"), server.environ, self._output)

    def said(self) -> str:
        """Return what it has said in the end."""
        self.wait()
        return self._output.read_text()


@pytest.fixture(params=[SOME])
def crowded(instance: Path, backing: Backing, request: pytest.FixtureRequest) -> Iterator[Crowded]:
    found = Crowded(instance, *(SOME if backing.name == "redis" else request.param))  # Redis has no part in a purge
    yield found
    found.server.stop()


@pytest.mark.stores("locks")
@pytest.mark.server
@pytest.mark.parametrize("crowded", [MOST], indirect=True)
def test_a_user_who_signs_in_and_out_during_a_purge_is_answered_each_time(crowded: Crowded) -> None:
    writers = [Writer(crowded.server, number) for number in range(2)]
    with crowded.purging() as process:
        said = process.said()
    answers = [answer for writer in writers for answer in writer.stop()]
    assert process.returncode == 0
    assert f"refresh tokens: {crowded.hashes + 1} forgotten\nsessions: {crowded.sessions + 1} forgotten" in said
    assert len(answers) >= 4
    assert set(answers) == {303}, "none is told that it did not work yet"


@pytest.mark.server
def test_a_purge_that_is_killed_loses_nothing_and_the_next_one_goes_on(crowded: Crowded) -> None:
    with crowded.purging() as process:
        process.send_signal(signal.SIGKILL)
    sessions, hashes = crowded.left()
    assert (sessions, hashes) != (1, 1)
    assert hashes < crowded.hashes + 2, "what was forgotten by then stays so"
    said = crowded.server.run("purge")
    assert f"refresh tokens: {hashes - 1} forgotten\nsessions: {sessions - 1} forgotten" in said
    assert crowded.left() == (1, 1)


@pytest.mark.stores("locks that are skipped")
@pytest.mark.server
def test_two_purges_at_once_share_the_work(crowded: Crowded) -> None:
    with crowded.purging() as first, crowded.purging() as second:
        outputs = [process.said() for process in (first, second)]
    forgotten = [int(found) for said in outputs for found in re.findall("^sessions: (\\d+) forgotten", said, re.M)]
    assert sum(forgotten) == crowded.sessions + 1
    assert crowded.left() == (1, 1)
