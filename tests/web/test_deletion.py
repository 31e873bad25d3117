"""An account is deleted: at once, everywhere, and nothing is left that says whose it was."""

import json
import logging
from collections.abc import Iterator
from functools import partial

import jwt
import pytest
from sqlalchemy import text

from app.identity import demo, erasure, users
from app.identity.status_list import Status
from app.store.db import Model, db
from tests.browsers import ACCESS, PASSWORD, RECEIPT, REFRESH, Browser, Site, form
from tests.oauth.logout.conftest import Party, party
from tests.oauth.logout.sink import Sink
from tests.oauth.test_status_list import Verifier
from tests.web.own_data import (
    AGENT,
    EMAIL,
    HOME,
    LAPTOP,
    NAME,
    TRAIN,
    Life,
    at_once,
    confirmation,
    delete,
    find,
)
from tests.web.test_idempotency import Killed
from tests.web.test_killed import killed_after

DAY = 24 * 60 * 60
PERSON = (EMAIL, NAME, HOME, TRAIN, LAPTOP, AGENT)
LOG = {("log_entries", "subject"), ("log_entries", "actor")}
ACCOUNTS = "SELECT email FROM users ORDER BY email"


@pytest.fixture
def app(site: Site) -> Iterator[Party]:
    sink = Sink()
    yield party(site, "Mail", sink)
    sink.down()


@pytest.fixture
def ada(site: Site, app: Party) -> Life:
    return Life.of(site, app)


def test_what_is_left_is_random_ids_in_the_log_and_in_messages_that_are_under_way(
    site: Site, app: Party, ada: Life
) -> None:
    known = find(site, ada.id, *ada.sids)
    personal = {table.name for table in erasure.tables()} | {"users"}
    assert {table for table, _ in known} == personal | {"log_entries"}, "this life has a row in each of them"
    assert find(site, *PERSON) == {
        ("users", "email"),
        ("users", "mailbox"),
        ("users", "name"),
        ("sessions", "name"),
        ("sessions", "address"),
        ("sessions", "user_agent"),
        ("activity", "address"),
        ("activity", "user_agent"),
        ("known_places", "place"),
        ("links", "address"),
    }
    assert delete(ada.laptop).location == "/signed-out"
    assert find(site, *PERSON) == set()
    assert find(site, ada.id) == {("log_entries", "subject")}
    assert find(site, *ada.sids) == LOG | {("logout_messages", "session_id")}
    app.told()
    site.wait(31 * DAY)
    site.run("purge")
    assert find(site, ada.id, *ada.sids) == LOG


def test_a_table_that_holds_rows_of_a_person_is_found_by_its_columns() -> None:
    nobodys = {
        "log_head": "how long the log is",
        "log_entries": "random ids, for ever",
        "log_leaves": "hashes",
        "log_tiles": "hashes",
        "log_checkpoints": "signed heads",
        "nodes": "processes",
        "signing_keys": "keys of the site",
        "clients": "apps, which the operator registers",
        "forms_sent": "sealed, under a hash, for a minute",
        "pushed_requests": "sealed by an app's request, under its hash, for half an hour",
        "spent_challenges": "hashes of random bytes, for minutes",
        "receipts": "for ten minutes, under a random id that names no one",
        "lab_log_head": "how long the lab's log is",
        "lab_log": "ends of the lab's own runs",
        "lab_rooms": "a teacher's room, by the lab's own cookie",
        "lab_visitors": "a visitor of the lab, by its own cookie, whom no account is known of",
        "users": "the account itself",
    }
    every = set(Model.metadata.tables)
    assert {table.name for table in erasure.tables()} == every - nobodys.keys()


