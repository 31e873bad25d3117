"""Any end of a session tells the apps concerned, each of its own session, and no other app."""

import pytest

from app.identity import sessions, users
from app.identity.session import Reason
from app.oauth.logout import messages
from app.store.db import writing
from tests.browsers import PASSWORD, REFRESH, Browser, Site
from tests.oauth.conftest import App, alive
from tests.oauth.flow import Flow
from tests.oauth.logout.conftest import Party


@pytest.fixture
def phone(site: Site, ada: Browser) -> Browser:
    """Another browser of hers."""
    browser = site.browser("Chrome on Android")
    browser.sign_in(keep="y")
    return browser


def test_bcl_05_sign_out_tells_each_app_of_its_own_session_in_that_browser(
    ada: Browser, phone: Browser, mail: Party, notes: Party
) -> None:
    here, _, there = mail.connect(ada), mail.connect(phone), notes.connect(ada)
    notes.connect(phone)
    ada.sign_out()
    assert [one.claims["sid"] for one in mail.told()] == [here.sid]
    assert notes.sink.sids == [there.sid]
    assert here.sid != there.sid


def test_an_app_that_holds_two_sessions_in_one_browser_is_told_of_both(ada: Browser, mail: Party) -> None:
    both = {mail.connect(ada).sid, mail.connect(ada, offline=True).sid}
    assert {mail.connect(ada).sid, mail.connect(ada, offline=True).sid} == both
    ada.sign_out()
    mail.told()
    assert len(mail.sink.sids) == 2
    assert set(mail.sink.sids) == both
    assert len(set(mail.sink.jtis)) == 2


def test_ending_another_browser_tells_the_apps_of_that_one(
    ada: Browser, phone: Browser, mail: Party, notes: Party
) -> None:
    mail.connect(ada)
    notes.connect(ada)
    ended = [mail.connect(phone).sid, notes.connect(phone).sid]
    ada.post(f"/devices/{phone.session()['sid']}/end")
    mail.told()
    assert mail.sink.sids + notes.sink.sids == ended


def test_an_app_that_is_removed_is_still_told(site: Site, ada: Browser, mail: Party, notes: Party) -> None:
    gone = mail.connect(ada)
    notes.connect(ada)
    assert "1" in site.run("clients", "remove", mail.app.id).output
    assert [one.claims["sid"] for one in mail.told()] == [gone.sid]
    assert notes.sink.sids == []


def test_ending_an_app_on_the_devices_page_tells_that_app_alone(ada: Browser, mail: Party, notes: Party) -> None:
    ended = mail.connect(ada)
    notes.connect(ada)
    ada.post(f"/devices/{ended.sid}/end")
    mail.told()
    assert (mail.sink.sids, notes.sink.sids) == ([ended.sid], [])


def test_ending_the_others_tells_what_ended_and_leaves_this_browser_alone(
    ada: Browser, phone: Browser, mail: Party, notes: Party
) -> None:
    mail.connect(ada)
    ended, offline = notes.connect(phone).sid, mail.connect(phone, offline=True).sid
    ada.post("/devices/end-others")
    mail.told()
    assert notes.sink.sids == [ended]
    # Once as its browser is over, and once as its access is: both are so.
    assert mail.sink.sids == [offline, offline]
    assert len(set(mail.sink.jtis)) == 2


def test_signing_out_everywhere_tells_all_of_her_apps_and_no_other(
    site: Site, ada: Browser, phone: Browser, mail: Party, notes: Party
) -> None:
    bob = site.member("bob@example.org", "Safari on macOS")
    mail.connect(bob)
    hers = {mail.connect(ada).sid, mail.connect(phone, offline=True).sid}
    also = notes.connect(phone).sid
    ada.post("/devices/end-all")
    mail.told()
    assert sorted(mail.sink.sids) == sorted(hers)
    assert notes.sink.sids == [also]


def test_a_change_of_password_tells_the_apps_of_every_session_that_it_ends(
    ada: Browser, phone: Browser, mail: Party, notes: Party
) -> None:
    ended = [mail.connect(ada).sid, notes.connect(phone).sid]
    ada.post("/account/password", current=PASSWORD, password="quite other green otters", end_others="y")
    mail.told()
    assert mail.sink.sids + notes.sink.sids == ended


def test_a_stolen_refresh_token_of_the_browser_ends_it_and_tells_its_apps(
    site: Site, ada: Browser, phone: Browser, mail: Party, notes: Party
) -> None:
    ended = [mail.connect(ada).sid, notes.connect(ada).sid]
    mail.connect(phone)
    old = ada.pocket()
    site.wait(301)
    ada.get("/account")
    site.wait(301)
    ada.get("/account")
    site.thief(old, REFRESH).get("/account")
    assert not ada.is_signed_in()
    mail.told()
    assert mail.sink.sids + notes.sink.sids == ended


def test_a_stolen_refresh_token_of_an_app_tells_that_app_alone(
    site: Site, ada: Browser, mail: Party, notes: Party
) -> None:
    grant = mail.connect(ada)
    notes.connect(ada)
    mail.app.refresh(mail.app.refresh(grant.refresh).get_json()["refresh_token"])
    site.wait(30)
    mail.app.refresh(grant.refresh)
    mail.told()
    assert (mail.sink.sids, notes.sink.sids) == ([grant.sid], [])


