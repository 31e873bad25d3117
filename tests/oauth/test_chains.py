"""One app in one browser is one session, however often it exchanges a code; each exchange has its own chain."""

from collections.abc import Callable
from typing import Any

import jwt
import pytest

from app.identity import grant
from tests.browsers import PASSWORD, Browser, Site
from tests.oauth.conftest import App, alive, register_app
from tests.oauth.flow import Flow, led
from tests.oauth.logout.conftest import Party, mail

pytestmark = pytest.mark.page

__all__ = ["mail"]  # a fixture
OFFLINE = "openid email offline_access"
HOUR = 60 * 60


@pytest.fixture
def ada(site: Site) -> Browser:
    return site.member()


def said(tokens: dict[str, Any]) -> dict[str, Any]:
    """What an ID token says."""
    found: dict[str, Any] = jwt.decode(tokens["id_token"], options={"verify_signature": False})
    return found


def sid(tokens: dict[str, Any]) -> str:
    found: str = jwt.decode(tokens["access_token"], options={"verify_signature": False})["sid"]
    return found


def renew(app: App, tokens: dict[str, Any], **more: str) -> dict[str, Any]:
    """Exchange the refresh token; return what came of it."""
    found: dict[str, Any] = app.refresh(tokens["refresh_token"], **more).get_json()
    return found


def live_rows(browser: Browser) -> list[str]:
    return [line["sid"] for line in browser.sessions() if line["app"] and not line["ended_at"]]


def test_an_app_in_one_browser_keeps_its_session(site: Site, ada: Browser, web: App, page_app: App) -> None:
    phone = site.browser("Chrome on Android")
    phone.sign_in()
    first = Flow(web).connect(ada)
    for _ in range(2):
        assert sid(Flow(web).connect(ada)) == sid(first)
    lasting = Flow(web, scope=OFFLINE).connect(ada)
    others = lasting, Flow(web).connect(phone), Flow(page_app).connect(ada)
    assert len({sid(first), *map(sid, others)}) == 4, "another lifetime, browser or app is another session"
    assert sid(Flow(web, scope="openid offline_access").connect(ada)) == sid(lasting)
    assert sid(Flow(web, scope="openid").connect(ada)) == sid(first)
    assert sorted(live_rows(ada)) == sorted([sid(first), *map(sid, others)])


def test_an_app_that_renews_silently_sixty_times_is_one_row_and_is_told_nothing(
    site: Site, ada: Browser, mail: Party
) -> None:
    first = Flow(mail.app).connect(ada)
    for _ in range(60):
        site.wait(60)
        flow = Flow(mail.app)
        newest = flow.exchange(led(ada.get(flow.path(prompt="none")))["code"]).get_json()
    assert live_rows(ada) == [sid(first)] == [sid(newest)]
    assert alive(mail.app, newest["access_token"])
    assert mail.told() == []
    connected = "SELECT count(*) FROM activity WHERE event = 'app_connected'"
    assert site.query(connected) == [(1,)]
    ada.sign_out()
    assert [one.claims["sid"] for one in mail.told()] == [sid(first)], "and of the sign-out, once"
    assert not alive(mail.app, newest["access_token"])


def test_each_chain_has_its_own_scope_nonce_and_time_of_authentication(site: Site, ada: Browser, web: App) -> None:
    wide, flow = Flow(web, scope="openid profile email"), Flow(web, scope="openid email")
    first = wide.connect(ada)
    site.wait(100)
    ada.post("/confirm", password=PASSWORD)
    second = flow.connect(ada)
    assert sid(first) == sid(second)
    assert (said(first)["nonce"], said(second)["nonce"]) == (wide.nonce, flow.nonce)
    assert said(second)["auth_time"] == said(first)["auth_time"] + 100
    for _ in range(3):
        first, second = renew(web, first), renew(web, second)
        assert (first["scope"], second["scope"]) == ("openid profile email", "openid email")
        claims = [jwt.decode(one["access_token"], options={"verify_signature": False}) for one in (first, second)]
        assert claims[1]["auth_time"] == claims[0]["auth_time"] + 100
        assert [one["scope"] for one in claims] == [first["scope"], second["scope"]]
    assert renew(web, second, scope="openid profile")["error"] == "invalid_scope", (
        "what another chain has is not its own"
    )
    assert renew(web, first, scope="openid")["scope"] == "openid"
    assert (
        web.post("/oauth/introspect", token=renew(web, second)["refresh_token"]).get_json()["scope"] == "openid email"
    )
    [row] = [line for line in ada.get("/devices").text.split("<li ") if f'data-sid="{sid(first)}"' in line]
    assert "knows your name and your email address" in row


def test_a_lost_answer_is_repeated_with_the_scope_of_its_chain(ada: Browser, web: App) -> None:
    Flow(web, scope="openid profile email").connect(ada)
    narrow = Flow(web, scope="openid").connect(ada)
    once, again = renew(web, narrow), renew(web, narrow)
    assert once["refresh_token"] == again["refresh_token"]
    assert once["scope"] == again["scope"] == "openid"


