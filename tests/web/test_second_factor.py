"""With an authenticator app, a password alone neither signs in, nor confirms anything, nor removes the app."""

import re
import threading
from contextlib import AbstractContextManager
from typing import Any

import jwt
import pytest
from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError

from app.capacity import admission
from app.identity import half
from app.store import db
from app.web import guard
from tests.authenticator import PAGE, Phone, add_app, form_id, shown, sign_in, to_second_page
from tests.browsers import ACCESS, PASSWORD, REFRESH, Browser, Site, events, form
from tests.oauth.conftest import register_app
from tests.oauth.flow import Flow

HALF = "__Host-Http-half"
STEP = 30
FRESH = 600
SHORT = half.SECONDS


@pytest.fixture
def ada(site: Site) -> Browser:
    return site.member()


@pytest.fixture
def phone(ada: Browser, site: Site) -> Phone:
    """Ada's phone, a while after the app was added."""
    found = add_app(ada)
    site.wait(STEP * 2)
    return found


def amr(browser: Browser) -> Any:
    token = browser.cookie(ACCESS) or ""
    return jwt.decode(token, options={"verify_signature": False})["amr"]


def test_signing_in_takes_the_password_and_then_a_code(site: Site, phone: Phone) -> None:
    browser = site.browser()
    page = to_second_page(browser).headers["Location"]
    assert not browser.is_signed_in()
    assert "You are not signed in yet" in browser.get(page).text
    answer = browser.post("/sign-in/code", **form(browser, page), code=phone.code())
    assert answer.headers["Location"].startswith("/sign-in?arrived=1")
    assert browser.is_signed_in()
    assert browser.cookie(HALF) is None
    assert amr(browser) == ["pwd", "otp", "mfa"]


def test_between_the_two_pages_the_user_is_signed_in_nowhere(site: Site, ada: Browser, phone: Phone) -> None:
    browser = site.browser()
    to_second_page(browser)
    for path in ("/", "/account", "/devices", "/activity", "/confirm", PAGE, "/account/recovery-codes", "/live"):
        found = browser.get(path)
        assert found.status_code in (303, 401) or "You are not signed in" in found.text or path == "/", path
        assert "Ada" not in found.text, path
    half_token = browser.cookie(HALF)
    assert half_token
    for name in (ACCESS, REFRESH):
        thief = site.thief({name: half_token})
        assert not thief.is_signed_in(), name
    assert len(ada.sessions()) == 1


def test_a_half_done_sign_in_belongs_to_one_browser(site: Site, phone: Phone) -> None:
    browser, other = site.browser(), site.browser()
    to_second_page(browser)
    assert other.get("/sign-in/code").headers["Location"].startswith("/sign-in?")
    assert other.post("/sign-in/code", code=phone.code()).headers["Location"].startswith("/sign-in?")
    assert not other.is_signed_in()
    assert browser.post("/sign-in/code", code=phone.code()).status_code == 303
    assert browser.is_signed_in()


def test_a_half_done_sign_in_is_good_for_five_minutes_and_once(site: Site, phone: Phone) -> None:
    browser = site.browser()
    to_second_page(browser)
    token = browser.cookie(HALF) or ""
    site.wait(SHORT)
    assert "Enter your password again" in browser.get(browser.get("/sign-in/code").headers["Location"]).text
    assert browser.post("/sign-in/code", code=phone.code()).headers["Location"].startswith("/sign-in?late=1")
    assert not browser.is_signed_in()
    assert site.query("SELECT count(*) FROM half_sign_ins") == [(1,)]
    assert sign_in(browser, phone.code()).status_code == 303
    assert site.query("SELECT count(*) FROM half_sign_ins") == [(0,)], "the one that ran out is forgotten too"
    site.wait(STEP)
    thief = site.thief({HALF: token})
    assert thief.post("/sign-in/code", code=phone.code()).headers["Location"].startswith("/sign-in?late=1")


def test_a_finished_sign_in_cannot_be_finished_again_by_a_copy(site: Site, phone: Phone) -> None:
    browser = site.browser()
    to_second_page(browser)
    copy = site.thief({HALF: browser.cookie(HALF) or ""})
    browser.post("/sign-in/code", code=phone.code())
    site.wait(STEP)
    copy.post("/sign-in/code", code=phone.code())
    assert browser.is_signed_in()
    assert not copy.is_signed_in()


