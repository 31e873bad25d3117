"""A log that got shorter in its epoch has lost sign-outs: no node decides anything from it before `flask log restore`."""

import json
import logging
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from app.revocation import log
from app.revocation.entries import Scope
from app.revocation.nodes import Node
from app.revocation.witness import LogCut
from app.store.db import writing
from tests import backings
from tests.browsers import ACCESS, PASSWORD, REFRESH, Browser, Pocket, Site
from tests.oauth.conftest import register_app
from tests.oauth.flow import Flow

LOST = "the revocation log has lost entries"


def until(happens: Callable[[], object]) -> None:
    """Wait for something that must happen, and give up after half a minute."""
    deadline = time.monotonic() + 30
    while not happens():
        assert time.monotonic() < deadline, "it does not happen"
        time.sleep(0.005)


def readiness(site: Site) -> str:
    answer = site.browser().get("/readyz").get_json()
    return str(answer.get("reason", "ready"))


def events(caplog: pytest.LogCaptureFixture) -> list[dict[str, object]]:
    records = caplog.get_records("setup") + caplog.get_records("call")
    lines = [json.loads(record.message) for record in records if record.name == "signed_out.security"]
    return [line for line in lines if line["event"] == "log_cut"]


def marks(site: Site) -> int:
    [(count,)] = site.query("SELECT count(*) FROM log_head WHERE cut_from IS NOT NULL")
    return int(count)


@pytest.fixture
def ada(site: Site) -> Browser:
    """A user who is signed in now, and was when the backup was taken."""
    return site.member()


@pytest.fixture
def older(site: Site, ada: Browser, other_node: Site) -> Path:
    """A backup, from which one sign-out is missing."""
    gone = site.member("gone@example.org")
    pocket = gone.pocket()
    copy = backings.back_up(site.folder)
    until(lambda: other_node.thief(pocket).is_signed_in())
    gone.sign_out()
    for node in (site, other_node):
        until(lambda: node.browser().api(pocket[ACCESS]).status_code == 401)  # noqa: B023
    (copy / "pocket.json").write_text(json.dumps(pocket))
    return copy


@pytest.fixture
def lost(older: Path) -> Pocket:
    """The tokens whose sign-out the backup lacks."""
    found: Pocket = json.loads((older / "pocket.json").read_text())
    return found


def put_back(older: Path, site: Site, *nodes: Site) -> None:
    backings.put_back(older, site.folder)
    for node in (site, *nodes):
        until(lambda: LOST in readiness(node))  # noqa: B023


@pytest.fixture
def cut(site: Site, other_node: Site, older: Path, caplog: pytest.LogCaptureFixture) -> Path:
    """The older copy stands in the place of the log, and both nodes have seen it."""
    caplog.set_level(logging.INFO, "signed_out.security")
    put_back(older, site, other_node)
    return older


@pytest.fixture
def later(cut: Path, site: Site) -> Iterator[Site]:
    """A node that starts only then."""
    assert cut
    opened = Site(site.folder)
    yield opened
    opened.close()


@pytest.mark.stores("nodes")
@pytest.mark.usefixtures("cut")
def test_no_node_accepts_a_session_that_only_the_older_copy_takes_for_live(
    site: Site, other_node: Site, later: Site, lost: Pocket, ada: Browser
) -> None:
    for node in (site, other_node, later):
        for pocket in (lost, ada.pocket()):
            assert node.browser().api(pocket[ACCESS]).status_code == 503
            for only in (None, ACCESS, REFRESH):
                assert node.thief(pocket, only).get("/account").status_code == 503


@pytest.mark.stores("a race")
def test_no_node_accepts_a_live_session_of_the_older_copy_before_the_cut_is_noticed(
    site: Site, other_node: Site, older: Path, lost: Pocket
) -> None:
    backings.put_back(older, site.folder)
    while LOST not in readiness(site):
        for node in (site, other_node):
            assert node.browser().api(lost[ACCESS]).status_code in (401, 503)
            assert node.thief(lost, ACCESS).get("/account").status_code in (303, 503)
    until(lambda: other_node.browser().api(lost[ACCESS]).status_code == 503)


@pytest.mark.usefixtures("cut")
def test_no_user_signs_in_up_or_out_and_nothing_is_said_of_any_token(
    site: Site, other_node: Site, later: Site, ada: Browser
) -> None:
    pocket = ada.pocket()
    for node in (site, other_node, later):
        assert node.browser().sign_in().status_code == 503
        assert node.browser().sign_up("new@example.org").status_code == 503
        assert node.thief(pocket).get("/live?session=any&at=/").status_code == 503
        assert node.thief(pocket).post("/confirm", password=PASSWORD).status_code == 503
        left = node.thief(pocket).sign_out()
        assert left.status_code == 503
        assert "Clear-Site-Data" not in left.headers
        for path in ("/log/checkpoint", "/log/tile/0/000.p/1", "/status-lists/0", "/lab/revoked"):
            assert node.browser().get(path).status_code == 503, path


