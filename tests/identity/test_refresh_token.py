"""Refresh tokens: single use, a short grace for the last one, and theft that shows."""

import json
import threading

import pytest
from sqlalchemy import event

from app.config import DAY
from app.crypto import seal
from app.identity import first_use
from app.store.db import db
from tests import backings
from tests.browsers import ACCESS, REFRESH, Browser, Pocket, Site


@pytest.fixture
def ada(site: Site) -> Browser:
    ada = site.member()
    ada.sign_in(keep="y")
    return ada


def refresh(browser: Browser) -> Pocket:
    """Visit without an access token, so that the refresh token is exchanged."""
    browser.forget(ACCESS)
    browser.get("/account")
    return browser.pocket()


def why_ended(browser: Browser) -> str:
    browser.sign_in()
    ended = [line for line in browser.sessions() if line["ended_at"]]
    return str(ended[0]["reason"])


@pytest.mark.question("A2")
def test_a_page_is_answered_and_the_tokens_renewed_in_one_request_by_any_method(ada: Browser) -> None:
    before = ada.pocket()
    sid = ada.session()["sid"]
    ada.forget(ACCESS)
    assert ada.post(f"/devices/{sid}/name", name="Desk").status_code == 303
    after = ada.pocket()
    assert set(after) == {ACCESS, REFRESH}
    assert after[REFRESH] != before[REFRESH]
    assert ada.session()["name"] == "Desk"


def test_rt_03_the_immediate_predecessor_gets_the_same_successor_within_the_grace(site: Site, ada: Browser) -> None:
    before = ada.pocket()
    after = refresh(ada)
    other_tab = site.thief(before, REFRESH)
    assert other_tab.is_signed_in()
    assert other_tab.pocket()[REFRESH] == after[REFRESH]
    assert ada.is_signed_in()


@pytest.mark.question("A4")
def test_rt_02_after_the_grace_a_stolen_token_ends_that_session_and_no_other(site: Site, ada: Browser) -> None:
    phone = site.browser("Chrome on Android")
    phone.sign_in()
    before = ada.pocket()
    refresh(ada)
    assert ada.is_signed_in()
    site.wait(11)
    assert not site.thief(before, REFRESH).is_signed_in()
    assert not ada.is_signed_in()
    assert phone.is_signed_in()
    assert why_ended(ada) == "reuse"


def test_an_older_one_is_reuse_even_within_the_grace(site: Site, ada: Browser) -> None:
    oldest = ada.pocket()
    refresh(ada)
    refresh(ada)
    assert not site.thief(oldest, REFRESH).is_signed_in()
    assert not ada.is_signed_in()
    assert why_ended(ada) == "reuse"


def test_a_lost_answer_signs_no_user_out_however_long_the_browser_could_not_ask_again(site: Site, ada: Browser) -> None:
    successor = refresh(site.thief(ada.pocket(), REFRESH))[REFRESH]  # no browser comes back with it
    site.wait(DAY)
    assert refresh(ada)[REFRESH] == successor
    assert ada.is_signed_in()


@pytest.mark.stores("an outage")
def test_a_rotation_whose_answer_was_lost_while_the_store_went_away_signs_no_user_out(site: Site, ada: Browser) -> None:
    refresh(site.thief(ada.pocket(), REFRESH))
    (site.folder / "store-is-down").touch()
    ada.forget(ACCESS)
    assert ada.get("/account").status_code == 503
    site.wait(60)
    (site.folder / "store-is-down").unlink()
    for _ in range(3):
        assert ada.is_signed_in()
        site.wait(301)


def test_a_lost_answer_is_given_again_as_long_as_the_session_is_not_idle_and_no_longer(
    site: Site, ada: Browser
) -> None:
    refresh(site.thief(ada.pocket(), REFRESH))
    site.wait(14 * DAY)
    ada.forget(ACCESS)
    assert not ada.is_signed_in()