@pytest.mark.parametrize("change", ["password", "closed", "factor removed"])
def test_what_changes_between_the_two_pages_ends_the_sign_in(
    site: Site, ada: Browser, phone: Phone, change: str
) -> None:
    browser = site.browser()
    to_second_page(browser)
    code = phone.code()
    if change == "password":
        site.run("users", "password", "ada@example.org", "--password-stdin", typed="nine quiet walruses")
    elif change == "closed":
        site.run("users", "disable", "ada@example.org")
    else:
        site.run("users", "remove-factor", "ada@example.org")
    answer = browser.post("/sign-in/code", code=code)
    assert answer.status_code == 422 or answer.headers["Location"].startswith("/sign-in?late=1")
    assert not browser.is_signed_in()


def test_sign_out_forgets_a_half_done_sign_in(site: Site, ada: Browser, phone: Phone) -> None:
    to_second_page(ada)
    ada.sign_out()
    assert ada.cookie(HALF) is None


def test_it_leads_where_the_first_page_was_to_lead_and_stays_as_long(site: Site, phone: Phone) -> None:
    browser = site.browser()
    page = browser.post("/sign-in", email="ada@example.org", password=PASSWORD, keep="y", next="/devices?page=1")
    ready = browser.get(page.headers["Location"])
    wanted = re.search(r'name="next"[^>]* value="([^"]*)"', ready.text)
    assert wanted
    answer = browser.post("/sign-in/code", code=phone.code(), next=wanted[1])
    assert answer.headers["Location"].endswith("next=/devices%3Fpage%3D1")
    assert "Max-Age" in answer.headers["Set-Cookie"]
    answer = browser.post("/sign-in/code", code="1", next="https://evil.example/")
    assert answer.headers["Location"] == "/sign-in?late=1&next=/", "no open redirect"


@pytest.mark.parametrize("off", [-STEP, 0, STEP])
def test_the_clock_of_a_phone_may_be_thirty_seconds_off(site: Site, phone: Phone, off: int) -> None:
    assert sign_in(site.browser(), phone.code(off)).status_code == 303


@pytest.mark.parametrize("off", [-2 * STEP, 2 * STEP])
def test_the_clock_of_a_phone_may_not_be_a_minute_off(site: Site, phone: Phone, off: int) -> None:
    assert sign_in(site.browser(), phone.code(off)).status_code == 422


def test_a_code_is_good_once_and_so_are_those_before_it(site: Site, phone: Phone) -> None:
    code = phone.code()
    assert sign_in(site.browser(), code).status_code == 303
    for used in (code, phone.code(-STEP)):
        again = sign_in(site.browser(), used)
        assert again.status_code == 422
        assert "was used already" in again.text
    assert sign_in(site.browser(), phone.code(STEP)).status_code == 303


def test_the_code_that_added_the_app_is_used(site: Site, ada: Browser) -> None:
    phone = add_app(ada)
    assert sign_in(site.browser(), phone.code()).status_code == 422


