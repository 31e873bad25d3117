"""A passkey signs in and confirms: once, for its own account, in the browser that asked."""

import json
import threading
from collections.abc import Callable
from dataclasses import replace
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import jwt
import pytest

from app.identity import challenges, erasure
from app.identity.passkey import Passkey
from app.identity.session import CLOCKS_DIFFER_SECONDS
from app.web import guard
from tests import passkeys
from tests.authenticator import add_app
from tests.browsers import ACCESS, PASSWORD, SITE_URL, Browser, Site, events, form
from tests.oauth.conftest import register_app
from tests.oauth.flow import Flow
from tests.passkeys import PAGE, Key

CEREMONY = "__Host-Http-passkey"
FRESH = 600
STEP = 30
pytestmark = pytest.mark.page


@pytest.fixture
def ada(site: Site) -> Browser:
    return site.member()


@pytest.fixture
def key(ada: Browser) -> Key:
    return passkeys.add(ada)


def amr(browser: Browser) -> Any:
    return claims(browser)["amr"]


def claims(browser: Browser) -> dict[str, Any]:
    found: dict[str, Any] = jwt.decode(browser.cookie(ACCESS) or "", options={"verify_signature": False})
    return found


def rows(site: Site, columns: str = "name") -> list[Any]:
    return [tuple(row) for row in site.query(f"SELECT {columns} FROM passkeys ORDER BY added_at, name")]


def key_id(site: Site, name: str = "Laptop") -> str:
    [(found,)] = site.query("SELECT id FROM passkeys WHERE name = :name", name=name)
    return str(found)


def remove(browser: Browser, found: str, **more: str) -> Any:
    page = f"{PAGE}/{found}/remove"
    return browser.post(page, **form(browser, page), **more)


@pytest.mark.stores("an act that writes")
def test_a_passkey_signs_in_without_address_and_password(site: Site, key: Key) -> None:
    browser = site.browser()
    answer = passkeys.sign_in(browser, key, next="/devices")
    assert answer.headers["Location"] == "/sign-in?arrived=1&next=/devices"
    assert browser.is_signed_in()
    assert amr(browser) == ["pop", "mfa"]
    assert "with a passkey" in browser.get("/devices").text
    assert "by a passkey" in browser.get("/activity").text


def test_it_stays_as_long_as_was_ticked(site: Site, key: Key) -> None:
    kept, unkept = site.browser(), site.browser()
    passkeys.sign_in(kept, key, keep="y")
    passkeys.sign_in(unkept, key, keep="")
    assert site.query("SELECT keep FROM sessions ORDER BY opened DESC LIMIT 2") == [(False,), (True,)]


def test_a_key_that_asks_for_no_finger_is_one_factor(site: Site, ada: Browser) -> None:
    key = passkeys.add(ada, Key(is_sure=False))
    browser = site.browser()
    passkeys.sign_in(browser, key)
    assert browser.is_signed_in()
    assert (amr(browser), claims(browser)["acr"]) == (["pop"], "1")


def test_a_thief_who_finds_a_key_that_asks_for_no_finger_changes_nothing(site: Site, ada: Browser) -> None:
    key = passkeys.add(ada, Key(is_sure=False))
    finder = site.browser()
    passkeys.sign_in(finder, key)
    for page in (f"{PAGE}/add", f"{PAGE}/{key_id(site)}/remove", "/account/authenticator"):
        assert finder.get(page).headers["Location"].startswith("/confirm?"), page
    for path in ("/devices/end-others", "/devices/end-all"):
        assert finder.post(path).headers["Location"].startswith("/confirm?"), path
    assert ada.is_signed_in()
    assert passkeys.confirm(finder, key, action="others").status_code == 422
    assert finder.post("/confirm", password=PASSWORD, action="others").status_code == 303, (
        "the owner knows the password"
    )