def test_a_user_who_joined_after_the_backup_is_told_neither_that_it_is_over_nor_that_the_password_is_wrong(
    site: Site, other_node: Site, ada: Browser
) -> None:
    assert ada.is_signed_in()
    older = backings.back_up(site.folder)
    until(lambda: readiness(site) == "ready")
    bob = site.member("bob@example.org")
    pocket = bob.pocket()
    put_back(older, site, other_node)
    for node in (site, other_node):
        for only in (None, ACCESS, REFRESH):
            assert node.thief(pocket, only).get("/account").status_code == 503
            assert node.thief(pocket, only).get("/live?session=any&at=/").status_code == 503
            assert node.thief(pocket, only).sign_out().status_code == 503
        assert node.browser().sign_in("bob@example.org").status_code == 503
        assert node.browser().sign_in("bob@example.org", password="wrong").status_code == 503
        assert node.browser().sign_up("bob@example.org").status_code == 503


def test_what_an_app_was_given_after_the_backup_is_not_called_wrong(site: Site, other_node: Site, ada: Browser) -> None:
    known, older = register_app(site, "Known"), backings.back_up(site.folder)
    given = {app.id: Flow(app) for app in (known, register_app(site, "New"))}
    codes = {id_: flow.allow(ada) for id_, flow in given.items()}
    tokens = {id_: flow.connect(ada) for id_, flow in given.items()}
    put_back(older, site, other_node)
    for id_, flow in given.items():
        for asked in (
            flow.exchange(codes[id_]),
            flow.app.refresh(tokens[id_]["refresh_token"]),
            flow.app.revoke(tokens[id_]["refresh_token"]),
            flow.app.post("/oauth/introspect", token=tokens[id_]["access_token"]),
        ):
            assert asked.status_code == 503, asked.text
            assert asked.get_json() == {"error": "temporarily_unavailable"}
            assert int(asked.headers["Retry-After"]) > 0


@pytest.mark.usefixtures("cut")
def test_it_says_so_to_people_and_to_the_operator_once(
    site: Site, other_node: Site, later: Site, ada: Browser, caplog: pytest.LogCaptureFixture
) -> None:
    for node in (site, other_node, later):
        assert node.browser().get("/healthz").status_code == 200
        assert node.browser().get("/").status_code == 200, "a visitor without a session needs no log"
        assert node.browser().get("/lab").status_code == 200
        assert node.browser().get("/readyz").status_code == 503
        assert "flask log restore" in readiness(node)
        page = node.thief(ada.pocket()).get("/account").text
        assert "An older copy of its database was put back" in page
        assert "No session that was signed out can be used" in page
    assert len(events(caplog)) == 1
    assert marks(site) == 1


@pytest.mark.stores("nodes")
@pytest.mark.usefixtures("cut")
def test_restore_begins_another_epoch_in_which_every_user_signs_in_again(
    site: Site, other_node: Site, later: Site, lost: Pocket, ada: Browser
) -> None:
    assert LOST in site.run("log", "verify").output
    done = later.run("log", "restore", "--yes")
    assert done.exit_code == 0, done.output
    nodes = (site, other_node, later)
    for node in nodes:
        until(lambda: readiness(node) == "ready")  # noqa: B023
        for pocket in (lost, ada.pocket()):
            assert node.browser().api(pocket[ACCESS]).status_code == 401
            for only in (None, ACCESS, REFRESH):
                assert not node.thief(pocket, only).is_signed_in()
        again = node.browser()
        again.sign_in()
        assert again.is_signed_in()
    assert site.run("log", "verify").exit_code == 0


@pytest.mark.stores("triggers")
@pytest.mark.usefixtures("cut")
def test_the_database_takes_no_entry_and_keeps_the_mark_until_then(site: Site) -> None:
    for crime in ("size = size + 1", "cut_from = NULL", "cut_from = 0"):
        with backings.shell(site.folder) as raw, pytest.raises(Exception, match="only grows"):
            raw.execute(f"UPDATE log_head SET {crime}")


@pytest.mark.usefixtures("cut")
def test_nothing_is_appended_to_it_by_any_way(site: Site, later: Site) -> None:
    before = site.query("SELECT size, epoch FROM log_head")
    for node in (site, later):
        with node.app.app_context(), pytest.raises(LogCut), writing():
            log.revoke(Scope.SESSION, "s1", until=10**10, reason="why")
    assert site.query("SELECT size, epoch FROM log_head") == before


def test_a_mark_that_lies_in_the_backup_counts(site: Site, cut: Path) -> None:
    marked = backings.back_up(site.folder)
    site.run("log", "restore", "--yes")
    until(lambda: readiness(site) == "ready")
    assert cut
    put_back(marked, site)
    fresh = Site(site.folder)
    assert LOST in readiness(fresh)
    fresh.close()