def test_an_eleventh_chain_stops_only_the_one_idle_longest(site: Site, ada: Browser, mail: Party) -> None:
    app, chains = mail.app, []
    for _ in range(10):
        chains.append(Flow(app).connect(ada))
        site.wait(1)
    used = chains[0]
    chains[0] = renew(app, used)  # the oldest, and used last
    site.wait(60)
    idle = chains.pop(1)
    chains.append(Flow(app).connect(ada))
    answer = app.refresh(idle["refresh_token"])
    assert (answer.status_code, answer.get_json()["error"]) == (400, "invalid_grant")
    chains = [renew(app, tokens) for tokens in chains]
    assert {sid(tokens) for tokens in chains} == {sid(idle)}
    assert alive(app, idle["access_token"]), "the session goes on"
    assert not app.post("/oauth/introspect", token=idle["refresh_token"]).get_json()["active"]
    assert mail.told() == []
    assert site.query("SELECT count(*) FROM activity WHERE event = 'refresh_reused'") == [(0,)]


def test_in_one_second_the_chain_that_began_first_stops(ada: Browser, web: App) -> None:
    chains = [Flow(web).connect(ada) for _ in range(12)]
    assert [web.refresh(tokens["refresh_token"]).status_code for tokens in chains] == [400] * 2 + [200] * 10


def test_no_token_of_a_stopped_chain_shows_a_theft(site: Site, ada: Browser, mail: Party) -> None:
    app = mail.app
    oldest = Flow(app).connect(ada)
    older = renew(app, oldest)
    newest = renew(app, older)
    site.wait(1)
    others = [Flow(app).connect(ada) for _ in range(10)]
    site.wait(HOUR)
    for tokens in (newest, older, oldest, newest):
        assert renew(app, tokens)["error"] == "invalid_grant"
    assert mail.told() == []
    assert all("access_token" in renew(app, tokens) for tokens in others)


def test_a_stopped_chain_can_still_end_the_session(ada: Browser, web: App) -> None:
    chains = [Flow(web).connect(ada) for _ in range(11)]
    assert web.revoke(chains[0]["refresh_token"]).status_code == 200
    assert [alive(web, tokens["access_token"]) for tokens in chains] == [False] * 11


@pytest.mark.parametrize("which", [0, 1, 2])
@pytest.mark.parametrize("how", ["revoked", "revoked when used", "reused", "the code again"])
def test_what_ends_one_chain_ends_the_session(site: Site, ada: Browser, web: App, how: str, which: int) -> None:
    flows, codes, chains = [Flow(web) for _ in range(3)], [], []
    for flow in flows:
        codes.append(flow.allow(ada))
        chains.append(flow.exchange(codes[-1]).get_json())
    held = chains[which]
    if how == "revoked":
        web.revoke(held["refresh_token"])
    elif how == "revoked when used":
        chains[which] = renew(web, held)
        web.revoke(held["refresh_token"])
    elif how == "reused":
        chains[which] = renew(web, renew(web, held))
        site.wait(11)
        renew(web, held)
    else:
        assert flows[which].exchange(codes[which]).status_code == 400
    assert [alive(web, tokens["access_token"]) for tokens in chains] == [False] * 3
    assert {web.refresh(tokens["refresh_token"]).status_code for tokens in chains} == {400}
    assert ada.is_signed_in()
    assert sid(Flow(web).connect(ada)) != sid(held), "what is over is not gone on with"


def test_a_session_that_the_person_ended_is_not_gone_on_with(ada: Browser, web: App) -> None:
    ended = Flow(web).connect(ada)
    ada.post(f"/devices/{sid(ended)}/end")
    begun = Flow(web).connect(ada)
    assert sid(begun) != sid(ended)
    assert not alive(web, ended["access_token"])
    assert live_rows(ada) == [sid(begun)]


def test_a_session_that_timed_out_is_not_gone_on_with(site: Site, ada: Browser, web: App) -> None:
    ada.sign_in(keep="y")
    first, lasting = Flow(web).connect(ada), Flow(web, scope=OFFLINE).connect(ada)
    for _ in range(15):
        site.wait(24 * HOUR)
        assert ada.is_signed_in()
    assert sid(Flow(web).connect(ada)) != sid(first), "it was idle for fourteen days"
    assert sid(Flow(web, scope=OFFLINE).connect(ada)) != sid(lasting)


def test_an_exchange_is_a_use_of_the_session(site: Site, ada: Browser, web: App) -> None:
    ada.sign_in(keep="y")
    first = Flow(web).connect(ada)
    for _ in range(20):
        site.wait(24 * HOUR)
        newest = Flow(web).connect(ada)
    assert sid(newest) == sid(first)
    [row] = [line for line in ada.sessions() if line["sid"] == sid(first)]
    assert row["last_seen_at"] > row["began_at"]


def test_the_same_app_in_two_browsers_ends_in_one_alone(site: Site, ada: Browser, web: App) -> None:
    phone = site.browser("Chrome on Android")
    phone.sign_in()
    here, there = Flow(web).connect(ada), Flow(web).connect(phone)
    phone.sign_out()
    assert (alive(web, here["access_token"]), alive(web, there["access_token"])) == (True, False)