def test_with_a_factor_such_a_key_is_asked_for_a_code(site: Site, ada: Browser) -> None:
    key = passkeys.add(ada, Key(is_sure=False))
    phone = add_app(ada)
    site.wait(STEP * 2)
    browser = site.browser()
    page = passkeys.sign_in(browser, key).headers["Location"]
    assert page.startswith("/sign-in/code")
    assert not browser.is_signed_in()
    assert "Your passkey was right. Now enter a code" in browser.get(page).text
    browser.post("/sign-in/code", **form(browser, page), code=phone.code())
    assert browser.is_signed_in()
    assert amr(browser) == ["pop", "otp"]


def test_with_a_factor_a_key_that_is_sure_of_its_user_is_enough(site: Site, ada: Browser) -> None:
    key = passkeys.add(ada)
    add_app(ada)
    browser = site.browser()
    assert passkeys.sign_in(browser, key).headers["Location"].startswith("/sign-in?arrived=1")
    site.wait(FRESH)
    assert passkeys.confirm(browser, key, next="/account/authenticator/remove").status_code == 303
    assert browser.get("/account/authenticator/remove").status_code == 200


def test_a_signature_is_good_once(site: Site, key: Key) -> None:
    browser = site.browser()
    sent = passkeys.signed(browser, key, "sign-in")
    copy = site.thief({CEREMONY: browser.cookie(CEREMONY) or ""})
    assert browser.post("/sign-in/passkey", **sent).status_code == 303
    answer = copy.post("/sign-in/passkey", **sent)
    assert answer.status_code == 422
    assert "That did not work" in answer.text
    assert not copy.is_signed_in()


def test_a_signature_by_a_key_that_counts_is_good_once(site: Site, ada: Browser) -> None:
    key = passkeys.add(ada, Key(count=0))
    passkeys.sign_in(site.browser(), key)
    assert rows(site, "sign_count") == [(2,)]
    older = replace(key, count=1)
    assert passkeys.sign_in(site.browser(), older).status_code == 422, "a copy of the key is behind"
    assert events(site)[-1] == "passkey_behind"
    assert "there may be a copy of it" in ada.get("/activity").text
    for liar in (replace(key, count=None), replace(key, count=0)):
        assert passkeys.confirm(ada, liar).status_code == 422, "it goes on from the highest"
    assert rows(site, "sign_count") == [(2,)]
    assert passkeys.sign_in(site.browser(), replace(key, count=2**32 - 2)).status_code == 303
    assert rows(site, "sign_count") == [(2**32 - 1,)]


def test_it_is_good_in_the_browser_that_asked_and_for_five_minutes(site: Site, key: Key) -> None:
    browser, other = site.browser(), site.browser()
    sent = passkeys.signed(browser, key, "sign-in")
    passkeys.asked(other, "sign-in")
    assert other.post("/sign-in/passkey", **sent).status_code == 422
    assert site.browser().post("/sign-in/passkey", **sent).status_code == 422
    site.wait(challenges.SECONDS)
    assert browser.post("/sign-in/passkey", **sent).status_code == 422
    later = sent["stamp"].partition(".")[2]
    moved = {**sent, "stamp": f"{int(sent['stamp'].partition('.')[0]) + 60}.{later}"}
    assert browser.post("/sign-in/passkey", **moved).status_code == 422, "another time is another challenge"


@pytest.mark.parametrize(
    "wrong",
    [
        {"origin": "https://evil.example"},
        {"origin": "http://localhost:8001"},
        {"host": "evil.example"},
        {"host": "127.0.0.1"},
        {"is_framed": True},
    ],
    ids=str,
)
def test_a_signature_made_elsewhere_is_refused(site: Site, ada: Browser, wrong: dict[str, Any]) -> None:
    key = passkeys.add(ada)
    elsewhere = replace(key, **wrong)
    assert passkeys.sign_in(site.browser(), elsewhere).status_code == 422
    assert passkeys.confirm(ada, elsewhere).status_code == 422
    sent = passkeys.made(ada, Key(**wrong), "add", name="Elsewhere")
    assert ada.post(f"{PAGE}/add", **sent).status_code == 422
    assert rows(site) == [("Laptop",)]