@pytest.mark.parametrize("path", ["/account", "/live", "/api/me"])
@pytest.mark.parametrize("given", ["first", "again"])
def test_a_thief_that_refreshes_once_and_then_sends_the_access_token_alone_is_found_when_the_owner_returns(
    site: Site, ada: Browser, path: str, given: str
) -> None:
    """Whichever of the access tokens that were issued for that link is used."""
    thieves = [site.thief(ada.pocket(), REFRESH) for _ in range(2)]
    pockets = dict(zip(("first", "again"), map(refresh, thieves), strict=True))
    access = {ACCESS: pockets[given][ACCESS]}
    answer = site.thief(access).api(access[ACCESS]) if path == "/api/me" else site.thief(access).get(path)
    assert answer.status_code in (200, 409)
    site.wait(10)
    assert site.thief(ada.pocket(), REFRESH).is_signed_in(), "the grace counts from the first use"
    site.wait(1)
    ada.forget(ACCESS)
    assert not ada.is_signed_in()
    assert not site.thief(access).is_signed_in()
    assert why_ended(ada) == "reuse"


def test_the_first_use_counts_and_later_ones_put_nothing_off(site: Site, ada: Browser) -> None:
    before = ada.pocket()
    refresh(ada)
    for _ in range(4):
        assert ada.is_signed_in()
        site.wait(3)
    assert not site.thief(before, REFRESH).is_signed_in()


def test_an_open_page_that_asks_with_the_refresh_token_alone_has_received_it(site: Site, ada: Browser) -> None:
    before = ada.pocket()
    refresh(ada)
    ada.forget(ACCESS)
    assert ada.get("/live").status_code == 409
    site.wait(11)
    assert not site.thief(before, REFRESH).is_signed_in()


@pytest.mark.sqlite
def test_while_the_first_use_cannot_be_written_the_predecessor_stays_good(site: Site, ada: Browser) -> None:
    before = ada.pocket()
    after = refresh(ada)
    site.impatient()
    with backings.shell(site.folder) as raw:
        raw.execute("BEGIN IMMEDIATE")
        assert ada.is_signed_in(), "the page is no reason to refuse"
        assert ada.api(after[ACCESS]).status_code == 200
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(first_use, "_write", lambda *_: pytest.fail("it tries again at once, and may wait as long"))
            assert ada.is_signed_in()
        raw.execute("ROLLBACK")
    site.wait(11)
    assert site.thief(before, REFRESH).is_signed_in()
    assert ada.is_signed_in()
    site.wait(11)
    assert not site.thief(before, REFRESH).is_signed_in(), "the next use was written"


@pytest.mark.parametrize("path", ["/account", "/live", "/api/me"])
def test_a_link_whose_use_is_known_costs_no_statement_more(
    site: Site, other_node: Site, ada: Browser, path: str
) -> None:
    refresh(ada)
    access = ada.pocket()[ACCESS]

    def statements(node: Site) -> list[str]:
        said: list[str] = []
        with node.app.app_context():
            engine = db.engine

        def note(_connection: object, _cursor: object, statement: str, *_more: object) -> None:
            said.append(statement)

        event.listen(engine, "before_cursor_execute", note)
        browser = node.thief(ada.pocket())
        browser.api(access) if path == "/api/me" else browser.get(path)
        event.remove(engine, "before_cursor_execute", note)
        return [one for one in said if "refresh_tokens" in one]

    first, *later = [statements(site) for _ in range(3)]
    assert [one.split()[0] for one in first] == ["SELECT", "UPDATE", "SELECT"]
    assert later == [[], []]
    assert [one.split()[0] for one in statements(other_node)] == ["SELECT"], "another process looks once"


def test_an_alarm_names_the_sender_of_the_old_token_and_where_the_session_was_used_last(
    site: Site, ada: Browser, caplog: pytest.LogCaptureFixture
) -> None:
    old = ada.pocket()
    refresh(ada)
    ada.get("/account")
    site.wait(60)
    caplog.clear()
    site.thief(old, REFRESH).get("/account")
    [line] = [json.loads(one) for one in caplog.messages if '"refresh_reused"' in one]
    assert (line["address"], line["last_address"]) == ("203.0.113.66", "127.0.0.1")
    ada.sign_in()
    page = ada.get("/activity").text
    assert "An old refresh token was used again" in page
    assert "203.0.113.66" in page
    assert "Safari on macOS" in page


