"""`SECOND_FACTOR` demands a second factor: without one, a session opens and does nothing but add or prove one, and sign out."""

import threading
from collections.abc import Callable
from typing import Any

import jwt
import pytest
from werkzeug.routing import Rule
from werkzeug.test import TestResponse

from app.capacity import admission
from app.identity import demo
from tests import passkeys
from tests.authenticator import PAGE as APP
from tests.authenticator import Phone, add_app, shown
from tests.authenticator import sign_in as sign_in_with_code
from tests.browsers import ACCESS, PASSWORD, RECEIPT, Browser, Site, form
from tests.oauth.conftest import register_app
from tests.oauth.flow import Flow, led
from tests.passkeys import PAGE as KEYS
from tests.passkeys import Key

FACTOR = "/account/second-factor"
CODES = "/account/recovery-codes"
STEP = 30
FRESH = 600
WHOSE = ("Ada", "ada@example.org")
OPEN = {FACTOR, APP, f"{KEYS}/add", "/confirm", "/sign-out", "/oauth/end-session"}
MACHINES = ("/api/", "/oauth/", "/log/", "/static/", "/test/", "/status-lists/", "/.well-known/", "/metrics", "/readyz")
pytestmark = pytest.mark.page
Opener = Callable[..., Site]


@pytest.fixture
def strict(open_site: Opener) -> Site:
    return open_site(SECOND_FACTOR="everyone")


@pytest.fixture
def ada(strict: Site) -> Browser:
    """Ada, who has signed up with a password and has no second factor."""
    return strict.member()


def claims(browser: Browser) -> dict[str, Any]:
    found: dict[str, Any] = jwt.decode(browser.cookie(ACCESS) or "", options={"verify_signature": False})
    return found


def is_led_to_factor(answer: TestResponse) -> bool:
    return answer.status_code == 303 and answer.headers["Location"].startswith(FACTOR)


def paths(site: Site, method: str) -> list[str]:
    """Return an address for each rule that takes *method*, about Ada where the rule is about something."""
    [(sid, owner)] = site.query("SELECT id, user_id FROM sessions LIMIT 1")
    given = {
        "sid": sid,
        "user_id": owner,
        "client_id": "x",
        "key_id": "x",
        "token": "x",
        "purpose": "add",
        "kind": "csv",
    }

    def fill(rule: Rule) -> str:
        values = {name: given.get(name, 1) for name in rule.arguments} | dict(rule.defaults or {})
        return site.app.url_map.bind("localhost").build(rule.endpoint, values, method=method)

    found = [rule for rule in site.app.url_map.iter_rules() if method in (rule.methods or ())]
    return [fill(rule) for rule in found if not rule.rule.startswith(MACHINES)]


def state(site: Site) -> list[Any]:
    """Return what a session could change about its user."""
    users = site.query("SELECT name, email, password_hash, deleted_at, is_admin FROM users ORDER BY id")
    sessions = site.query("SELECT id, name, ended_entry FROM sessions ORDER BY id")
    return [*users, *sessions, *site.query("SELECT count(*) FROM passkeys")]


def sign_in_as_admin(site: Site, email: str = "root@example.org") -> Browser:
    site.run("users", "add", email, "--admin", "--password-stdin", typed=PASSWORD)
    browser = site.browser()
    browser.sign_in(email)
    return browser