def test_another_key_under_the_same_name_is_refused(site: Site, key: Key) -> None:
    forged = Key(id=key.id, owner=key.owner)
    assert passkeys.sign_in(site.browser(), forged).status_code == 422
    assert passkeys.sign_in(site.browser(), replace(key, owner=b"another")).status_code == 422


def test_no_user_adds_a_key_by_the_name_of_anothers(site: Site, key: Key) -> None:
    eve = site.member("eve@example.org")
    sent = passkeys.made(eve, Key(id=key.id), "add", name="Taken")
    assert eve.post(f"{PAGE}/add", **sent).status_code == 422
    assert rows(site) == [("Laptop",)]
    assert passkeys.sign_in(site.browser(), key).status_code == 303


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1:8000"])
def test_no_header_of_the_request_changes_where_keys_are_good(site: Site, host: str) -> None:
    browser = site.browser()
    options, _ = passkeys.asked(browser, "sign-in")
    answer = browser.post("/passkeys/ask/sign-in", {"Host": host, "X-Forwarded-Host": host})
    assert answer.get_json()["options"]["rpId"] == options["rpId"] == "localhost"
    assert browser.get("/.well-known/webauthn", Host=host).get_json() == {"origins": [SITE_URL]}


@pytest.mark.parametrize(
    ("address", "rp_id", "origin"),
    [
        ("https://example.org", "example.org", "https://example.org"),
        ("https://Example.ORG:443", "example.org", "https://example.org"),
        ("https://example.org:8443", "example.org", "https://example.org:8443"),
        ("https://bücher.example", "xn--bcher-kva.example", "https://xn--bcher-kva.example"),
    ],
)
def test_behind_a_proxy_keys_are_bound_to_the_public_address(
    open_site: Callable[..., Site], address: str, rp_id: str, origin: str
) -> None:
    browser = open_site(
        SITE_URL=address, TEST_CONTROLS="0", TRUSTED_PROXIES="1", MAIL_FROM="site@example.org"
    ).browser()
    assert browser.get("/.well-known/webauthn").get_json() == {"origins": [origin]}
    for said in ({}, {"Host": "evil.example", "X-Forwarded-Host": "evil.example", "X-Forwarded-Proto": "http"}):
        answer = browser.post("/passkeys/ask/sign-in", {"Sec-Fetch-Site": "same-origin", **said})
        assert answer.get_json()["options"]["rpId"] == rp_id


@pytest.mark.parametrize("address", ["http://127.0.0.1:8000", "http://[::1]:8000", "https://192.0.2.1"])
def test_where_browsers_take_no_passkeys_none_is_offered(open_site: Callable[..., Site], address: str) -> None:
    browser = open_site(SITE_URL=address, TEST_CONTROLS="0").browser()
    assert browser.post("/passkeys/ask/sign-in", {"Sec-Fetch-Site": "same-origin"}).status_code == 404
    assert "passkey" not in browser.get("/sign-in").text
    assert "Browsers take no passkeys for this address" in browser.get("/sign-up/passkey").text


def test_a_passkey_confirms_for_the_link_that_it_makes_alone(site: Site, ada: Browser, key: Key) -> None:
    site.wait(FRESH)
    copy = site.thief(ada.pocket())
    answer = passkeys.confirm(ada, key, next=f"{PAGE}/add")
    assert answer.headers["Location"] == f"{PAGE}/add"
    assert ada.get(f"{PAGE}/add").status_code == 200
    assert amr(ada) == ["pop", "mfa"]
    assert copy.get(f"{PAGE}/add").headers["Location"].startswith("/confirm"), "the copy has proved nothing"