def test_rt_07_10_a_token_of_an_ended_session_is_refused_without_an_alarm(site: Site, ada: Browser) -> None:
    before = ada.pocket()
    refresh(ada)
    after = ada.pocket()
    ada.sign_out()
    site.wait(60)
    for old in (before, after):
        assert not site.thief(old, REFRESH).is_signed_in()
    events = [row[0] for row in site.query("SELECT event FROM activity")]
    assert "refresh_reused" not in events
    assert "refresh_interrupted" not in events


def test_a_refused_refresh_takes_no_cookie_away(site: Site, ada: Browser) -> None:
    pocket = ada.pocket()
    ada.sign_out()
    late = site.thief(pocket)
    answer = late.get("/account")
    assert answer.status_code == 303
    assert answer.headers.getlist("Set-Cookie") == []
    assert late.pocket() == pocket


@pytest.mark.question("A4")
def test_the_person_is_told_why_the_session_is_over(site: Site, ada: Browser) -> None:
    oldest = ada.pocket()
    refresh(ada)
    refresh(ada)
    site.thief(oldest, REFRESH).get("/account")
    page = ada.get(ada.get("/account").headers["Location"]).text
    assert "an old refresh token was used again" in page


@pytest.mark.question("Q6")
def test_rt_12_the_database_holds_no_token_and_no_way_to_one(site: Site, ada: Browser) -> None:
    pockets = [ada.pocket(), refresh(ada), refresh(ada)]
    tables = [table.name for table in db.metadata.sorted_tables]
    dump = repr([[tuple(row) for row in site.query(f"SELECT * FROM {table}")] for table in tables])
    for pocket in pockets:
        assert pocket[REFRESH] not in dump
        assert pocket[ACCESS] not in dump
        assert repr(seal.digest(pocket[REFRESH])) in dump


def test_the_sealed_successor_is_erased_when_the_successor_is_used(site: Site, ada: Browser) -> None:
    refresh(ada)
    assert site.query("SELECT count(*) FROM refresh_tokens WHERE sealed IS NOT NULL")[0][0] == 1
    refresh(ada)
    assert site.query("SELECT count(*) FROM refresh_tokens WHERE sealed IS NOT NULL")[0][0] == 1


def test_the_sealed_successor_is_kept_until_it_was_used_and_then_erased_after_the_grace(
    site: Site, ada: Browser
) -> None:
    def sealed() -> int:
        found: int = site.query("SELECT count(*) FROM refresh_tokens WHERE sealed IS NOT NULL")[0][0]
        return found

    refresh(ada)
    site.wait(61)
    assert ada.is_signed_in(), "and this is the first use"
    assert sealed() == 1
    site.wait(61)
    assert ada.is_signed_in()
    assert sealed() == 0


def test_rt_08_09_rotation_does_not_extend_the_absolute_time_out(site: Site, ada: Browser) -> None:
    expires = ada.session()["expires_at"]
    site.query("SELECT 1")
    for _ in range(3):
        site.wait(400)
        refresh(ada)
    row = site.query("SELECT expires_at - began_at FROM sessions WHERE keep AND ended_entry IS NULL")
    assert row[0][0] == 30 * 24 * 60 * 60
    assert ada.session()["expires_at"] > expires  # the idle time-out moves with use


@pytest.mark.stores("a race")
def test_rt_03_parallel_requests_with_one_token_get_one_successor(site: Site, other_node: Site, ada: Browser) -> None:
    pocket = ada.pocket()
    found: list[str | None] = []

    def visit(node: Site) -> None:
        tab = node.thief(pocket, REFRESH)
        assert tab.is_signed_in()
        found.append(tab.cookie(REFRESH))

    tabs = [threading.Thread(target=visit, args=(node,)) for node in (site, other_node) * 10]
    for tab in tabs:
        tab.start()
    for tab in tabs:
        tab.join()
    assert len(found) == 20
    assert len(set(found)) == 1
    assert found[0] != pocket[REFRESH]


@pytest.mark.parametrize("junk", ["", "x", "a" * 600, "\u00e9", "a b", "' OR 1=1 --"])
def test_a_malformed_token_signs_no_user_in(site: Site, junk: str) -> None:
    assert not site.thief({REFRESH: junk}).is_signed_in()
    assert not site.thief({ACCESS: junk}).is_signed_in()