def test_everyone_is_out_before_the_page_appears_and_apps_are_told(
    site: Site, other_node: Site, app: Party, ada: Life
) -> None:
    copied, phone = ada.laptop.pocket(), ada.phone.pocket()
    access = ada.laptop.cookie("__Host-Http-access") or ""
    app.told()
    app.sink.received.clear()
    delete(ada.laptop)
    for node in (site, other_node):
        assert not node.thief(copied).is_signed_in()
        assert not node.thief(phone).is_signed_in()
        assert node.browser().api(access).status_code == 401
        for grant in (ada.app, ada.lasting):
            assert node.browser().api(grant.access).status_code == 401
    for grant in (ada.app, ada.lasting):
        assert app.app.refresh(grant.refresh).get_json()["error"] == "invalid_grant"
        assert app.app.post("/oauth/introspect", token=grant.access).get_json() == {"active": False}
        assert app.app.revoke(grant.refresh).status_code == 200
        headers = {"Authorization": f"Bearer {grant.access}"}
        assert site.app.test_client().get("/oauth/userinfo", headers=headers).status_code == 401
    tokens = [jwt.decode(one.token, options={"verify_signature": False}) for one in app.told()]
    assert {token["sid"] for token in tokens} == {ada.app.sid, ada.lasting.sid}
    assert ada.id not in json.dumps(tokens)


def test_a_verifier_that_reads_only_the_published_list_refuses_what_the_account_gave(
    site: Site, app: Party, ada: Life
) -> None:
    """The list finds the sessions of a cut-off by their rows, which are deleted."""
    verifier, other = Verifier(site), site.member("eve@example.org")
    tokens = [ada.app.access, ada.lasting.access, ada.phone.pocket()[ACCESS]]
    assert {verifier.status(token) for token in tokens} == {Status.VALID}
    delete(ada.laptop)
    assert {verifier.status(token) for token in tokens} == {Status.INVALID}
    assert verifier.status(other.pocket()[ACCESS]) == Status.VALID
    assert len(app.told()) == len({one.token for one in app.told()}), "no app is told twice"