def test_an_app_that_wants_two_factors_has_the_passkey_asked_for(site: Site, ada: Browser, key: Key) -> None:
    flow, browser, wish = Flow(register_app(site, "Bank")), site.browser(), {"acr_values": "2"}
    browser.sign_in(next=flow.path(**wish))
    asked = browser.get(flow.path(**wish)).headers["Location"]
    assert asked.startswith("/confirm?next=/oauth/authorize")
    assert "The app would like two factors" in browser.get(asked).text
    assert flow.allow(browser, acr_values="1"), "another app does not"
    assert browser.get(flow.path(**wish, prompt="none")).headers["Location"].startswith(flow.redirect_uri)
    back = browser.post("/confirm", password=PASSWORD, **arguments(asked)).headers["Location"]
    assert browser.get(back).status_code == 303, "it is a wish: with the password alone, the answer says so"
    assert browser.get(flow.path(**wish)).headers["Location"] == asked, "and is asked the next time"
    back = passkeys.confirm(browser, key, **arguments(asked)).headers["Location"]
    assert amr(browser) == ["pop", "mfa"]
    assert browser.get(flow.path(**wish)).headers["Location"].startswith(flow.redirect_uri)
    assert browser.get(back).headers["Location"].startswith(flow.redirect_uri)


def arguments(path: str) -> dict[str, str]:
    return dict(parse_qsl(urlsplit(path).query))


def test_pages_about_the_code_say_what_is_true_of_an_account_without_a_password(site: Site) -> None:
    browser = site.browser()
    passkeys.sign_up(browser, Key())
    assert "You sign in with a passkey, as before" in browser.get("/account/authenticator").text
    add_app(browser)
    pages = [browser.get(page).text for page in ("/account", "/account/authenticator", "/account/authenticator/remove")]
    browser.post("/account/authenticator/remove")
    pages.append(browser.get("/account/authenticator/remove?done=removed").text)
    assert "You have an authenticator app" in pages[1]
    assert "Your passkeys sign you in" in pages[3]
    for page in pages:
        assert "our password" not in page


def test_it_carries_out_what_was_to_be_confirmed(site: Site, ada: Browser, key: Key) -> None:
    other = site.browser("Safari on macOS")
    other.sign_in()
    site.wait(FRESH)
    assert passkeys.confirm(ada, key, action="others").headers["Location"] == "/devices?done=others"
    assert not other.is_signed_in()


@pytest.mark.parametrize("which", ["another's", "not sure of its user", "for a sign-in", "of another session", "used"])
def test_a_signature_made_for_something_else_confirms_nothing(site: Site, ada: Browser, key: Key, which: str) -> None:
    sent = passkeys.signed(ada, key, "confirm")
    if which == "another's":
        sent = passkeys.signed(ada, passkeys.add(site.member("eve@example.org")), "confirm")
    elif which == "not sure of its user":
        sent = passkeys.signed(ada, replace(key, is_sure=False), "confirm")
    elif which == "for a sign-in":
        sent = passkeys.signed(ada, key, "sign-in")
    elif which == "of another session":
        ada.sign_in()
    else:
        ada.post("/confirm", **sent)
    site.wait(1)
    before = claims(ada)["auth_time"]
    answer = ada.post("/confirm", **sent)
    assert answer.status_code == 422
    assert "That did not work" in answer.text
    assert 'name="password"' in answer.text, "the other way is offered"
    assert claims(ada)["auth_time"] == before


def test_copied_cookies_neither_add_nor_remove_a_passkey(site: Site, ada: Browser, key: Key) -> None:
    site.wait(FRESH)
    thief = site.thief(ada.pocket())
    for page in (f"{PAGE}/add", f"{PAGE}/{key_id(site)}/remove"):
        assert thief.post(page).headers["Location"].startswith("/confirm?"), page
    assert thief.post("/passkeys/ask/add").status_code == 422, "it is given nothing to sign"
    assert rows(site) == [("Laptop",)]