class TestASessionWithoutOne:
    def test_sign_up_and_sign_in_lead_to_where_one_is_added(self, strict: Site) -> None:
        for browser, begin in ((strict.browser(), Browser.sign_up), (strict.browser(), Browser.sign_in)):
            arrived = begin(browser).headers["Location"]
            home = browser.get(arrived).headers["Location"]
            page = browser.get(browser.get(home).headers["Location"]).text
            assert "Add an authenticator app" in page
            assert "Add a passkey" in page
            assert 'href="/devices"' not in page
            assert "Sign Out" in page

    def test_no_page_reads(self, strict: Site, ada: Browser) -> None:
        looked = paths(strict, "GET")
        assert len(looked) > 50
        ada = strict.thief(ada.pocket())  # the cookie by which a workshop shows mail is no session
        for path in looked:
            answer = ada.get(path)
            if path not in OPEN:
                assert not any(word.encode() in answer.data for word in WHOSE), path
                assert answer.status_code != 200 or strict.browser().get(path).status_code == 200, path
        assert not any(word in ada.get(f"/devices{tail}").text for word in WHOSE for tail in ("?page=1", "/ended"))

    def test_no_json_reads(self, ada: Browser) -> None:
        for path in ("/", "/devices", "/devices/ended", "/account/data", "/activity"):
            answer = ada.get(path, Accept="application/json")
            assert (answer.status_code, answer.get_json()) == (403, {"error": "second_factor_required"}), path

    def test_no_form_acts(self, strict: Site, ada: Browser) -> None:
        other = strict.browser()
        other.sign_in()
        before = state(strict)
        for path in paths(strict, "POST"):
            if path not in ("/sign-out", "/sign-in", "/sign-up") and not path.startswith("/lab"):
                ada.post(path, name="Eve", password=PASSWORD, current=PASSWORD, email="eve@example.org", draft="00")
        assert state(strict) == before

    @pytest.mark.parametrize("action", ["others", "all", "delete", "address:eve@example.org", "admin:admin:x", "end:"])
    def test_the_password_alone_confirms_no_act(self, strict: Site, ada: Browser, action: str) -> None:
        other = strict.browser()
        other.sign_in()
        action += claims(other)["sid"] if action == "end:" else ""
        before = state(strict)
        assert is_led_to_factor(ada.get(f"/confirm?action={action}"))
        assert is_led_to_factor(ada.post("/confirm", password=PASSWORD, action=action))
        assert state(strict) == before

    def test_it_lets_no_app_in(self, strict: Site, ada: Browser) -> None:
        flow = Flow(register_app(strict, "App"))
        sid = claims(ada)["sid"]
        for answer in (ada.get(flow.path()), ada.post(flow.path(), decision="allow", sid=sid)):
            assert is_led_to_factor(answer)
        assert led(ada.get(flow.path(prompt="none")))["error"] == "login_required"
        assert strict.query("SELECT count(*) FROM authorization_codes") == [(0,)]

    @pytest.mark.stores("what is read within a request for apps")
    def test_its_access_token_is_refused_with_what_is_missing(self, strict: Site, ada: Browser) -> None:
        for path in ("/api/me", "/oauth/userinfo"):
            bearer = {"Authorization": f"Bearer {ada.cookie(ACCESS)}"}
            answer = strict.app.test_client().get(path, base_url=Browser.at, headers=bearer)
            assert answer.status_code == 401
            challenge = answer.headers["WWW-Authenticate"]
            assert 'error="insufficient_user_authentication"' in challenge, "RFC 9470, section 3"
            assert 'acr_values="2"' in challenge

    def test_it_renews_and_is_no_better_for_it(self, strict: Site, ada: Browser) -> None:
        strict.wait(FRESH)
        assert is_led_to_factor(ada.get("/devices"))
        assert claims(ada)["acr"] == "1"
        assert is_led_to_factor(ada.get("/account"))

    def test_a_page_from_another_tab_acts_no_more(self, strict: Site, open_site: Opener) -> None:
        lax = open_site()
        browser = lax.member("bob@example.org")
        filled = form(browser, "/account/name", name="Mallory")
        later = strict.thief(browser.pocket())
        assert is_led_to_factor(later.post("/account/name", **filled))
        assert strict.query("SELECT name FROM users WHERE email = 'bob@example.org'") == [("Ada",)]

    def test_sign_out_works(self, strict: Site, ada: Browser) -> None:
        copy = strict.thief(ada.pocket())
        assert "others" not in ada.get("/sign-out").text
        ada.post("/sign-out", **form(ada, FACTOR))
        assert ada.cookie(RECEIPT)
        assert copy.get(FACTOR).headers["Location"].startswith("/sign-in")

    def test_an_app_may_ask_that_it_be_signed_out(self, strict: Site, ada: Browser) -> None:
        assert ada.get("/oauth/end-session").status_code == 200
        ada.post("/oauth/end-session", decision="sign-out")
        assert ada.get(FACTOR).headers["Location"].startswith("/sign-in")

    def test_the_lab_and_mail_links_need_no_session_and_so_no_factor(self, strict: Site, ada: Browser) -> None:
        for browser in (ada, strict.browser()):
            assert browser.get("/lab").status_code == 200
            assert browser.get("/links/x").status_code == 404
            assert browser.get("/recover").status_code == 200