@pytest.mark.stores("a race")
@pytest.mark.parametrize("kind", ["app", "paper"])
def test_one_of_two_nodes_accepts_a_code_sent_to_both_at_once(site: Site, other_node: Site, kind: str) -> None:
    phone = add_app(site.member())
    site.wait(STEP)
    code = phone.code() if kind == "app" else phone.paper[0]
    browsers = [node.browser() for node in (site, other_node)]
    for browser in browsers:
        to_second_page(browser)
    gate = threading.Barrier(2)

    def finish(browser: Browser) -> None:
        gate.wait()
        browser.post("/sign-in/code", code=code)

    threads = [threading.Thread(target=finish, args=(browser,)) for browser in browsers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(browser.is_signed_in() for browser in browsers) == [False, True]


def test_a_form_sent_twice_signs_in_once(site: Site, ada: Browser, phone: Phone) -> None:
    browser = site.browser()
    page = to_second_page(browser).headers["Location"]
    ready = form(browser, page, code=phone.code())
    first, second = (browser.post("/sign-in/code", **ready) for _ in range(2))
    assert first.headers["Location"] == second.headers["Location"]
    assert len([one for one in ada.sessions() if not one["ended_at"]]) == 2


def test_a_recovery_code_signs_in_once_however_it_is_typed(site: Site, ada: Browser, phone: Phone) -> None:
    first, second, *_ = phone.paper
    assert len(set(phone.paper)) == 10
    assert sign_in(site.browser(), first.upper().replace("-", " ")).status_code == 303
    assert sign_in(site.browser(), first).status_code == 422
    assert sign_in(site.browser(), second.replace("-", "").replace("0", "O").replace("1", "l")).status_code == 303
    assert "8 recovery codes" in ada.get("/account").text
    assert events(site).count("code_used") == 2


def test_new_recovery_codes_replace_the_old_ones_once_they_are_kept(site: Site, ada: Browser, phone: Phone) -> None:
    ready, new = shown(ada, "/account/recovery-codes")
    assert sign_in(site.browser(), new.paper[0]).status_code == 422, "they are shown, and not yet good"
    assert sign_in(site.browser(), phone.paper[0]).status_code == 303
    assert ada.post("/account/recovery-codes", **ready).status_code == 303
    assert sign_in(site.browser(), phone.paper[1]).status_code == 422
    assert sign_in(site.browser(), new.paper[1]).status_code == 303
    assert new.paper[2] not in ada.get("/account/recovery-codes?done=made").text
    assert "codes_made" in events(site)


def test_another_persons_codes_are_good_for_nothing(site: Site, phone: Phone) -> None:
    eve = site.member("eve@example.org")
    hers = add_app(eve)
    site.wait(STEP)
    for code in (hers.code(), hers.paper[0]):
        assert sign_in(site.browser(), code).status_code == 422
    draft, _ = shown(eve, "/account/recovery-codes")
    ada = site.browser()
    sign_in(ada, phone.code())
    assert ada.post("/account/recovery-codes", **draft).status_code in (409, 422)
    assert ada.post("/account/recovery-codes", draft=draft["draft"]).status_code == 422
    assert sign_in(site.browser(), phone.paper[0]).status_code == 303


def test_a_page_left_open_for_long_adds_nothing(site: Site, ada: Browser) -> None:
    ready, phone = shown(ada)
    site.wait(30 * 60)
    ada.post("/confirm", password=PASSWORD)
    answer = ada.post(PAGE, **ready, code=phone.code())
    assert answer.status_code == 422
    assert "open for too long" in answer.text
    assert phone.secret not in answer.text.replace(" ", "")
    assert site.browser().sign_in().headers["Location"].startswith("/sign-in?arrived")


def test_a_wrong_code_adds_nothing_and_the_page_keeps_its_key(site: Site, ada: Browser) -> None:
    ready, phone = shown(ada)
    answer = ada.post(PAGE, **ready, code="000000" if phone.code() != "000000" else "000001")
    assert answer.status_code == 422
    assert phone.secret in answer.text.replace(" ", "")
    assert all(code in answer.text for code in phone.paper)
    draft = re.search(r'name="draft"[^>]* value="(\w+)"', answer.text)
    assert draft
    assert ada.post(PAGE, draft=draft[1], code=phone.code(), **form_id(answer.text)).status_code == 303


@pytest.mark.parametrize("path", [PAGE, f"{PAGE}/remove", "/account/recovery-codes"])
def test_each_change_of_a_factor_takes_a_fresh_proof(site: Site, ada: Browser, phone: Phone, path: str) -> None:
    site.wait(FRESH)
    for answer in (ada.get(path), ada.post(path)):
        assert answer.headers["Location"] == f"/confirm?next={path}"
    assert ada.post("/confirm", code=phone.code(), next=path).headers["Location"] == path
    assert ada.get(path).status_code == 200


def test_adding_one_takes_a_fresh_proof_too(site: Site, ada: Browser) -> None:
    ready, phone = shown(ada)
    site.wait(FRESH)
    assert ada.post(PAGE, **ready, code=phone.code()).headers["Location"] == f"/confirm?next={PAGE}"
    assert site.query("SELECT totp FROM users") == [(None,)]


def test_with_a_factor_the_password_alone_confirms_nothing(site: Site, ada: Browser, phone: Phone) -> None:
    site.wait(FRESH)
    assert "Password" not in ada.get("/confirm?action=others").text
    for sent in ({"password": PASSWORD}, {"password": PASSWORD, "code": PASSWORD}):
        assert ada.post("/confirm", action="others", **sent).status_code == 422
    assert ada.post(f"{PAGE}/remove").headers["Location"].startswith("/confirm")
    assert ada.post("/confirm", code=phone.code(), action="others").headers["Location"] == "/devices?done=others"


def test_a_session_from_before_the_factor_has_to_give_it_before_it_changes_anything(site: Site, ada: Browser) -> None:
    """It was proved a moment ago, and by the password alone."""
    thief = site.browser()
    thief.sign_in()
    phone = add_app(ada)
    assert thief.is_signed_in(), "its owner chose not to end the others"
    for path in (f"{PAGE}/remove", "/account/recovery-codes", "/account/password"):
        assert thief.get(path).headers["Location"].startswith("/confirm"), path
        assert (
            thief.post(path, current=PASSWORD, password="nine quiet walruses")
            .headers["Location"]
            .startswith("/confirm")
        ), path
    assert thief.post("/devices/end-others").headers["Location"].startswith("/confirm")
    assert thief.post("/confirm", password=PASSWORD).status_code == 422
    site.wait(STEP)
    assert sign_in(site.browser(), phone.code()).status_code == 303


def test_copied_cookies_do_not_remove_the_factor(site: Site, ada: Browser, phone: Phone) -> None:
    site.wait(FRESH)
    thief = site.thief(ada.pocket())
    ada.post("/confirm", code=phone.code(), next="/account")
    assert ada.get(f"{PAGE}/remove").status_code == 200
    assert thief.get(f"{PAGE}/remove").headers["Location"].startswith("/confirm"), "the proof is the owner's alone"
    thief.post(f"{PAGE}/remove")
    assert thief.post("/confirm", password=PASSWORD).status_code == 422
    assert thief.post("/confirm", code=phone.code()).status_code == 422, "the code was used"
    assert site.query("SELECT count(*) FROM users WHERE totp IS NOT NULL") == [(1,)]


def test_a_request_that_counts_as_safe_does_not_remove_the_factor(site: Site, ada: Browser, phone: Phone) -> None:
    answer = ada.head(f"{PAGE}/remove", **{"Sec-Fetch-Site": "same-site"})
    assert answer.status_code == 200
    assert "factor_removed" not in events(site)
    assert to_second_page(site.browser()).headers["Location"].startswith("/sign-in/code")


@pytest.mark.parametrize("path", [f"{PAGE}/remove", "/account/password"])
def test_what_was_under_way_when_the_app_was_added_changes_nothing(
    site: Site, ada: Browser, monkeypatch: pytest.MonkeyPatch, path: str
) -> None:
    """A thief's session that the password alone has proved sends it again and again, until the owner adds the app."""
    thief, turn, added = site.browser(), admission.turn, list[Phone]()
    thief.sign_in()

    def add_first(line: str) -> AbstractContextManager[None]:
        monkeypatch.undo()
        added.append(add_app(ada))
        return turn(line)

    monkeypatch.setattr(admission, "turn", add_first)
    thief.post(path, current=PASSWORD, password="nine quiet walruses", end_others="y")
    assert added
    assert ada.is_signed_in()
    site.wait(STEP)
    assert sign_in(site.browser(), added[0].code()).status_code == 303


@pytest.mark.parametrize("ends", [True, False])
def test_adding_and_removing_offer_to_end_the_other_sessions(site: Site, ada: Browser, ends: bool) -> None:
    other = site.browser()
    other.sign_in()
    more = {"end_others": "y"} if ends else {}
    phone = add_app(ada, **more)
    assert other.is_signed_in() is not ends
    site.wait(STEP)
    sign_in(other, phone.code())
    copy = site.thief(ada.pocket())
    assert ada.post(f"{PAGE}/remove", **form(ada, f"{PAGE}/remove"), **more).status_code == 303
    assert other.is_signed_in() is not ends
    assert ada.is_signed_in()
    assert not copy.is_signed_in(), "copies of this one's tokens end in any case"
    assert "was removed" in ada.get(f"{PAGE}/remove?done=removed").text
    assert {"factor_added", "factor_removed"} <= set(events(site))
    page = ada.get("/activity").text
    assert "An authenticator app was added" in page
    assert "by a password and a code" in page


def test_without_the_factor_the_password_signs_in_again_and_the_codes_are_gone(
    site: Site, ada: Browser, phone: Phone
) -> None:
    ada.post(f"{PAGE}/remove")
    browser = site.browser()
    assert browser.sign_in().headers["Location"].startswith("/sign-in?arrived")
    assert amr(browser) == ["pwd"]
    assert site.query("SELECT count(*) FROM recovery_codes") == [(0,)]
    assert browser.post("/confirm", code=phone.paper[0]).status_code == 422


def test_a_change_of_password_keeps_the_factor(site: Site, ada: Browser, phone: Phone) -> None:
    new = "nine quiet walruses"
    assert ada.post("/account/password", current=PASSWORD, password=new).status_code == 303
    assert ada.get(f"{PAGE}/remove").status_code == 200, "the proof is as old as it was, and fresh enough"
    browser = site.browser()
    assert browser.sign_in(password=new).headers["Location"].startswith("/sign-in/code")
    site.wait(FRESH - STEP)
    assert ada.get(f"{PAGE}/remove").headers["Location"].startswith("/confirm"), "the password did not renew it"


def test_the_operator_can_remove_the_factor_of_a_user_who_has_lost_both(site: Site, ada: Browser, phone: Phone) -> None:
    assert "1 sessions ended" in site.run("users", "remove-factor", "ada@example.org").output
    assert not ada.is_signed_in()
    assert site.browser().sign_in().headers["Location"].startswith("/sign-in?arrived")
    assert "no second factor" in site.run("users", "remove-factor", "ada@example.org").output


def test_a_demo_account_is_put_back_without_a_factor(site: Site) -> None:
    site.run("users", "seed")
    browser = site.browser()
    browser.sign_in("ada@workshop.example", "otters sign out twice")
    add_app(browser)
    site.run("users", "seed")
    again = site.browser()
    assert again.sign_in("ada@workshop.example", "otters sign out twice").status_code == 303
    assert again.is_signed_in()


def test_an_older_node_signs_no_user_in_past_the_factor(site: Site, ada: Browser) -> None:
    """It knows the password's hash alone, and finds none that it can read."""

    def as_an_older_node_checks() -> bool:
        [(hashed,)] = site.query("SELECT password_hash FROM users")
        try:
            return PasswordHasher().verify(hashed, PASSWORD)
        except InvalidHashError:
            return False

    assert as_an_older_node_checks()
    add_app(ada)
    assert not as_an_older_node_checks()
    ada.post("/account/password", current=PASSWORD, password="nine quiet walruses")
    ada.post("/account/password", current="nine quiet walruses", password=PASSWORD)
    assert not as_an_older_node_checks()
    ada.post(f"{PAGE}/remove")
    assert as_an_older_node_checks()


def test_a_link_that_an_older_node_made_proves_no_factor(site: Site, ada: Browser, phone: Phone) -> None:
    ada.get("/account")
    with site.app.app_context(), db.writing():
        db.db.session.execute(db.db.text("UPDATE refresh_tokens SET amr = NULL"))
    ada.forget(ACCESS)
    assert ada.is_signed_in()
    assert "amr" not in jwt.decode(ada.cookie(ACCESS) or "", options={"verify_signature": False})
    assert ada.get(f"{PAGE}/remove").headers["Location"].startswith("/confirm")


def test_a_copy_of_the_database_holds_no_code_and_no_way_to_one(site: Site, phone: Phone) -> None:
    kept = str(site.query("SELECT * FROM users") + site.query("SELECT * FROM recovery_codes"))
    assert phone.secret not in kept
    assert not any(code in kept or code.replace("-", "") in kept for code in phone.paper)


def test_wrong_codes_are_slowed_down_at_the_door_and_the_owner_is_not(site: Site, phone: Phone) -> None:
    """From elsewhere twenty may fail in an hour; where the account has signed in, ten, which no attempt elsewhere uses up."""
    guesser = site.browser(address="203.0.113.66")
    to_second_page(guesser)
    answers = [guesser.post("/sign-in/code", code="wrong").status_code for _ in range(22)]
    assert answers == [422] * 20 + [429] * 2
    assert guesser.post("/sign-in/code", code=phone.code()).status_code == 429
    assert sign_in(site.browser(), phone.code()).status_code == 303
    assert events(site).count("factor_failed") == 20


def test_wrong_codes_are_slowed_down_at_home_too(site: Site, phone: Phone) -> None:
    browser = site.browser()
    to_second_page(browser)
    assert [browser.post("/sign-in/code", code="wrong").status_code for _ in range(11)] == [422] * 10 + [429]


def test_wrong_codes_are_slowed_down_in_a_session(site: Site, ada: Browser, phone: Phone) -> None:
    assert [ada.post("/confirm", code="wrong").status_code for _ in range(11)] == [422] * 10 + [429]
    assert ada.post("/confirm", code=phone.code()).status_code == 429
    assert sign_in(site.browser(), phone.code()).status_code == 303


def test_how_it_signed_in_stands_on_the_devices_page(site: Site, ada: Browser, phone: Phone) -> None:
    browser, third = site.browser(), site.browser()
    sign_in(browser, phone.code())
    sign_in(third, phone.paper[0])
    page = browser.get("/devices").text
    for words in ("with a password and a code", "with a password and a recovery code", "with a password(?! and)"):
        assert re.search(words, page), words
    assert sorted(str(one["amr"]) for one in browser.sessions()) == [
        "['pwd', 'otp', 'mfa']",
        "['pwd', 'otp', 'mfa']",
        "['pwd']",
    ]


def test_apps_learn_how_their_user_proved_who_they_are(site: Site, ada: Browser, phone: Phone) -> None:
    flow = Flow(register_app(site, "Mail"))
    assert said(flow.connect(ada))[:2] == (["pwd", "otp", "mfa"], "2")
    bob = site.member("bob@example.org")
    assert said(Flow(register_app(site, "News")).connect(bob))[:2] == (["pwd"], "1")
    site.wait(FRESH)
    ada.post("/confirm", code=phone.paper[0])
    assert said(flow.connect(ada))[:2] == (["pwd", "otp", "mfa"], "2")


def said(tokens: dict[str, str]) -> tuple[Any, ...]:
    found = [jwt.decode(tokens[kind], options={"verify_signature": False}) for kind in ("id_token", "access_token")]
    assert all(found[0][name] == found[1][name] for name in ("amr", "acr", "auth_time"))
    return found[0]["amr"], found[0]["acr"], found[0]["auth_time"]


def test_an_app_that_wants_two_factors_has_them_asked_for_where_there_are_two(site: Site, ada: Browser) -> None:
    before, flow, wish = site.browser(), Flow(register_app(site, "Bank")), "2 1"
    before.sign_in()
    assert flow.allow(before, acr_values=wish), "it is a wish, and there is no second factor"
    phone = add_app(ada)
    site.wait(STEP)
    assert before.get(flow.path(acr_values=wish)).headers["Location"].startswith("/confirm?next=/oauth/authorize%3F")
    assert before.get(flow.path(acr_values=wish, prompt="none")).headers["Location"].startswith(flow.redirect_uri)
    assert "login_required" not in before.get(flow.path(acr_values=wish, prompt="none")).headers["Location"]
    for other in ("1 2", "gold", ""):
        assert flow.allow(before, acr_values=other), other
    answer = before.post("/confirm", code=phone.code(), next=flow.path(acr_values=wish))
    assert answer.headers["Location"].startswith("/oauth/authorize")
    tokens = flow.exchange(flow.allow(before, acr_values=wish)).get_json()
    assert said(tokens)[:2] == (["pwd", "otp", "mfa"], "2")


def test_the_metadata_names_the_levels(site: Site) -> None:
    assert site.browser().get("/.well-known/openid-configuration").get_json()["acr_values_supported"] == ["1", "2"]


def test_half_sign_ins_that_ran_out_are_purged(site: Site, phone: Phone) -> None:
    to_second_page(site.browser())
    site.wait(SHORT + 1)
    assert "half sign-ins: 1 forgotten" in site.run("purge").output


def test_the_pages_are_for_those_who_are_signed_in_and_codes_for_those_with_an_app(site: Site, ada: Browser) -> None:
    for path in (PAGE, f"{PAGE}/remove", "/account/recovery-codes"):
        assert site.browser().get(path).headers["Location"].startswith("/sign-in?next=")
    assert ada.get("/account/recovery-codes").headers["Location"] == PAGE
    assert "You have no authenticator app" in ada.get(f"{PAGE}/remove").text


@pytest.mark.parametrize("page", [PAGE, "/account/recovery-codes"])
def test_cookies_that_were_copied_a_while_after_the_proof_get_no_key_and_no_codes(
    site: Site, ada: Browser, page: str
) -> None:
    """With one of them, a thief could confirm by a code for as long as the session lasts."""
    if page != PAGE:
        site.wait(STEP)
        add_app(ada)
    before = site.query("SELECT totp, password_version FROM users")
    site.wait(guard.NEW_WAY_SECONDS)
    thief = site.thief(ada.pocket())
    for answer in (thief.get(page), thief.post(page), thief.post(page, draft="00", code="000000")):
        assert answer.headers["Location"] == f"/confirm?next={page}"
    assert site.query("SELECT totp, password_version FROM users") == before


def test_a_user_who_takes_long_to_find_the_phone_can_still_add_the_app(site: Site, ada: Browser) -> None:
    ready, phone = shown(ada)
    site.wait(FRESH - 1)
    assert ada.post(PAGE, **ready, code=phone.code()).status_code == 303
    assert site.browser().sign_in().headers["Location"].startswith("/sign-in/code")