def test_cookies_that_were_copied_a_while_after_the_proof_add_no_way_in(site: Site, ada: Browser) -> None:
    site.wait(guard.NEW_WAY_SECONDS)
    thief = site.thief(ada.pocket())
    assert thief.get(f"{PAGE}/add").headers["Location"].startswith("/confirm?")
    assert thief.post("/passkeys/ask/add").status_code == 422
    assert thief.post(f"{PAGE}/add", credential="made up", stamp="made up", name="Thief").status_code == 422
    assert rows(site) == []
    ada.post("/confirm", password=PASSWORD)
    passkeys.add(ada)


def test_a_user_who_takes_long_to_make_a_key_can_still_add_it(site: Site, ada: Browser) -> None:
    sent = passkeys.made(ada, Key(), "add", name="Phone")
    site.wait(challenges.SECONDS - 1)
    assert ada.post(f"{PAGE}/add", **sent).status_code == 303


def test_adding_a_key_ends_copies_of_the_cookies_and_on_request_the_other_sessions(site: Site, ada: Browser) -> None:
    other, copy = site.browser("Safari on macOS"), site.thief(ada.pocket())
    other.sign_in()
    passkeys.add(ada)
    assert ada.is_signed_in()
    assert not copy.is_signed_in()
    assert other.is_signed_in()
    sent = passkeys.made(ada, Key(), "add", name="Phone")
    assert ada.post(f"{PAGE}/add", **sent, end_others="y").status_code == 303
    assert ada.is_signed_in()
    assert not other.is_signed_in()


@pytest.mark.stores("a race")
def test_one_of_two_nodes_accepts_a_signature_sent_to_both_at_once(site: Site, other_node: Site, key: Key) -> None:
    browser = site.browser()
    sent = passkeys.signed(browser, key, "sign-in")
    pocket = {CEREMONY: browser.cookie(CEREMONY) or ""}
    copies, answers, ready = [site.thief(pocket), other_node.thief(pocket)], [], threading.Barrier(2)

    def press(copy: Browser) -> None:
        ready.wait()
        answers.append(copy.post("/sign-in/passkey", **sent).status_code)

    threads = [threading.Thread(target=press, args=(copy,)) for copy in copies]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(answers) == [303, 422]
    assert sum(copy.is_signed_in() for copy in copies) == 1


def test_an_account_can_begin_with_a_passkey_alone(site: Site) -> None:
    browser, key = site.browser(), Key()
    assert passkeys.sign_up(browser, key).status_code == 303
    assert browser.is_signed_in()
    assert amr(browser) == ["pop", "mfa"]
    assert browser.sign_out().status_code == 303
    for password in ("", PASSWORD):
        assert browser.sign_in(password=password).status_code == 422
    passkeys.sign_in(browser, key)
    assert browser.is_signed_in()


def test_a_key_that_asks_for_no_finger_is_no_only_way_in(site: Site) -> None:
    assert passkeys.sign_up(site.browser(), Key(is_sure=False)).status_code == 422
    assert site.query("SELECT count(*) FROM users") == [(0,)]


def test_a_taken_address_is_said_before_a_key_is_made(site: Site, ada: Browser) -> None:
    browser = site.browser()
    typed = {"name": "Eve", "email": "ada@example.org"}
    assert browser.post("/passkeys/ask/sign-up", **typed).status_code == 422
    answer = browser.post("/sign-up/passkey", **typed)
    assert "This address has an account already" in answer.text


def test_a_registration_signs_up_no_second_user(site: Site) -> None:
    browser = site.browser()
    sent = passkeys.made(browser, Key(), "sign-up", email="ada@example.org", name="Ada")
    assert browser.post("/sign-up/passkey", **sent).status_code == 303
    again = browser.post("/sign-up/passkey", **sent | {"email": "bob@example.org"})
    assert again.status_code == 422
    assert site.query("SELECT count(*) FROM users") == [(1,)]