def test_an_app_holds_so_many_sessions_of_a_person_and_the_idle_one_is_replaced_without_a_word(
    site: Site, ada: Browser, mail: Party, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(grant, "MAX_SESSIONS_OF_AN_APP", 3)
    browsers = [ada, *(site.browser() for _ in range(3))]
    held = []
    for browser in browsers:
        browser.sign_in()
        held.append(Flow(mail.app).connect(browser))
        site.wait(1)
    assert [alive(mail.app, tokens["access_token"]) for tokens in held] == [False, True, True, True]
    assert mail.told() == [], "its person did not sign out"
    assert renew(mail.app, held[0])["error"] == "invalid_grant"
    browsers[1].sign_out()
    assert [one.claims["sid"] for one in mail.told()] == [sid(held[1])]


DAY = 24 * HOUR
LIFE = 30 * DAY


def use_for(days: int, ada: Browser, app: App, tokens: dict[str, Any]) -> dict[str, Any]:
    """Visit the site, and renew the app's tokens, once in ten days."""
    while days:
        step = min(days, 10)
        app.site.wait(step * DAY)
        ada.get("/account")
        tokens, days = renew(app, tokens), days - step
    return tokens


def test_an_exchange_gives_an_app_that_outlives_the_browser_a_whole_life(site: Site, ada: Browser, web: App) -> None:
    ada.sign_in(keep="y")
    first = Flow(web, scope=OFFLINE).connect(ada)
    assert first["authorization_expires_in"] == LIFE
    older = use_for(29, ada, web, first)
    ada.sign_in(keep="y")
    newer = Flow(web, scope=OFFLINE).connect(ada)
    assert sid(newer) == sid(first)
    assert (newer["authorization_expires_in"], newer["refresh_token_timeout"]) == (LIFE, 14 * DAY)
    [row] = [line for line in ada.sessions() if line["sid"] == sid(first)]
    assert row["ended_at"] is None
    newer = use_for(29, ada, web, newer)
    assert newer["authorization_expires_in"] == newer["refresh_token_timeout"] == DAY
    site.wait(DAY)
    assert web.refresh(newer["refresh_token"]).get_json()["error"] == "invalid_grant"
    until = (
        "SELECT min(until), max(expires_at) FROM log_entries JOIN sessions ON position = sessions.opened WHERE id = :id"
    )
    [(said_in_the_log, over)] = site.query(until, id=sid(first))
    assert said_in_the_log >= over
    assert older["authorization_expires_in"] == DAY


def test_a_later_exchange_lengthens_no_chain_but_its_own(site: Site, ada: Browser, web: App) -> None:
    """A token copied before a new sign-in gains nothing."""
    ada.sign_in(keep="y")
    older = use_for(29, ada, web, Flow(web, scope=OFFLINE).connect(ada))
    site.wait(DAY - 60)
    older = renew(web, older)
    assert older["expires_in"] == 60
    ada.sign_in(keep="y")
    newer = Flow(web, scope=OFFLINE).connect(ada)
    again = renew(web, older)
    assert again["expires_in"] == again["authorization_expires_in"] == again["refresh_token_timeout"] == 60
    asked = web.post("/oauth/introspect", token=again["refresh_token"]).get_json()
    assert asked["exp"] == said(newer)["iat"] + 60
    site.wait(60)
    for tokens in (again, older, again):
        assert renew(web, tokens)["error"] == "invalid_grant"
        assert not alive(web, tokens["access_token"])
    assert not web.post("/oauth/introspect", token=again["refresh_token"]).get_json()["active"]
    assert sid(renew(web, newer)) == sid(older), "and shows no theft"


def test_an_app_that_hangs_on_its_browser_lasts_as_long_as_that(site: Site, ada: Browser, web: App) -> None:
    ada.sign_in(keep="y")
    tokens = Flow(web).connect(ada)
    for _ in range(29):
        site.wait(DAY)
        tokens = Flow(web).connect(ada)
    assert tokens["authorization_expires_in"] == DAY
    site.wait(DAY)
    assert web.refresh(tokens["refresh_token"]).status_code == 400


def test_a_session_is_lengthened_as_long_as_the_log_says_it_can_last(
    open_site: Callable[..., Site], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(grant, "MAX_LIVES", 3)
    site = open_site()
    ada, web = site.member(), register_app(site, "Web")
    ada.sign_in(keep="y")
    held = [Flow(web, scope=OFFLINE).connect(ada)]
    for _ in range(7):
        held[-1] = use_for(10, ada, web, held[-1])
        ada.sign_in(keep="y")
        held.append(Flow(web, scope=OFFLINE).connect(ada))
    assert [sid(tokens) == sid(held[0]) for tokens in held] == [True] * 7 + [False], "60 days later it has 30 left"
    assert held[-1]["authorization_expires_in"] == LIFE
    assert sid(renew(web, held[-2])) == sid(held[0]), "what it had goes on beside it"