def test_a_cut_off_by_the_operator_tells_all_of_that_person(
    site: Site, ada: Browser, phone: Browser, mail: Party, notes: Party
) -> None:
    mail.connect(site.member("bob@example.org", "Safari on macOS"))
    ended = [mail.connect(ada).sid, notes.connect(phone, offline=True).sid]
    done = site.app.test_cli_runner().invoke(args=["sessions", "end", "ada@example.org"])
    assert done.exit_code == 0
    mail.told()
    assert mail.sink.sids + notes.sink.sids == ended


def test_bcl_04_an_app_that_may_outlive_the_browser_is_told_of_its_end_and_lives_on(
    ada: Browser, mail: Party, notes: Party
) -> None:
    offline, hanging = mail.connect(ada, offline=True), notes.connect(ada)
    ada.sign_out()
    mail.told()
    assert (mail.sink.sids, notes.sink.sids) == ([offline.sid], [hanging.sid])
    assert alive(mail.app, offline.access)
    assert mail.app.refresh(offline.refresh).status_code == 200
    assert not alive(notes.app, hanging.access)
    assert notes.app.refresh(hanging.refresh).status_code == 400


def test_an_app_that_revokes_its_own_token_is_not_told_what_it_knows(ada: Browser, mail: Party, notes: Party) -> None:
    grant = mail.connect(ada)
    notes.connect(ada)
    mail.app.revoke(grant.refresh)
    assert not alive(mail.app, grant.access)
    mail.told()
    assert (mail.sink.sids, notes.sink.sids) == ([], [])


def test_an_access_token_that_is_revoked_alone_is_no_end_of_a_session(ada: Browser, mail: Party) -> None:
    mail.app.revoke(mail.connect(ada).access)
    assert mail.told() == []


def test_apps_of_a_session_that_had_timed_out_are_not_told(site: Site, ada: Browser, mail: Party, notes: Party) -> None:
    mail.connect(ada)
    site.wait(13 * 60 * 60)
    ada.sign_in()
    fresh = notes.connect(ada)
    ada.post("/devices/end-all")
    mail.told()
    assert (mail.sink.sids, notes.sink.sids) == ([], [fresh.sid])


def test_signing_in_again_in_the_same_browser_ends_and_tells_what_hung_on_the_old_session(
    ada: Browser, mail: Party
) -> None:
    old = mail.connect(ada)
    ada.sign_in()
    mail.connect(ada)
    mail.told()
    assert mail.sink.sids == [old.sid]


@pytest.mark.parametrize("how", ["a sign-in", "a change of password"])
def test_an_app_that_outlives_the_browser_is_told_of_a_sign_out_and_not_of_a_replacement(
    ada: Browser, mail: Party, how: str
) -> None:
    lasting = mail.connect(ada, offline=True)
    for _ in range(2):
        if how == "a sign-in":
            ada.sign_in()
        else:
            ada.post("/account/password", current=PASSWORD, password="quite other green otters")
            ada.post("/account/password", current="quite other green otters", password=PASSWORD)
        assert mail.told() == [], "no user signed out"
        assert mail.connect(ada, offline=True).sid == lasting.sid
    ada.sign_out()
    assert [one.claims["sid"] for one in mail.told()] == [lasting.sid]
    assert mail.app.refresh(lasting.refresh).status_code == 200


def test_an_app_that_outlives_the_browser_is_told_when_another_person_replaces_its_session(
    site: Site, ada: Browser, mail: Party
) -> None:
    site.member("bob@example.org", "Safari on macOS")
    lasting = mail.connect(ada, offline=True)
    ada.sign_in("bob@example.org")
    assert [one.claims["sid"] for one in mail.told()] == [lasting.sid]


def test_an_app_without_an_address_for_it_leaves_nothing_in_the_outbox(site: Site, ada: Browser, web: App) -> None:
    Flow(web).connect(ada)
    ada.sign_out()
    assert site.query("SELECT count(*) FROM logout_messages") == [(0,)]


class _Mishap(Exception):
    pass


def _end_and_fail(site: Site, sid: str) -> None:
    with site.app.test_request_context(), writing():
        session = sessions.lock(sid)
        assert session is not None
        assert session.end(Reason.SIGNED_OUT)
        assert len(messages.latest(session.user_id)) == 1
        raise _Mishap


@pytest.mark.stores("a transaction")
def test_a_sign_out_that_is_not_committed_leaves_nothing_in_the_outbox(site: Site, ada: Browser, mail: Party) -> None:
    grant = mail.connect(ada)
    sid = ada.session()["sid"]
    with pytest.raises(_Mishap):
        _end_and_fail(site, sid)
    assert site.query("SELECT count(*) FROM logout_messages") == [(0,)]
    assert mail.told() == []
    assert alive(mail.app, grant.access)


@pytest.mark.stores("a transaction")
def test_the_outbox_holds_the_message_from_the_very_moment_of_the_sign_out(
    site: Site, ada: Browser, mail: Party
) -> None:
    mail.connect(ada)
    ada.sign_out()
    [(entry, ended)] = site.query(
        "SELECT m.entry, s.ended_entry FROM logout_messages m JOIN sessions s ON s.id = m.session_id"
    )
    assert entry == ended
    assert mail.sink.received == []


def test_disabling_an_account_tells_its_apps(site: Site, ada: Browser, mail: Party, notes: Party) -> None:
    ended = [mail.connect(ada).sid, notes.connect(ada).sid]
    with site.app.test_request_context(), writing():
        person = users.find("ada@example.org")
        assert person is not None
        users.lock(person.id)
        sessions.end_all(person.id, Reason.DISABLED)
    mail.told()
    assert mail.sink.sids + notes.sink.sids == ended