class TestAddingOne:
    def test_an_app_opens_everything_at_once_and_the_way_goes_on(self, strict: Site, ada: Browser) -> None:
        offered = ada.get(f"{FACTOR}?next=/devices").text
        assert f"{APP}?next=/devices" in offered
        ready, phone = shown(ada, f"{APP}?next=/devices")
        assert len(phone.paper) == 10, "recovery codes"
        done = ada.post(f"{APP}?next=/devices", **ready, code=phone.code())
        assert 'href="/devices"' in ada.get(done.headers["Location"]).text
        assert ada.is_signed_in()
        assert (claims(ada)["amr"], claims(ada)["acr"]) == (["pwd", "otp", "mfa"], "2")
        assert ada.api(ada.cookie(ACCESS) or "").status_code == 200

    def test_a_passkey_does_too_and_recovery_codes_are_shown(self, strict: Site, ada: Browser) -> None:
        key = Key()
        sent = passkeys.made(ada, key, "add", name="Laptop")
        to_codes = ada.post(f"{KEYS}/add?next=/devices", **form(ada, f"{KEYS}/add?next=/devices"), **sent)
        assert to_codes.headers["Location"].startswith(CODES)
        assert (claims(ada)["amr"], claims(ada)["acr"]) == (["pop", "mfa"], "2")
        assert "The passkey was added" in ada.get(to_codes.headers["Location"]).text
        ready, pen = shown(ada, to_codes.headers["Location"])
        kept = ada.post(f"{CODES}?next=/devices", **ready)
        assert 'href="/devices"' in ada.get(kept.headers["Location"]).text
        assert strict.query("SELECT count(*) FROM recovery_codes") == [(10,)]
        assert len(pen.paper) == 10

    def test_a_passkey_that_asks_for_no_finger_is_not_taken(self, strict: Site, ada: Browser) -> None:
        sent = passkeys.made(ada, Key(is_sure=False), "add", name="Stick")
        assert ada.post(f"{KEYS}/add", **sent).status_code == 422
        assert strict.query("SELECT count(*) FROM passkeys") == [(0,)]

    def test_it_takes_a_fresh_proof_as_anywhere(self, strict: Site, ada: Browser) -> None:
        strict.wait(FRESH)
        for page in (APP, f"{KEYS}/add"):
            asked = ada.get(f"{page}?next=/devices").headers["Location"]
            assert asked == f"/confirm?next={page}%3Fnext%3D/devices"
        assert ada.post("/confirm", password=PASSWORD, next=APP).headers["Location"] == APP
        add_app(ada)
        assert ada.is_signed_in()

    def test_sign_up_by_passkey_has_one(self, strict: Site) -> None:
        browser = strict.browser()
        passkeys.sign_up(browser, Key())
        assert browser.is_signed_in()

    def test_an_app_that_sent_the_browser_gets_its_answer(self, strict: Site, ada: Browser) -> None:
        flow = Flow(register_app(strict, "App"))
        asked = flow.path(acr_values="2")
        page = ada.get(ada.get(asked).headers["Location"]).text
        add_app(ada)
        assert "/oauth/authorize" in page
        tokens = flow.exchange(flow.allow(ada, acr_values="2")).get_json()
        said = jwt.decode(tokens["id_token"], options={"verify_signature": False})
        assert (said["acr"], said["amr"]) == ("2", ["pwd", "otp", "mfa"])
        assert ada.api(tokens["access_token"]).status_code == 200

    def test_a_copy_of_the_cookies_from_before_stays_shut_out(self, strict: Site, ada: Browser) -> None:
        copy = strict.thief(ada.pocket())
        add_app(ada)
        assert not copy.is_signed_in()
        assert copy.get(FACTOR).headers["Location"].startswith("/sign-in")