@pytest.mark.stores("nodes")
def test_an_older_copy_that_has_grown_beyond_is_no_continuation(
    site: Site, other_node: Site, older: Path, lost: Pocket
) -> None:
    elsewhere = Site(older)
    for number in range(5):
        elsewhere.member(f"person{number}@example.org")
    elsewhere.close()
    [(size,)] = site.query("SELECT size FROM log_head")
    put_back(older, site, other_node)
    assert site.query("SELECT size FROM log_head") > [(size,)]
    assert site.browser().api(lost[ACCESS]).status_code == 503
    assert marks(site) == 1


def forbid_marks(folder: Path) -> None:
    with backings.shell(folder) as raw:
        if not backings.settings(folder):
            raw.execute(
                "CREATE TRIGGER no_mark BEFORE UPDATE OF cut_from ON log_head BEGIN SELECT RAISE(ABORT, 'no'); END"
            )
        else:
            raw.execute(
                "CREATE TRIGGER no_mark BEFORE UPDATE OF cut_from ON log_head"
                " FOR EACH STATEMENT EXECUTE FUNCTION log_refuse('no')"
            )


@pytest.mark.stores("triggers")
def test_where_the_mark_cannot_be_written_the_process_itself_refuses_and_tries_on(
    site: Site, older: Path, lost: Pocket, ada: Browser, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "signed_out.security")
    forbid_marks(older)
    put_back(older, site)
    until(lambda: "cannot be marked as cut" in caplog.text)
    for _ in range(3):
        assert site.browser().api(lost[ACCESS]).status_code == 503
        assert site.thief(ada.pocket(), REFRESH).get("/account").status_code == 503
        assert site.browser().sign_in().status_code == 503
    assert marks(site) == 0
    with backings.shell(site.folder) as raw:
        raw.execute("DROP TRIGGER no_mark" + (" ON log_head" if backings.settings(site.folder) else ""))
    until(lambda: readiness(site) and marks(site))
    assert 1 <= len(events(caplog)) <= 2, "two nodes may have seen it, and neither could tell the other"


def test_the_log_that_was_there_before_is_taken_up_again(site: Site, older: Path, ada: Browser) -> None:
    """The wrong backup was put back, and then the right one: nothing is lost."""
    whole = backings.back_up(site.folder)
    put_back(older, site)
    backings.put_back(whole, site.folder)
    until(lambda: readiness(site) == "ready")
    assert ada.is_signed_in()


def test_a_log_with_fewer_entries_than_were_signed_is_refused_by_a_process_that_knows_nothing_else(
    site: Site, ada: Browser
) -> None:
    site.browser().get("/log/checkpoint")
    site.close()
    with backings.shell(site.folder) as raw:
        backings.drop_triggers(raw)
        raw.execute("UPDATE log_head SET size = size - 1")
    fresh = Site(site.folder)
    until(lambda: LOST in readiness(fresh))
    assert fresh.thief(ada.pocket()).get("/account").status_code == 503
    fresh.close()


def test_a_log_without_its_head_decides_nothing(site: Site, ada: Browser) -> None:
    with backings.shell(site.folder) as raw:
        backings.drop_triggers(raw)
        raw.execute("DELETE FROM log_head")
    until(lambda: LOST in readiness(site))
    assert ada.get("/account").status_code == 503
    assert site.browser().sign_in().status_code == 503


def test_restore_begins_another_epoch_though_there_is_no_account(site: Site) -> None:
    before = site.query("SELECT epoch FROM log_head")
    assert site.run("log", "restore", "--yes").exit_code == 0
    assert site.query("SELECT epoch FROM log_head") != before


def forget_memory(site: Site) -> None:
    """What a node keeps while its lease runs is gone, as after a lost connection; it reads no more."""
    delivery = site.app.extensions["delivery"]
    delivery.close()


@pytest.mark.nodes
def test_a_node_whose_lease_is_over_still_knows_how_long_the_log_was(
    site: Site, older: Path, lost: Pocket, ada: Browser
) -> None:
    forget_memory(site)
    forbid_marks(older)  # so that the other node does not tell it
    backings.put_back(older, site.folder)
    assert site.browser().api(lost[ACCESS]).status_code == 503
    assert site.thief(ada.pocket(), REFRESH).get("/account").status_code == 503
    assert site.browser().sign_in().status_code == 503


@pytest.mark.nodes
def test_a_reader_that_begins_again_still_knows_how_long_the_log_was(site: Site, older: Path, lost: Pocket) -> None:
    node: Node = site.app.extensions["delivery"]
    forbid_marks(older)
    backings.put_back(older, site.folder)
    node._pid = 0  # as it looks to a child after a fork
    node.start()
    until(lambda: LOST in readiness(site))
    assert site.browser().api(lost[ACCESS]).status_code == 503


@pytest.mark.sqlite
def test_a_backup_written_over_the_file_itself_is_seen_too(site: Site, older: Path, lost: Pocket) -> None:
    backings.write_over(older, site.folder)
    assert site.browser().api(lost[ACCESS]).status_code == 503
    assert LOST in readiness(site)