class TestOfAnAccountWithManyTokens:
    """Its hashes are more than one transaction may delete, so they wait for the purge. Nothing else does."""

    @pytest.fixture(autouse=True)
    def _few_at_once(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(erasure, "AT_ONCE", 1)

    @pytest.mark.stores("what is deleted, and in which order")
    def test_nothing_is_left_but_hashes_and_random_ids_and_then_nothing(
        self, site: Site, other_node: Site, app: Party, ada: Life
    ) -> None:
        pockets = ada.laptop.pocket(), ada.phone.pocket()
        assert delete(ada.laptop).location == "/signed-out"
        assert find(site, *PERSON) == set()
        remains = {("users", "id"), ("users", "email"), ("users", "mailbox"), ("sessions", "user_id")}
        assert find(site, ada.id) == {("log_entries", "subject"), *remains}
        assert len(site.query("SELECT 1 FROM refresh_tokens")) > erasure.AT_ONCE
        for node in (site, other_node):
            for pocket in pockets:
                assert not node.thief(pocket).is_signed_in()
                assert not node.thief(pocket, REFRESH).is_signed_in()
        assert app.app.refresh(ada.lasting.refresh).get_json()["error"] == "invalid_grant"
        app.told()
        site.run("purge")
        assert find(site, ada.id) == {("log_entries", "subject")}
        assert (
            site.query("SELECT count(*) FROM refresh_tokens") == site.query("SELECT count(*) FROM sessions") == [(0,)]
        )
        assert site.query(ACCOUNTS) == []

    @pytest.mark.page
    def test_a_stranger_neither_finds_it_nor_gets_into_it(self, site: Site, ada: Life) -> None:
        root = site.member("root@example.org")
        site.run("users", "admin", "root@example.org")
        delete(ada.laptop)
        [(remains,)] = site.query("SELECT email FROM users WHERE deleted_at IS NOT NULL")
        for typed in ("", ada.id, remains, "deleted"):
            assert f"/admin/people/{ada.id}" not in root.get(f"/admin?q={typed}").text
        assert root.get(f"/admin/people/{ada.id}").status_code == 404
        assert "There is no account with this address" in site.run("users", "enable", remains).output
        for email in (EMAIL, remains):
            for password in (PASSWORD, ""):
                assert site.browser().sign_in(email, password).status_code == 422
        again = site.browser()
        assert again.sign_up(EMAIL, name="Ada again").status_code == 303
        assert len(again.sessions()) == 1

    @pytest.mark.page
    def test_dead_cookies_read_nothing_and_can_sign_out(self, site: Site, ada: Life) -> None:
        test_dead_cookies_of_a_deleted_account_read_nothing_and_can_sign_out(site, ada)

    @pytest.mark.stores("races")
    def test_what_is_under_way_begins_nothing_and_leaves_no_trace(
        self, site: Site, other_node: Site, ada: Life, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        delete_after_the_check(ada, monkeypatch)
        tablet = other_node.browser(address=TRAIN)
        assert tablet.sign_in(EMAIL).status_code in (422, 503)
        assert not tablet.is_signed_in()
        assert find(site, *PERSON) == set()

    @pytest.mark.page
    def test_an_account_that_another_browser_uses_at_the_same_time_is_over_all_the_same(
        self, site: Site, ada: Life
    ) -> None:
        sent = confirmation(ada.phone)
        delete(ada.laptop)
        assert ada.phone.post("/confirm", **sent).location == "/sign-in?next=/"
        assert ada.phone.post("/account/name", name=NAME).status_code == 303
        assert find(site, *PERSON) == set()


@pytest.mark.page
def test_the_receipt_says_what_ended_and_has_a_proof_that_anyone_can_check(site: Site, ada: Life) -> None:
    shown = ada.laptop.get(delete(ada.laptop).location).text
    assert "Your account is deleted" in shown
    assert "All 2 of your sessions ended together" in shown
    assert NAME not in shown
    assert LAPTOP not in shown
    assert ada.laptop.get("/signed-out.tlog-proof").status_code == 200


@pytest.mark.page
def test_the_operator_reads_of_it_in_one_line_without_a_name(ada: Life, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, "signed_out.security"):
        delete(ada.laptop)
    assert [json.loads(line)["event"] for line in caplog.messages].count("account_deleted") == 1
    assert not any(secret in line for line in caplog.messages for secret in (EMAIL, NAME))


@pytest.mark.page
def test_copied_cookies_delete_nothing_however_fresh_the_proof_in_them_is(site: Site, ada: Life) -> None:
    ada.laptop.post("/confirm", **form(ada.laptop, "/confirm", password=PASSWORD, next="/devices"))
    thief = site.thief(ada.laptop.pocket())
    assert thief.get("/account/export").status_code == 200, "the copied proof is fresh"
    assert delete(thief, "not the password").status_code == 422
    assert thief.post("/account/delete").location == "/confirm?action=delete"
    assert thief.post("/confirm", action="delete").status_code == 422
    assert site.query(ACCOUNTS) == [(EMAIL,)]


@pytest.mark.page
def test_another_site_deletes_nothing(site: Site, ada: Life) -> None:
    evil = {"Origin": "https://evil.example", "Sec-Fetch-Site": "cross-site"}
    for path in ("/account/delete", "/confirm"):
        assert ada.laptop.post(path, evil, action="delete", password=PASSWORD).status_code == 403
    assert site.query(ACCOUNTS) == [(EMAIL,)]


@pytest.mark.page
def test_an_id_beside_the_act_is_refused_so_no_user_deletes_another_account(site: Site, ada: Life) -> None:
    eve = site.member("eve@example.org")
    for action in (f"delete:{ada.id}", "delete:", f"admin:delete:{ada.id}:"):
        answer = eve.post("/confirm", **form(eve, "/confirm", action=action, password=PASSWORD))
        assert answer.status_code in (400, 404), action
    assert site.query(ACCOUNTS) == [(EMAIL,), ("eve@example.org",)]


@pytest.mark.page
def test_a_second_tab_that_deletes_too_is_led_to_the_sign_in(site: Site, ada: Life) -> None:
    first, second = confirmation(ada.laptop), confirmation(ada.laptop)
    tab = site.thief(ada.laptop.pocket())
    assert ada.laptop.post("/confirm", **first).location == "/signed-out"
    answer = tab.post("/confirm", **second)
    assert (answer.status_code, answer.location) == (303, "/sign-in?next=/")
    assert len(site.query("SELECT 1 FROM log_entries WHERE reason = 'account_deleted' AND scope = 'user'")) == 1


@pytest.mark.stores("a race")
def test_two_tabs_at_once_delete_once_and_neither_breaks(site: Site, ada: Life) -> None:
    tabs = [ada.laptop, site.thief(ada.phone.pocket())]
    sent = [confirmation(tab) for tab in tabs]
    answers: list[int] = []

    def press(tab: Browser, fields: dict[str, str]) -> None:
        answers.append(tab.post("/confirm", **fields).status_code)

    at_once(*(partial(press, *each) for each in zip(tabs, sent, strict=True)))
    assert set(answers) <= {303, 503}
    assert site.query(ACCOUNTS) == []
    assert len(site.query("SELECT 1 FROM log_entries WHERE reason = 'account_deleted' AND scope = 'user'")) == 1


@pytest.mark.page
def test_the_same_form_sent_again_gets_the_same_answer(site: Site, ada: Life) -> None:
    sent = confirmation(ada.laptop)
    first = ada.laptop.post("/confirm", **sent)
    receipt = ada.laptop.cookie(RECEIPT)
    again = ada.laptop.post("/confirm", **sent)
    assert (again.status_code, again.location) == (first.status_code, first.location)
    assert ada.laptop.cookie(RECEIPT) == receipt


@pytest.mark.stores("durability")
def test_a_process_that_is_killed_half_way_leaves_all_or_nothing(site: Site, ada: Life) -> None:
    sent = confirmation(ada.laptop)
    states = []
    for commits in range(1, 9):
        with killed_after(commits):
            try:
                ada.laptop.post("/confirm", **sent)
            except Killed:
                states.append((find(site, ada.id) == {("log_entries", "subject")}, ada.phone.is_signed_in()))
        if not site.query(ACCOUNTS):
            break
        sent = confirmation(ada.laptop)
    assert set(states[:-1]) <= {(False, True)}
    assert states[-1] == (True, False)


@pytest.mark.page
def test_the_last_administrator_stays_until_there_is_another_one(site: Site) -> None:
    root, other = site.member("root@example.org"), site.member("other@example.org")
    site.run("users", "admin", "root@example.org")
    assert "You are the only administrator" in root.get("/account/data").text
    root.post("/account/delete")
    answer = root.post("/confirm", **form(root, "/confirm?action=delete", action="delete", password=PASSWORD))
    assert answer.location == "/account/data"
    assert root.is_signed_in()
    site.run("users", "admin", "other@example.org")
    site.run("users", "disable", "other@example.org")
    assert "You are the only administrator" in root.get("/account/data").text, "the other one's account is closed"
    site.run("users", "enable", "other@example.org")
    assert delete(root).location == "/signed-out"
    other.sign_in("other@example.org")
    assert "You are the only administrator" in other.get("/account/data").text


@pytest.mark.stores("a race")
def test_one_of_two_administrators_who_delete_at_once_stays(site: Site) -> None:
    emails = ("root@example.org", "other@example.org")
    people = [site.member(email) for email in emails]
    for email in emails:
        site.run("users", "admin", email)
    sent = [confirmation(person) for person in people]
    at_once(*(partial(who.post, "/confirm", **one) for who, one in zip(people, sent, strict=True)))
    assert len(site.query(ACCOUNTS)) == 1


@pytest.mark.page
def test_a_demo_account_stays_for_the_others(site: Site) -> None:
    site.run("users", "seed")
    guest = site.browser()
    email = next(iter(demo.ACCOUNTS))
    guest.sign_in(email, demo.PASSWORD)
    assert "This is a demo account" in guest.get("/account/data").text
    answer = guest.post("/confirm", **form(guest, "/confirm", action="delete", password=demo.PASSWORD))
    assert answer.location == "/account/data"
    assert guest.is_signed_in()


def test_a_user_who_signs_up_again_with_the_address_has_another_account(site: Site, app: Party, ada: Life) -> None:
    copied = ada.laptop.pocket()
    delete(ada.laptop)
    again = site.browser()
    assert again.sign_up(EMAIL, name="Ada again").status_code == 303
    [(user_id,)] = site.query("SELECT id FROM users")
    assert user_id != ada.id
    assert not site.thief(copied).is_signed_in()
    assert site.browser().api(ada.lasting.access).status_code == 401
    assert app.app.refresh(ada.lasting.refresh).status_code == 400
    assert len(again.sessions()) == 1, "it begins with no history"
    assert LAPTOP not in again.get("/devices").text
    assert "You have allowed no app" in again.get("/account").text


@pytest.mark.page
def test_dead_cookies_of_a_deleted_account_read_nothing_and_can_sign_out(site: Site, ada: Life) -> None:
    copied = ada.phone.pocket()
    delete(ada.laptop)
    old = site.thief(copied)
    assert "You were signed out" not in old.get("/sign-in").text
    assert old.get("/devices").status_code == 303
    assert old.sign_out().status_code == 303
    assert NAME not in old.get("/signed-out").text


def delete_after_the_check(ada: Life, monkeypatch: pytest.MonkeyPatch) -> None:
    """Have the account deleted when the password of the next sign-in has been checked, and nothing is locked yet."""
    check = users.verify

    def slow(account: str, password: str) -> users.User | None:
        monkeypatch.setattr(users, "verify", check)
        found = check(account, password)
        delete(ada.laptop)
        return found

    monkeypatch.setattr(users, "verify", slow)


@pytest.mark.stores("a race")
def test_a_sign_in_that_is_under_way_begins_nothing(
    site: Site, other_node: Site, ada: Life, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As on an older node, which has checked the password when a newer one deletes the account."""
    delete_after_the_check(ada, monkeypatch)
    tablet = other_node.browser()
    assert tablet.sign_in(EMAIL).status_code == 503
    assert not tablet.is_signed_in()
    assert site.query("SELECT 1 FROM sessions") == []
    assert find(site, *PERSON) == set()


@pytest.mark.stores("a race")
def test_a_wrong_password_that_is_under_way_leaves_no_trace_of_the_person(
    site: Site, other_node: Site, ada: Life, monkeypatch: pytest.MonkeyPatch
) -> None:
    delete_after_the_check(ada, monkeypatch)
    assert other_node.browser(address=TRAIN).sign_in(EMAIL, "not the password").status_code == 422
    assert find(site, ada.id) == {("log_entries", "subject")}


@pytest.mark.page
def test_what_an_older_node_still_notes_of_it_is_forgotten_by_the_next_purge(site: Site, ada: Life) -> None:
    delete(ada.laptop)
    with site.app.app_context(), db.engine.begin() as raw:
        note = "INSERT INTO activity (user_id, event, at, address) SELECT :id, 'sign_in_failed', max(at), :at FROM log_entries"
        raw.execute(text(note), {"id": ada.id, "at": HOME})
    assert find(site, HOME) == {("activity", "address")}
    assert "events of deleted accounts: 1 forgotten" in site.run("purge").output
    assert find(site, HOME) == set()


@pytest.mark.page
def test_the_operator_deletes_an_account_at_its_owners_request(site: Site, ada: Life) -> None:
    assert "Delete this account for good?" in site.run("users", "delete", EMAIL, typed="n\n").output
    assert site.query(ACCOUNTS) == [(EMAIL,)]
    assert "Deleted; 2 sessions ended." in site.run("users", "delete", EMAIL, "--yes").output
    assert not ada.laptop.is_signed_in()
    assert find(site, *PERSON) == set()


@pytest.mark.page
def test_others_notice_nothing(site: Site, ada: Life) -> None:
    eve: Browser = site.member("eve@example.org")
    before = eve.get("/account/export").get_json()
    delete(ada.laptop)
    assert eve.is_signed_in()
    after = eve.get("/account/export").get_json()
    assert [after[part] for part in ("account", "sessions", "consents")] == [
        before[part] for part in ("account", "sessions", "consents")
    ]