class TestAThiefWithThePassword:
    """The account has a second factor, and the thief only its password."""

    def test_is_asked_for_the_passkey_of_the_account_and_begins_no_session(self, strict: Site, ada: Browser) -> None:
        key = passkeys.add(ada)
        thief = strict.browser("Safari on macOS")
        page = thief.sign_in(next="/devices").headers["Location"]
        assert page == "/sign-in/code?next=/devices"
        assert "use a passkey" in thief.get(page).text
        assert not thief.is_signed_in()
        assert len(ada.sessions()) == 1
        for code in ("000000", "", "0" * 24):
            thief.post("/sign-in/code", **form(thief, page), code=code) if 'name="code"' in thief.get(
                page
            ).text else None
            thief.post("/sign-in/code", code=code)
        assert not thief.is_signed_in()
        owner = strict.browser()
        assert passkeys.sign_in(owner, key).headers["Location"].startswith("/sign-in?arrived=1")
        assert owner.is_signed_in()

    def test_adds_no_other_factor_to_it(self, strict: Site, open_site: Opener) -> None:
        lax = open_site()
        owner = lax.member()
        passkeys.add(owner)
        thief = lax.browser("Safari on macOS")
        thief.sign_in()
        before = state(strict)
        late = strict.thief(thief.pocket())
        for page in (APP, f"{KEYS}/add", FACTOR):
            assert late.get(page).headers["Location"].startswith("/confirm?next="), page
        assert late.post("/passkeys/ask/add").status_code == 422
        assert late.post("/confirm", password=PASSWORD, next=APP).status_code == 422
        late.post(APP, draft="00", code="000000")
        assert state(strict) == before
        assert strict.query("SELECT count(*) FROM users WHERE totp IS NOT NULL") == [(0,)]

    def test_in_a_session_that_waits_adds_nothing_once_the_owner_has(self, strict: Site, ada: Browser) -> None:
        """Both have opened the page where an app is added; the owner is first."""
        thief = strict.browser("Safari on macOS")
        thief.sign_in()
        ready, phone = shown(thief)
        sent = passkeys.made(thief, Key(), "add", name="Mine")
        passkeys.add(ada)
        assert thief.post(APP, **ready, code=phone.code()).headers["Location"].startswith("/confirm")
        assert thief.post(f"{KEYS}/add", **sent).status_code == 422
        assert not thief.is_signed_in()
        assert strict.query("SELECT count(*) FROM users WHERE totp IS NOT NULL") == [(0,)]
        assert strict.query("SELECT count(*) FROM passkeys") == [(1,)]

    def test_with_a_recovery_code_signs_in_once(self, strict: Site, ada: Browser) -> None:
        passkeys.add(ada)
        ready, pen = shown(ada, CODES)
        ada.post(CODES, **ready)
        for is_in in (True, False):
            browser = strict.browser()
            page = browser.sign_in().headers["Location"]
            browser.post("/sign-in/code", **form(browser, page), code=pen.paper[0])
            assert browser.is_signed_in() is is_in
        assert "9 recovery codes" in ada.get("/account").text

    def test_may_choose_the_password_and_still_is_not_in(self, strict: Site, ada: Browser) -> None:
        passkeys.add(ada)
        strict.run("users", "password", "ada@example.org", "--password-stdin", typed="nine quiet walruses")
        thief = strict.browser()
        assert thief.sign_in(password="nine quiet walruses").headers["Location"].startswith("/sign-in/code")
        assert not thief.is_signed_in()

    def test_a_code_confirms_an_act_and_the_password_does_not(self, strict: Site, ada: Browser) -> None:
        key = passkeys.add(ada)
        strict.wait(FRESH)
        assert ada.post("/confirm", password=PASSWORD, action="others").status_code == 422
        assert passkeys.confirm(ada, key, action="others").status_code == 303


