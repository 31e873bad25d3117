"""What an administrator ends is over at once, everywhere, and the person concerned can read who did it."""

import json
import logging

import pytest

from tests.browsers import ACCESS, PASSWORD, REFRESH, Browser, Pocket, Site
from tests.oauth.conftest import App, alive, register_app
from tests.oauth.flow import Flow
from tests.web.admin.conftest import person_id


def is_good(site: Site, pocket: Pocket) -> bool:
    """Whether any of these cookies still opens anything."""
    alone = [site.thief(pocket, only).is_signed_in() for only in (ACCESS, REFRESH)]
    return any(alone) or site.browser().api(pocket[ACCESS]).status_code == 200


@pytest.mark.parametrize("act", ["end", "end-all", "disable"])
def test_old_cookies_are_refused_on_every_node_at_once(
    site: Site, other_node: Site, root: Browser, ada: Browser, page: str, act: str
) -> None:
    bob = site.member("bob@example.org")
    old = ada.pocket()
    assert other_node.browser().api(old[ACCESS]).status_code == 200
    target = f"sessions/{ada.session()['sid']}/end" if act == "end" else act
    assert root.post(f"{page}/{target}").status_code == 303
    assert not is_good(other_node, old)
    assert not is_good(site, old)
    assert not ada.is_signed_in()
    assert root.is_signed_in()
    assert bob.is_signed_in()


@pytest.mark.parametrize("act", ["end-all", "disable"])
def test_apps_lose_their_access_too_for_however_long_it_was_given(
    site: Site, other_node: Site, root: Browser, ada: Browser, page: str, act: str
) -> None:
    app = register_app(site, "Photos")
    given = [Flow(app, scope).connect(ada) for scope in ("openid", "openid offline_access")]
    root.post(f"{page}/{act}")
    for tokens in given:
        assert not alive(app, tokens["access_token"])
        assert other_node.browser().api(tokens["access_token"]).status_code == 401
        assert app.refresh(tokens["refresh_token"]).status_code == 400


@pytest.mark.page
def test_a_browser_is_ended_with_the_apps_that_hang_on_it_and_no_others(
    site: Site, root: Browser, ada: Browser, page: str
) -> None:
    photos, notes = register_app(site, "Photos"), register_app(site, "Notes")
    hanging, lasting = Flow(photos, "openid").connect(ada), Flow(notes, "openid offline_access").connect(ada)
    phone = site.browser("Chrome on Android")
    phone.sign_in()
    root.post(f"{page}/sessions/{ada.session()['sid']}/end")
    assert [alive(photos, hanging["access_token"]), alive(notes, lasting["access_token"])] == [False, True]
    assert phone.is_signed_in()
    assert not ada.is_signed_in()


@pytest.mark.page
def test_an_app_is_ended_alone_and_has_to_ask_again(site: Site, root: Browser, ada: Browser, page: str) -> None:
    photos: App = register_app(site, "Photos")
    tokens = Flow(photos, "openid").connect(ada)
    [sid] = [line["sid"] for line in ada.sessions() if line["app"] == "Photos"]
    root.post(f"{page}/sessions/{sid}/end")
    assert not alive(photos, tokens["access_token"])
    assert photos.refresh(tokens["refresh_token"]).status_code == 400
    assert ada.is_signed_in()
    assert "Photos" in ada.get(Flow(photos, "openid").path()).text


@pytest.mark.page
def test_a_closed_account_is_opened_again_and_what_was_ended_stays_ended(
    site: Site, root: Browser, ada: Browser, page: str
) -> None:
    old = ada.pocket()
    root.post(f"{page}/disable")
    ada.sign_in()
    assert not ada.is_signed_in()
    root.post(f"{page}/enable")
    assert not is_good(site, old)
    ada.sign_in()
    assert ada.is_signed_in()