def test_the_last_way_in_cannot_be_removed(site: Site) -> None:
    browser, key = site.browser(), Key()
    passkeys.sign_up(browser, key)
    [(only,)] = site.query("SELECT id FROM passkeys")
    assert "is your only way in" in browser.get(f"{PAGE}/{only}/remove").text
    assert browser.post(f"{PAGE}/{only}/remove", end_others="y").status_code == 422
    passkeys.add(browser, Key(is_sure=False), name="Unsure")
    assert browser.post(f"{PAGE}/{only}/remove").status_code == 422, "the other cannot prove who the user is"
    passkeys.add(browser, Key(), name="Second")
    assert remove(browser, only).status_code == 303
    assert {name for (name,) in rows(site)} == {"Unsure", "Second"}


@pytest.mark.stores("a race")
def test_two_removals_at_once_leave_one_way_in(site: Site) -> None:
    browser = site.browser()
    passkeys.sign_up(browser, Key())
    passkeys.add(browser, Key(), name="Second")
    ids = [found for (found,) in site.query("SELECT id FROM passkeys")]
    copies = [site.thief(browser.pocket()) for _ in ids]
    acts = [
        threading.Thread(target=copy.post, args=(f"{PAGE}/{found}/remove",))
        for copy, found in zip(copies, ids, strict=True)
    ]
    for act in acts:
        act.start()
    for act in acts:
        act.join()
    assert site.query("SELECT count(*) FROM passkeys") == [(1,)]


def test_with_a_password_the_last_passkey_can_go(site: Site, ada: Browser, key: Key) -> None:
    assert remove(ada, key_id(site)).status_code == 303
    assert rows(site) == []
    assert "passkey_removed" in events(site)
    assert passkeys.sign_in(site.browser(), key).status_code == 422


def test_a_lost_key_is_removed_with_the_sessions_of_its_finder(site: Site, ada: Browser, key: Key) -> None:
    finder = site.browser("Safari on macOS")
    passkeys.sign_in(finder, key)
    before = ada.pocket()
    remove(ada, key_id(site), end_others="y")
    assert ada.is_signed_in()
    assert not finder.is_signed_in()
    assert not site.thief(before).is_signed_in(), "copies from before are worth nothing"


def test_a_sign_in_that_waits_for_a_code_ends_with_its_key(site: Site, ada: Browser) -> None:
    key = passkeys.add(ada, Key(is_sure=False))
    phone = add_app(ada)
    site.wait(STEP * 2)
    finder = site.browser()
    passkeys.sign_in(finder, key)
    remove(ada, key_id(site))
    finder.post("/sign-in/code", code=phone.code())
    assert not finder.is_signed_in()


def test_another_persons_passkey_does_not_exist(site: Site, ada: Browser, key: Key) -> None:
    eve, found = site.member("eve@example.org"), key_id(site)
    assert eve.get(f"{PAGE}/{found}/remove").status_code == 404
    assert eve.post(f"{PAGE}/{found}/remove").status_code == 404
    assert eve.post(f"{PAGE}/{found}/name", name="Mine").status_code == 404
    assert rows(site) == [("Laptop",)]


def test_each_has_a_name_and_says_when_it_was_used_and_where_it_is_kept(site: Site, ada: Browser) -> None:
    key = passkeys.add(ada, name="Laptop")
    passkeys.add(ada, Key(is_backed_up=True), name="Cloud")
    page = ada.get(PAGE).text
    assert "You have 2 passkeys" in page
    assert "not used yet" in page
    assert "kept on more than one device" in page
    passkeys.sign_in(site.browser(), replace(key, is_backed_up=True))
    assert rows(site, "name, is_backed_up, used_at IS NOT NULL") == [("Cloud", 1, 0), ("Laptop", 1, 1)]
    ada.post(f"{PAGE}/{key_id(site)}/name", name="Desk")
    assert "Desk" in ada.get(f"{PAGE}?done=renamed").text
    ada.post(f"{PAGE}/{key_id(site, 'Desk')}/name", name=" ")
    assert ("Desk",) in rows(site)