class TestSessionsFromBefore:
    """The operator switches the setting on: sessions live that began with a password alone."""

    def test_a_user_without_a_factor_is_led_to_add_one(self, strict: Site, open_site: Opener) -> None:
        browser = open_site().member()
        later = strict.thief(browser.pocket())
        assert is_led_to_factor(later.get("/devices"))
        strict.wait(FRESH)
        assert later.get(FACTOR).status_code == 200
        assert later.get(APP).headers["Location"].startswith("/confirm")

    def test_a_user_with_one_proves_it_and_goes_on(self, strict: Site, open_site: Opener) -> None:
        lax = open_site()
        browser, other = lax.member(), lax.browser()
        other.sign_in()
        phone = add_app(other)
        lax.wait(STEP * 2)
        later = strict.thief(browser.pocket())
        asked = later.get(later.get("/devices").headers["Location"]).headers["Location"]
        assert asked == "/confirm?next=/devices"
        assert "asks for more than a password" in later.get(asked).text
        assert later.post("/confirm", password=PASSWORD, next="/devices").status_code == 422
        assert later.post("/confirm", code=phone.code(), next="/devices").headers["Location"] == "/devices"
        assert later.is_signed_in()

    def test_sessions_that_have_proved_one_go_on(self, strict: Site, open_site: Opener) -> None:
        lax = open_site()
        browser = lax.member()
        add_app(browser)
        assert strict.thief(browser.pocket()).is_signed_in()

    def test_apps_of_a_user_without_one_get_nothing_until_the_user_has_proved_one(
        self, strict: Site, open_site: Opener
    ) -> None:
        lax = open_site()
        browser, app = lax.member(), register_app(lax, "App")
        flow = Flow(app, scope="openid offline_access")
        tokens = flow.connect(browser)
        code = Flow.allow(flow, browser)
        app.site = strict
        for kind in ("access_token", "refresh_token"):
            assert app.post("/oauth/introspect", token=tokens[kind]).get_json() == {"active": False}
        assert strict.browser().api(tokens["access_token"]).status_code == 401
        assert app.refresh(tokens["refresh_token"]).get_json()["error"] == "invalid_grant"
        assert flow.exchange(code).get_json()["error"] == "invalid_grant"
        later = strict.thief(browser.pocket())
        add_app(later)
        again = Flow(app, scope="openid offline_access").connect(later)
        assert app.refresh(again["refresh_token"]).status_code == 200
        app.site = lax
        assert app.refresh(tokens["refresh_token"]).status_code == 200, "it was refused, and not ended"