@pytest.mark.page
def test_the_person_concerned_reads_which_administrator_did_it(
    site: Site, root: Browser, ada: Browser, page: str
) -> None:
    phone = site.browser("Chrome on Android")
    phone.sign_in()
    root.post(f"{page}/sessions/{phone.session()['sid']}/end")
    assert "ended by an administrator" in ada.get("/devices").text
    root.post(f"{page}/end-all")
    root.post(f"{page}/disable")
    root.post(f"{page}/enable")
    ada.sign_in()
    said = ada.get("/activity").text
    for words in (
        "An administrator ended this session",
        "An administrator ended all sessions",
        "An administrator closed the account",
        "An administrator opened the account again",
    ):
        assert words in said
    assert "administrator" not in root.get("/activity").text.replace("made an administrator", "")


@pytest.mark.page
def test_the_log_names_the_administrators_session_and_the_operator_is_told(
    site: Site, root: Browser, ada: Browser, page: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    by, sid = root.session()["sid"], ada.session()["sid"]
    root.post(f"{page}/sessions/{sid}/end")
    root.post(f"{page}/end-all")
    root.post(f"{page}/disable")
    entries = site.query("SELECT scope, reason, actor FROM log_entries WHERE kind = 'revoked' ORDER BY position")
    assert entries == [("session", "by_admin", by), ("user", "by_admin", by), ("user", "account_disabled", by)]
    lines = [json.loads(line.getMessage()) for line in caplog.records if "admin_acted" in line.getMessage()]
    admin, concerned = person_id(site, "root@example.org"), person_id(site)
    assert [(line["act"], line["admin"], line["user"], line["by"]) for line in lines] == [
        (act, admin, concerned, by) for act in ("ended_by_admin", "all_ended_by_admin", "account_disabled")
    ]
    assert lines[0]["session"] == sid


@pytest.mark.page
def test_to_do_it_twice_is_no_error_and_is_noted_once(site: Site, root: Browser, ada: Browser, page: str) -> None:
    sid = ada.session()["sid"]
    answers = [root.post(f"{page}/sessions/{sid}/end").headers["Location"] for _ in range(2)]
    assert ["done=ended" in answers[0], "done=already" in answers[1]] == [True, True]
    assert "had ended already" in root.get(answers[1].partition("#")[0]).text
    for act in ("disable", "disable", "enable", "enable"):
        assert root.post(f"{page}/{act}").status_code == 303
    noted = "SELECT event, count(*) FROM activity WHERE user_id = :user GROUP BY event ORDER BY event"
    found = dict(tuple(row) for row in site.query(noted, user=person_id(site)))
    assert [found[event] for event in ("ended_by_admin", "account_disabled", "account_enabled")] == [1, 1, 1]


@pytest.mark.page
@pytest.mark.parametrize("act", ["end", "end-all", "disable"])
def test_a_user_who_signed_in_a_while_ago_is_asked_and_then_it_is_done(
    site: Site, root: Browser, ada: Browser, page: str, act: str
) -> None:
    site.wait(601)
    old = ada.pocket()
    target = f"sessions/{ada.session()['sid']}/end" if act == "end" else act
    asked = root.post(f"{page}/{target}").headers["Location"]
    assert asked.startswith("/confirm?action=admin:")
    action = asked.partition("=")[2]
    assert " of Ada" in root.get(asked).text
    assert root.post("/confirm", action=action, password="not this one").status_code == 422
    assert ada.is_signed_in()
    assert root.post("/confirm", action=action, password=PASSWORD).headers["Location"].startswith(page)
    assert not ada.is_signed_in()
    assert not is_good(site, old)


@pytest.mark.page
def test_another_site_cannot_have_it_done(root: Browser, ada: Browser, page: str) -> None:
    answer = root.post(f"{page}/disable", {"Origin": "https://thief.example"})
    assert answer.status_code == 403
    assert ada.is_signed_in()


@pytest.mark.parametrize("more", ["x", "x\r\nSet-Cookie: a=b"])
def test_an_act_with_more_to_it_than_there_is_does_nothing(root: Browser, ada: Browser, page: str, more: str) -> None:
    action = f"admin:all:{page.rpartition('/')[2]}:{more}"
    assert root.post("/confirm", action=action, password=PASSWORD).status_code == 400
    assert ada.is_signed_in()