def test_a_password_can_be_added_to_an_account_without_one(site: Site) -> None:
    browser, key = site.browser(), Key()
    passkeys.sign_up(browser, key)
    assert "Current password" not in browser.get("/account/password").text
    site.wait(FRESH)
    assert browser.get("/account/password").headers["Location"].startswith("/confirm")
    page = browser.get("/confirm").text
    assert 'name="password"' not in page
    assert "I have lost my passkey" in page
    passkeys.confirm(browser, key)
    browser.post("/account/password", **form(browser, "/account/password"), password=PASSWORD)
    assert amr(browser) == ["pop", "mfa"]
    assert site.browser().sign_in().status_code == 303


def test_copied_cookies_add_no_first_password_a_while_after_the_proof(site: Site) -> None:
    browser = site.browser()
    passkeys.sign_up(browser, Key())
    site.wait(guard.NEW_WAY_SECONDS)
    thief = site.thief(browser.pocket())
    for answer in (thief.get("/account/password"), thief.post("/account/password", password=PASSWORD)):
        assert answer.headers["Location"] == "/confirm?next=/account/password"
    assert site.browser().sign_in().status_code == 422


@pytest.mark.parametrize(
    "sent", ["", "{", "[" * 9000, "null", "{}", '"text"', json.dumps({"id": "\ud800"}), "x" * 20_000], ids=repr
)
def test_a_malformed_signature_is_refused(site: Site, ada: Browser, sent: str) -> None:
    for purpose, path in (("sign-in", "/sign-in/passkey"), ("confirm", "/confirm"), ("add", f"{PAGE}/add")):
        _, stamp = passkeys.asked(ada, purpose)
        answer = ada.post(path, credential=sent, stamp=stamp, name="Key")
        assert answer.status_code == 422, path


@pytest.mark.parametrize("stamp", ["", ".", "x.y", "9" * 30 + ".y", "99999999999.y", "²." + "y"])
def test_a_made_up_stamp_is_refused(site: Site, key: Key, stamp: str) -> None:
    browser = site.browser()
    sent = passkeys.signed(browser, key, "sign-in")
    assert browser.post("/sign-in/passkey", **sent | {"stamp": stamp}).status_code == 422


def test_only_a_signed_in_user_is_asked_to_confirm_or_to_add(site: Site) -> None:
    for purpose in ("confirm", "add"):
        assert site.browser().post(f"/passkeys/ask/{purpose}", {"Accept": "application/json"}).status_code == 401


def test_an_account_has_twenty_at_most(site: Site, ada: Browser) -> None:
    for number in range(20):
        passkeys.add(ada, name=f"Key {number}")
    sent = passkeys.made(ada, Key(), "add", name="One more")
    assert ada.post(f"{PAGE}/add", **sent).status_code == 422
    assert len(rows(site)) == 20
    assert "An account can have no more of them" in ada.get(PAGE).text


def test_challenges_that_were_signed_are_forgotten_once_they_have_run_out(site: Site, key: Key) -> None:
    passkeys.sign_in(site.browser(), key)
    assert site.query("SELECT count(*) FROM spent_challenges") == [(2,)]
    site.wait(challenges.KEPT_SECONDS + 1)
    passkeys.sign_in(site.browser(), key)
    assert site.query("SELECT count(*) FROM spent_challenges") == [(1,)]
    site.wait(challenges.KEPT_SECONDS + 1)
    assert "spent challenges: 1 forgotten" in site.run("purge").output


def test_a_node_whose_clock_is_a_little_behind_takes_the_challenge_of_another(site: Site, key: Key) -> None:
    browser = site.browser()
    sent = passkeys.signed(browser, key, "sign-in")
    site.wait(-CLOCKS_DIFFER_SECONDS)
    assert browser.post("/sign-in/passkey", **sent).status_code == 303