class TestTheLastOne:
    def test_an_app_stays(self, strict: Site, ada: Browser) -> None:
        add_app(ada)
        page = f"{APP}/remove"
        assert "your only second factor" in ada.get(page).text
        assert ada.post(page).status_code == 422
        assert strict.query("SELECT count(*) FROM users WHERE totp IS NOT NULL") == [(1,)]

    def test_a_passkey_stays(self, strict: Site, ada: Browser) -> None:
        passkeys.add(ada)
        [(key,)] = strict.query("SELECT id FROM passkeys")
        assert "your only second factor" in ada.get(f"{KEYS}/{key}/remove").text
        assert ada.post(f"{KEYS}/{key}/remove").status_code == 422
        assert strict.query("SELECT count(*) FROM passkeys") == [(1,)]

    def test_one_of_two_factors_can_be_removed_and_the_other_stays(self, strict: Site, ada: Browser) -> None:
        passkeys.add(ada)
        add_app(ada)
        assert ada.post(f"{APP}/remove", **form(ada, f"{APP}/remove")).status_code == 303
        assert ada.is_signed_in()
        [(key,)] = strict.query("SELECT id FROM passkeys")
        assert ada.post(f"{KEYS}/{key}/remove").status_code == 422
        assert strict.browser().sign_in().headers["Location"].startswith("/sign-in/code")

    def test_a_passkey_that_asks_for_no_finger_is_none(self, strict: Site, open_site: Opener) -> None:
        lax = open_site()
        browser = lax.member()
        passkeys.add(browser, Key(is_sure=False), name="Stick")
        add_app(browser)
        later = strict.thief(browser.pocket())
        assert later.post(f"{APP}/remove").status_code == 422
        [(key,)] = strict.query("SELECT id FROM passkeys")
        assert later.post(f"{KEYS}/{key}/remove", **form(later, f"{KEYS}/{key}/remove")).status_code == 303

    @pytest.mark.stores("a race")
    def test_two_tabs_that_remove_one_each_leave_one(self, strict: Site, ada: Browser) -> None:
        passkeys.add(ada, name="Laptop")
        passkeys.add(ada, name="Phone")
        pages = [f"{KEYS}/{key}/remove" for (key,) in strict.query("SELECT id FROM passkeys")]
        tabs = [(strict.thief(ada.pocket()), page) for page in pages]
        forms = [form(tab, page) for tab, page in tabs]
        threads = [
            threading.Thread(target=tab.post, args=(page,), kwargs=filled)
            for (tab, page), filled in zip(tabs, forms, strict=True)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert strict.query("SELECT count(*) FROM passkeys") == [(1,)]

    @pytest.mark.stores("a race")
    def test_a_factor_that_becomes_the_last_during_its_removal_stays(
        self, strict: Site, ada: Browser, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        passkeys.add(ada)
        add_app(ada)
        filled, turn = form(ada, f"{APP}/remove"), admission.turn

        def remove_first(kind: str) -> Any:
            strict.run("users", "remove-passkeys", "ada@example.org")
            return turn(kind)

        monkeypatch.setattr(admission, "turn", remove_first)
        ada.post(f"{APP}/remove", **filled)
        assert strict.query("SELECT count(*) FROM users WHERE totp IS NOT NULL") == [(1,)]

    def test_the_operator_takes_it_from_a_user_who_has_lost_it_and_the_next_sign_in_adds_another(
        self, strict: Site, ada: Browser
    ) -> None:
        passkeys.add(ada)
        ready, _ = shown(ada, CODES)
        ada.post(CODES, **ready)
        strict.run("users", "remove-passkeys", "ada@example.org")
        assert strict.query("SELECT count(*) FROM recovery_codes") == [(0,)]
        browser = strict.browser()
        browser.sign_in()
        assert browser.get(FACTOR).status_code == 200
        add_app(browser)
        assert browser.is_signed_in()


class TestOfAdministratorsAlone:
    @pytest.fixture
    def site(self, open_site: Opener) -> Site:
        return open_site(SECOND_FACTOR="administrators")

    def test_other_users_are_asked_for_nothing(self, site: Site) -> None:
        browser = site.member()
        assert browser.is_signed_in()
        assert browser.api(browser.cookie(ACCESS) or "").status_code == 200
        phone = add_app(browser)
        assert phone
        assert browser.post(f"{APP}/remove", **form(browser, f"{APP}/remove")).status_code == 303

    def test_an_administrator_made_by_the_shell_adds_one_first(self, site: Site) -> None:
        root = sign_in_as_admin(site)
        for path in ("/admin", "/", "/devices"):
            assert is_led_to_factor(root.get(path)), path
        assert root.api(root.cookie(ACCESS) or "").status_code == 401
        add_app(root)
        assert root.get("/admin").status_code == 200
        assert site.member().get("/admin").status_code == 404

    def test_a_user_who_is_made_one_is_asked_at_the_next_page(self, site: Site) -> None:
        browser = site.member()
        app = register_app(site, "App")
        tokens = Flow(app, scope="openid offline_access").connect(browser)
        site.run("users", "admin", "ada@example.org")
        assert is_led_to_factor(browser.get("/admin"))
        assert app.refresh(tokens["refresh_token"]).get_json()["error"] == "invalid_grant"
        site.run("users", "admin", "ada@example.org", "--remove")
        assert browser.is_signed_in()


def test_without_the_setting_a_password_is_enough_also_beside_a_passkey(site: Site) -> None:
    passkeys.add(site.member())
    browser = site.browser()
    browser.sign_in()
    assert browser.is_signed_in()
    assert browser.get(FACTOR).headers["Location"] == "/"
    assert browser.get(CODES).headers["Location"] == APP


def test_a_demo_account_is_no_exception(strict: Site) -> None:
    strict.run("users", "seed")
    browser = strict.browser()
    browser.sign_in("ada@workshop.example", demo.PASSWORD)
    assert is_led_to_factor(browser.get("/devices"))


def test_a_code_signs_in_as_before(strict: Site, ada: Browser) -> None:
    phone: Phone = add_app(ada)
    strict.wait(STEP * 2)
    browser = strict.browser()
    sign_in_with_code(browser, phone.code())
    assert browser.is_signed_in()