def test_a_node_whose_clock_is_ahead_forgets_no_use_of_a_challenge_that_another_would_still_take(
    site: Site, key: Key
) -> None:
    browser = site.browser()
    sent = passkeys.signed(browser, key, "sign-in")
    assert browser.post("/sign-in/passkey", **sent).status_code == 303
    site.wait(challenges.SECONDS + 1)
    passkeys.sign_in(site.browser(), key)  # which also forgets what has run out
    site.wait(-2)
    assert browser.post("/sign-in/passkey", **sent).status_code == 422


def test_the_page_after_a_failure_can_be_loaded_again(site: Site) -> None:
    assert site.browser().get("/sign-in/passkey?next=/devices").headers["Location"] == "/sign-in?next=/devices"


def test_without_javascript_the_pages_say_so_and_offer_the_other_way(site: Site, ada: Browser, key: Key) -> None:
    for browser, page in (
        (site.browser(), "/sign-in"),
        (site.browser(), "/sign-up/passkey"),
        (ada, "/confirm"),
        (ada, f"{PAGE}/add"),
    ):
        text = browser.get(page).text
        assert "A passkey needs JavaScript, which is off in this browser." in text, page
        assert "<button hidden" in text, page


def test_half_a_ceremony_leaves_nothing(site: Site, ada: Browser, key: Key) -> None:
    stranger = site.browser()
    passkeys.signed(stranger, key, "sign-in")
    passkeys.made(stranger, Key(), "sign-up", email="bob@example.org", name="Bob")
    before = site.query("SELECT count(*) FROM spent_challenges")
    passkeys.made(ada, Key(), "add", name="Phone")
    assert not stranger.is_signed_in()
    assert site.query("SELECT count(*) FROM users") == [(1,)]
    assert rows(site) == [("Laptop",)]
    assert site.query("SELECT count(*) FROM spent_challenges") == before


def test_two_tabs_do_not_disturb_each_other(site: Site, ada: Browser, key: Key) -> None:
    first, second = (passkeys.signed(ada, key, "confirm") for _ in range(2))
    phone = passkeys.made(ada, Key(), "add", name="Phone")
    for sent in (second, first):
        assert ada.post("/confirm", **sent).status_code == 303
        assert ada.post("/confirm", **sent).status_code == 422, "each is good once"
    assert ada.post(f"{PAGE}/add", **phone).status_code == 303


def test_a_closed_account_is_not_opened_by_its_passkey(site: Site, key: Key) -> None:
    site.run("users", "disable", "ada@example.org")
    browser = site.browser()
    assert passkeys.sign_in(browser, key).status_code == 422
    assert not browser.is_signed_in()
    site.run("users", "enable", "ada@example.org")
    assert passkeys.sign_in(browser, key).status_code == 303


def test_an_account_without_a_password_is_deleted_after_its_passkey_has_confirmed(site: Site) -> None:
    browser, key = site.browser(), Key()
    passkeys.sign_up(browser, key)
    passkeys.add(browser, Key(is_sure=False), name="Weak")
    waiting = site.browser()
    sent = passkeys.signed(waiting, key, "sign-in")
    assert browser.post("/confirm", password=PASSWORD, action="delete").status_code == 422
    assert passkeys.confirm(browser, key, action="delete").status_code == 303
    assert rows(site) == []
    assert waiting.post("/sign-in/passkey", **sent).status_code == 422
    assert passkeys.sign_up(site.browser(), key).status_code == 303, "the device may still have it"


@pytest.mark.nodes
def test_an_older_node_does_not_delete_an_account_of_which_it_does_not_know_the_keys(
    site: Site, ada: Browser, key: Key, monkeypatch: pytest.MonkeyPatch
) -> None:
    known = [table for table in erasure.tables() if table is not Passkey.__table__]
    with monkeypatch.context() as older:
        older.setattr(erasure, "tables", lambda: iter(known))
        assert ada.post("/confirm", password=PASSWORD, action="delete").status_code >= 500
    assert ada.is_signed_in()
    assert rows(site) == [("Laptop",)]
    assert ada.post("/confirm", password=PASSWORD, action="delete").status_code == 303
    assert rows(site) == []
