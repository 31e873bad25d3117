"""A session bound to its device: a copy of its cookies is worth nothing, and its owner notices nothing."""

import json
import re
from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

import pytest
from werkzeug.test import TestResponse

from app.crypto.jwk import LONGEST_JWT
from app.identity import device
from app.web import device_binding
from tests.browsers import ACCESS, PASSWORD, REFRESH, Site, events, form
from tests.conftest import StillClock
from tests.device import ASIDE, BOUND, CHALLENGE, OFFER, PROOF, SID, URL, Chrome, Key, thief
from tests.oauth.conftest import register
from tests.test_statements import noting, steady

LIFE = 300
OpenSite = Callable[..., Site]


@pytest.fixture
def secure(open_site: OpenSite) -> Site:
    """The site on https."""
    return open_site(SITE_URL=URL)


@pytest.fixture
def ada(secure: Site) -> Chrome:
    """A browser whose session is bound."""
    return Chrome(secure).enter()


def reason(site: Site) -> list[Any]:
    """Why sessions were ended."""
    return site.query("SELECT reason FROM log_entries WHERE kind = 'revoked'")


# The offer


def test_the_answer_that_signs_in_offers_it_and_no_other_does(secure: Site) -> None:
    browser = Chrome(secure)
    signed_up = browser.sign_up()
    assert signed_up.headers[OFFER].startswith('(ES256);path="/session/bind";challenge="')
    secure.wait(LIFE + 1)
    for path in ("/account", "/devices", "/sign-in", "/"):
        assert OFFER not in browser.get(path).headers, path
    browser.sign_out()
    assert OFFER in browser.sign_in().headers
    assert OFFER not in browser.sign_out().headers


@pytest.mark.page
@pytest.mark.parametrize(
    ("at", "settings"),
    [
        ("http://localhost:8000", {}),
        (URL, {"BOUND_SECONDS": "0"}),
        (URL, {"INSECURE_COOKIES": "1"}),
    ],
)
def test_where_no_browser_can_take_it_up_or_the_operator_does_not_want_it_nothing_is_offered(
    open_site: OpenSite, at: str, settings: dict[str, str]
) -> None:
    browser = Chrome(open_site(SITE_URL=at, **settings))
    browser.at = at
    assert OFFER not in browser.sign_up().headers


def test_a_browser_that_does_not_take_it_up_goes_on_as_ever(secure: Site) -> None:
    browser = Chrome(secure)
    browser.sign_up()
    copy = thief(secure, browser.pocket())
    secure.wait(LIFE + 1)
    assert browser.is_signed_in()
    assert browser.cookie(BOUND) is None
    assert "session_bound" not in events(secure)
    assert browser.session()["bound"] is False
    assert copy.get("/account").status_code == 200  # which is what binding is for


def test_the_browser_learns_what_to_renew_where_and_for_which_requests(secure: Site) -> None:
    browser = Chrome(secure)
    browser.take(browser.sign_up())
    answer = browser.bind()
    told = answer.get_json()
    assert told["refresh_url"] == "/session/refresh"
    assert told["credentials"] == [
        {"type": "cookie", "name": BOUND, "attributes": "Secure, HttpOnly, Path=/, SameSite=Lax".replace(", ", "; ")}
    ]
    assert told["scope"]["include_site"] is False
    excluded = {rule["path"] for rule in told["scope"]["scope_specification"] if rule["type"] == "exclude"}
    assert {"/static", "/live", "/api", "/sign-out", "/healthz"} <= excluded
    [cookie] = answer.headers.getlist("Set-Cookie")
    for part in (f"{BOUND}=", "; Secure", "; HttpOnly", "; Path=/", "; SameSite=Lax", "; Max-Age="):
        assert part in cookie
    assert 0 < int(re.findall(r"Max-Age=(\d+)", cookie)[0]) < LIFE  # it is gone before the server refuses it


def test_until_the_cookie_comes_back_the_session_works_without(secure: Site) -> None:
    browser = Chrome(secure)
    browser.take(browser.sign_up())
    browser.bind()
    lost = thief(secure, browser.pocket(), BOUND)
    assert lost.is_signed_in()  # a lost answer does not lock the owner out
    assert browser.is_signed_in()
    assert not lost.is_signed_in()


def test_an_offer_that_is_late_binds_nothing(secure: Site) -> None:
    browser = Chrome(secure)
    browser.take(browser.sign_up())
    secure.wait(device_binding.OFFER_SECONDS)
    assert browser.bind().status_code == 401
    assert browser.is_signed_in()


def test_a_thief_without_the_offer_cannot_bind_a_session_to_another_key(secure: Site) -> None:
    browser, other = Chrome(secure), Chrome(secure)
    browser.sign_up()
    other.take(other.sign_up("bob@example.org"))
    copy = thief(secure, browser.pocket())
    for challenge in (other.offer, "", "x", "é", "A" * 700):
        assert copy.bind(copy.key.prove(challenge, is_first=True)).status_code == 401
    assert browser.session()["bound"] is False


def test_an_offer_is_for_the_session_that_it_came_with(secure: Site) -> None:
    browser, other = Chrome(secure), Chrome(secure)
    browser.take(browser.sign_up())
    other.sign_up("bob@example.org")
    other.offer = browser.offer
    assert other.bind().status_code == 401
    assert Chrome(secure).bind(browser.key.prove(browser.offer, is_first=True)).status_code == 401
    assert browser.bind().status_code == 200


def test_the_first_key_stays(ada: Chrome, secure: Site) -> None:
    copy = thief(secure, ada.pocket())
    assert copy.bind(copy.key.prove(ada.offer, is_first=True)).status_code == 401
    assert copy.bind(ada.key.prove(ada.offer, is_first=True)).status_code == 401  # sent again: it earns no cookie
    assert ada.renew().status_code == 200


@pytest.mark.parametrize(
    "proof",
    [
        lambda browser: browser.key.prove(browser.offer),
        lambda browser: browser.key.prove(browser.offer, is_first=True, typ="JWT"),
        lambda browser: browser.key.prove(browser.offer, is_first=True, jwk=Key().jwk),
        lambda browser: "x" * (LONGEST_JWT + 1),
    ],
    ids=["without its key", "of another type", "with another key", "too long"],
)
def test_a_registration_that_proves_no_key_binds_nothing(secure: Site, proof: Callable[[Chrome], str]) -> None:
    browser = Chrome(secure)
    browser.take(browser.sign_up())
    assert browser.bind(proof(browser)).status_code == 401
    assert BOUND not in browser.pocket()
    assert browser.bind().status_code == 200


def test_a_session_that_was_ended_meanwhile_is_not_bound(secure: Site) -> None:
    browser = Chrome(secure)
    browser.take(browser.sign_up())
    pocket = browser.pocket()
    browser.sign_out()
    assert thief(secure, pocket).bind(browser.key.prove(browser.offer, is_first=True)).status_code == 401


# Copies


@pytest.mark.parametrize("lacking", [(BOUND,), (BOUND, ACCESS), (BOUND, REFRESH)])
def test_a_copy_without_the_bound_cookie_is_refused_at_once_without_an_alarm(
    ada: Chrome, secure: Site, lacking: tuple[str, ...]
) -> None:
    copy = thief(secure, ada.pocket(), *lacking)
    for _ in range(2):
        answer = copy.get("/account")
        assert answer.status_code == 303
        assert answer.location.startswith("/sign-in")
        assert not answer.headers.getlist("Set-Cookie")
        secure.wait(LIFE // 2)
    assert copy.get("/devices", Accept="application/json").status_code == 401
    assert ada.renew().status_code == 200
    assert ada.is_signed_in()
    assert not reason(secure)
    assert not {"refresh_reused", "proof_failed"} & set(events(secure))


def test_an_old_refresh_token_of_a_bound_session_does_not_let_a_thief_end_it_as_a_theft(
    ada: Chrome, secure: Site, still_clock: StillClock
) -> None:
    copy = thief(secure, ada.pocket(), BOUND, ACCESS)
    secure.wait(LIFE + 1)
    ada.renew()
    assert ada.is_signed_in()  # with a new pair
    secure.wait(60)
    assert not copy.is_signed_in()
    ada.renew()
    assert ada.is_signed_in()


def test_with_every_cookie_a_thief_gets_in_until_the_bound_one_is_over_and_renews_nothing(
    ada: Chrome, secure: Site
) -> None:
    copy = thief(secure, ada.pocket())
    secure.wait(LIFE - 1)
    assert copy.is_signed_in()
    secure.wait(1)
    assert not copy.is_signed_in()
    copy.sid = ada.sid
    assert copy.renew().status_code == 401
    assert not copy.is_signed_in()


def test_the_bound_cookie_alone_signs_no_user_in(ada: Chrome, secure: Site) -> None:
    assert not thief(secure, ada.pocket(), ACCESS, REFRESH).is_signed_in()


def test_the_bound_cookie_of_one_session_is_no_good_for_another(ada: Chrome, secure: Site) -> None:
    bob = Chrome(secure).enter("bob@example.org")
    mixed = thief(secure, ada.pocket() | {BOUND: bob.pocket()[BOUND]})
    assert not mixed.is_signed_in()
    mixed.client.set_cookie(ASIDE, bob.pocket()[BOUND])
    assert not mixed.is_signed_in()


@pytest.mark.parametrize(
    "change", [lambda value: value[:-4] + "AAAA", lambda value: value[4:], lambda _: "x", str.lower]
)
def test_a_bound_cookie_that_was_made_up_is_no_good(ada: Chrome, secure: Site, change: Callable[[str], str]) -> None:
    pocket = ada.pocket()
    assert not thief(secure, pocket | {BOUND: change(pocket[BOUND])}).is_signed_in()


def test_a_challenge_or_an_offer_does_not_pass_for_a_cookie(ada: Chrome, secure: Site) -> None:
    ada.refresh()
    for sealed in (ada.offer, ada.challenge):
        assert not thief(secure, ada.pocket() | {BOUND: sealed}).is_signed_in()


def test_copied_cookies_can_still_sign_the_owner_out(ada: Chrome, secure: Site) -> None:
    copy = thief(secure, ada.pocket(), BOUND)
    assert copy.sign_out().status_code == 303
    assert not ada.is_signed_in()


@pytest.mark.page
def test_the_page_that_refuses_says_why(ada: Chrome, secure: Site) -> None:
    copy = thief(secure, ada.pocket(), BOUND)
    page = copy.get(copy.get("/account").location).text
    assert "did not prove that it is the device that signed in" in page
    assert "did not prove" not in thief(secure, {}).get("/sign-in").text


@pytest.mark.page
def test_a_browser_that_another_site_sent_here_is_led_on_once_as_it_proves_nothing_before(
    ada: Chrome, secure: Site
) -> None:
    secure.wait(LIFE)
    sent = ada.get("/devices?done=ended", **{"Sec-Fetch-Site": "cross-site"})
    page = ada.get(sent.location, **{"Sec-Fetch-Site": "cross-site"}).text
    assert '<meta http-equiv="refresh" content="0; url=/devices?done=ended">' in page
    assert "did not prove" in ada.get(sent.location, **{"Sec-Fetch-Site": "same-origin"}).text
    plain = Chrome(secure)
    assert "http-equiv" not in plain.get(sent.location, **{"Sec-Fetch-Site": "cross-site"}).text
    ada.sign_out()
    assert "http-equiv" not in ada.get(sent.location, **{"Sec-Fetch-Site": "cross-site"}).text


def test_an_access_token_of_a_bound_session_is_no_bearer_token(ada: Chrome, secure: Site) -> None:
    answer = thief(secure, {}).api(ada.pocket()[ACCESS])
    assert answer.status_code == 401
    assert "invalid_token" in answer.headers["WWW-Authenticate"]
    unbound = Chrome(secure)
    unbound.sign_up("bob@example.org")
    assert unbound.api(unbound.pocket()[ACCESS]).status_code == 200


def test_an_access_token_of_a_bound_session_is_inactive_for_a_resource_server_that_asks(
    ada: Chrome, secure: Site
) -> None:
    server = register(secure, "A resource server", scope="introspect")
    unbound = Chrome(secure)
    unbound.sign_up("bob@example.org")
    for browser, is_active in ((ada, False), (unbound, True)):
        answer = server.post("/oauth/introspect", token=browser.pocket()[ACCESS])
        assert answer.get_json()["active"] is is_active


def test_live_says_that_the_session_goes_on_without_the_cookie_and_notes_no_use(ada: Chrome, secure: Site) -> None:
    sid = ada.session()["sid"]
    secure.wait(LIFE - 60)
    ada.renew()
    secure.wait(61)
    assert ada.is_signed_in()  # with tokens of which no copy was used
    used = "SELECT seen_at FROM refresh_tokens ORDER BY issued_at"
    before = secure.query(used)
    for lacking in (BOUND, f"{BOUND} {ACCESS}", f"{BOUND} {REFRESH}"):
        copy = thief(secure, ada.pocket(), *lacking.split())
        assert copy.get(f"/live?session={sid}&at=/devices").status_code == 204
    assert secure.query(used) == before
    ada.sign_out()
    secure.wait(60)
    assert copy.get(f"/live?session={sid}&at=/devices").status_code == 401


# The proof


def test_a_proof_brings_the_cookie_and_the_next_challenge_and_rotates_nothing(ada: Chrome, secure: Site) -> None:
    before = ada.pocket()
    secure.wait(LIFE + 1)
    assert ada.renew().status_code == 200
    after = ada.pocket()
    assert (after[ACCESS], after[REFRESH]) == (before[ACCESS], before[REFRESH])
    assert after[BOUND] != before[BOUND]
    assert ada.is_signed_in()
    assert ada.refresh(ada.key.prove(ada.challenge)).status_code == 200  # in one round trip


def test_a_proof_is_no_use_of_the_session(secure: Site) -> None:
    ada = Chrome(secure).enter()
    seen = ada.session()["last_seen_at"]
    secure.wait(LIFE - 1)
    ada.renew()
    secure.wait(-LIFE + 1)
    assert ada.session()["last_seen_at"] == seen


Tried = Callable[[Chrome, Site], TestResponse]


def wrong_key(ada: Chrome, _site: Site) -> TestResponse:
    ada.refresh()
    return ada.refresh(Key().prove(ada.challenge))


def own_key_beside_it(ada: Chrome, _site: Site) -> TestResponse:
    ada.refresh()
    return ada.refresh(Key().prove(ada.challenge, is_first=True))


def no_signature(ada: Chrome, _site: Site) -> TestResponse:
    ada.refresh()
    return ada.refresh(ada.key.prove(ada.challenge).rpartition(".")[0] + ".")


def too_long(ada: Chrome, _site: Site) -> TestResponse:
    ada.refresh()
    return ada.refresh(ada.key.prove(ada.challenge, padding="x" * LONGEST_JWT))


def made_up(ada: Chrome, _site: Site) -> TestResponse:
    return ada.refresh("x")


@pytest.mark.parametrize("tried", [wrong_key, own_key_beside_it, no_signature, too_long, made_up])
def test_a_proof_that_is_not_of_the_devices_key_is_refused_and_its_owner_is_told(
    ada: Chrome, secure: Site, tried: Tried, caplog: pytest.LogCaptureFixture
) -> None:
    copy = thief(secure, ada.pocket())
    copy.sid, copy.key = ada.sid, ada.key
    answer = tried(copy, secure)
    assert answer.status_code == 401
    assert answer.get_json()["continue"] is False
    assert not answer.headers.getlist("Set-Cookie")
    tried(copy, secure)
    assert events(secure).count("proof_failed") == 1  # in an hour
    assert secure.query("SELECT notice FROM activity WHERE event = 'proof_failed'") == [("site",)]
    assert "could not prove the key of yours" in ada.get("/activity").text
    assert ada.renew().status_code == 200
    assert ada.is_signed_in()


def an_old_challenge(ada: Chrome, site: Site) -> TestResponse:
    ada.refresh()
    site.wait(device_binding.CHALLENGE_SECONDS)
    return ada.refresh(ada.key.prove(ada.challenge))


def a_challenge_of_another_session(ada: Chrome, site: Site) -> TestResponse:
    bob = Chrome(site).enter("bob@example.org")
    bob.refresh()
    return ada.refresh(ada.key.prove(bob.challenge))


def a_made_up_challenge(ada: Chrome, _site: Site) -> TestResponse:
    return ada.refresh(ada.key.prove("xyz"))


def the_offer(ada: Chrome, _site: Site) -> TestResponse:
    return ada.refresh(ada.key.prove(ada.offer))


def the_cookie(ada: Chrome, _site: Site) -> TestResponse:
    return ada.refresh(ada.key.prove(ada.pocket()[BOUND]))


def the_same_proof_again(ada: Chrome, _site: Site) -> TestResponse:
    ada.refresh()
    proof = ada.key.prove(ada.challenge)
    assert ada.refresh(proof).status_code == 200
    return ada.refresh(proof)


def an_older_challenge(ada: Chrome, _site: Site) -> TestResponse:
    ada.refresh()
    first = ada.challenge
    assert ada.refresh(ada.key.prove(first)).status_code == 200
    return ada.refresh(ada.key.prove(first))


@pytest.mark.parametrize(
    "tried",
    [
        an_old_challenge,
        a_challenge_of_another_session,
        a_made_up_challenge,
        the_offer,
        the_cookie,
        the_same_proof_again,
        an_older_challenge,
    ],
)
def test_a_proof_that_answers_another_challenge_earns_nothing_but_the_next(
    ada: Chrome, secure: Site, tried: Tried
) -> None:
    answer = tried(ada, secure)
    assert answer.status_code == 403
    assert not answer.headers.getlist("Set-Cookie")
    assert ada.refresh(ada.key.prove(ada.challenge)).status_code == 200


@pytest.mark.stores("a race")
def test_a_proof_is_accepted_once_on_all_nodes_together(open_site: OpenSite) -> None:
    here, there = open_site(SITE_URL=URL), open_site(SITE_URL=URL)
    ada = Chrome(here).enter()
    ada.refresh()
    proof = ada.key.prove(ada.challenge)
    copy = thief(there, ada.pocket())
    copy.sid = ada.sid
    assert copy.refresh(proof).status_code == 200
    assert ada.refresh(proof).status_code == 403


def test_a_session_is_renewed_by_its_own_browser_alone(ada: Chrome, secure: Site) -> None:
    bob = Chrome(secure).enter("bob@example.org")
    ada.refresh()
    proof = ada.key.prove(ada.challenge)
    assert bob.refresh(proof, sid=ada.sid).status_code == 401
    assert bob.refresh(sid=ada.sid).status_code == 401
    assert Chrome(secure).refresh(proof, sid=ada.sid).status_code == 401  # it has not even her cookies
    assert ada.refresh(sid="x").status_code == 401
    assert not {"proof_failed"} & set(events(secure))
    assert ada.refresh(proof).status_code == 200


def test_a_session_that_is_not_bound_has_nothing_to_renew(secure: Site) -> None:
    browser = Chrome(secure)
    browser.sign_up()
    browser.sid = browser.session()["sid"]
    answer = browser.refresh()
    assert (answer.status_code, answer.get_json()["continue"]) == (401, False)
    assert CHALLENGE not in answer.headers


def test_header_values_count_with_quotes_and_without(ada: Chrome) -> None:
    ada.refresh()
    proof = ada.key.prove(ada.challenge)
    assert ada.post("/session/refresh", {SID: f'"{ada.sid}"', PROOF: f'"{proof}"'}).status_code == 200


def test_the_end_of_a_session_ends_its_binding(ada: Chrome, secure: Site) -> None:
    pocket = ada.pocket()
    answer = ada.sign_out()
    assert BOUND not in ada.pocket()
    assert '"storage"' in answer.headers["Clear-Site-Data"]
    copy = thief(secure, pocket)
    copy.sid = ada.sid
    answer = copy.refresh()
    assert (answer.status_code, answer.get_json()["continue"]) == (401, False)
    assert not copy.is_signed_in()


@pytest.mark.page
def test_the_receipt_says_that_the_binding_is_over_and_proves_that_the_tokens_are(ada: Chrome) -> None:
    ada.sign_out()
    page = ada.get("/signed-out").text
    assert "bound to this device" in page
    assert page.count("refused") >= 2


def test_another_site_renews_and_binds_nothing(ada: Chrome) -> None:
    ada.refresh()
    headers = {SID: ada.sid, PROOF: ada.key.prove(ada.challenge), "Origin": "https://elsewhere.example"}
    assert ada.post("/session/refresh", headers).status_code == 403
    assert ada.post("/session/bind", headers).status_code == 403
    assert ada.renew().status_code == 200


def test_while_the_store_is_away_the_binding_is_kept(ada: Chrome, secure: Site) -> None:
    assert ada.client.post("/test/store", base_url=URL, json={"down": True}).get_json() == {"down": True}
    assert ada.refresh().status_code == 503
    ada.client.post("/test/store", base_url=URL, json={"down": False})
    assert ada.renew().status_code == 200


# Sensitive acts


@pytest.fixture
def laptop(ada: Chrome, secure: Site) -> str:
    """The id of another session of Ada's."""
    other = Chrome(secure, "Firefox on Linux")
    other.sign_in()
    return str(other.session()["sid"])


def is_over(browser: Chrome, sid: str) -> bool:
    return next(line for line in browser.sessions() if line["sid"] == sid)["ended_at"] is not None


def send_again(browser: Chrome, asked: TestResponse, **fields: str) -> TestResponse:
    """Follow a 307 as Chromium does: it renews the cookie that the answer took away, then sends the form again."""
    assert asked.status_code == 307
    assert browser.cookie(BOUND) is None
    assert browser.renew().status_code == 200
    return browser.post(asked.location, **fields)


def test_a_sensitive_act_asks_the_device_and_is_then_done(ada: Chrome, secure: Site, laptop: str) -> None:
    pocket, fields = ada.pocket(), form(ada, "/devices")
    asked = ada.post(f"/devices/{laptop}/end", **fields)
    assert not is_over(thief(secure, pocket), laptop)
    done = send_again(ada, asked, **fields)
    assert done.location.startswith("/devices?done=ended")
    assert is_over(ada, laptop)


def test_with_every_cookie_a_thief_does_no_sensitive_act(ada: Chrome, secure: Site, laptop: str) -> None:
    copy = thief(secure, ada.pocket())
    asked = copy.post(f"/devices/{laptop}/end")
    assert asked.status_code == 307
    again = copy.post(f"/devices/{laptop}/end")
    assert again.location.startswith("/confirm?action=end")
    assert copy.get("/account/export").location.startswith("/confirm")
    assert copy.post("/account/passkeys/add", credential="{}", name="Mine").location.startswith("/confirm")
    for path in ("/devices/end-others", "/devices/end-all", "/account/authenticator", "/account/delete"):
        assert copy.post(path).location.startswith("/confirm")
    assert not is_over(ada, laptop)


def test_a_thief_gains_nothing_by_the_proof_that_the_owner_made_for_an_act(
    ada: Chrome, secure: Site, laptop: str
) -> None:
    fields = form(ada, "/devices")
    before = thief(secure, ada.pocket())
    asked = ada.post(f"/devices/{laptop}/end", **fields)
    ada.renew()
    during = thief(secure, ada.pocket())
    for copy in (before, during):
        assert copy.post("/devices/end-others").location.startswith("/confirm")
    ada.post(asked.location, **fields)
    after = thief(secure, ada.pocket())
    assert after.post("/devices/end-others").location.startswith("/confirm")
    assert not is_over(ada, ada.session()["sid"])


def test_a_second_act_within_three_minutes_asks_for_the_password_and_does_it(
    ada: Chrome, secure: Site, laptop: str
) -> None:
    other = Chrome(secure, "Firefox on Linux")
    other.sign_in()
    third = str(other.session()["sid"])
    fields = form(ada, "/devices")
    send_again(ada, ada.post(f"/devices/{laptop}/end", **fields), **fields)
    secure.wait(1)
    asked = ada.post(f"/devices/{third}/end")
    assert asked.location == f"/confirm?action=end:{third}"
    confirmed = ada.post("/confirm", action=f"end:{third}", password=PASSWORD)
    assert confirmed.location.startswith("/devices?done=ended")
    copy = thief(secure, ada.pocket())
    assert copy.post("/devices/end-others").location.startswith("/confirm")
    secure.wait(device.APART_SECONDS)
    ada.renew()
    assert ada.post("/devices/end-others").status_code == 307


def test_a_password_given_since_is_good_for_one_act_of_those_tokens(ada: Chrome, secure: Site) -> None:
    copy = thief(secure, ada.pocket())
    assert copy.get("/account/export").status_code == 307
    secure.wait(1)
    assert ada.get("/account/export").location.startswith("/confirm?next=")
    ada.post("/confirm", next="/account/data", password=PASSWORD)
    assert copy.get("/account/export").status_code == 303  # her older tokens have not made that proof
    assert ada.get("/account/export").status_code == 200
    assert ada.get("/account/export").status_code == 303


def test_a_browser_that_proves_nothing_when_asked_is_not_signed_out_and_gives_the_password(
    ada: Chrome, laptop: str
) -> None:
    asked = ada.post(f"/devices/{laptop}/end")
    assert asked.status_code == 307
    assert ada.cookie(BOUND) is None
    again = ada.post(asked.location)  # the browser has used up its quota
    assert again.location == f"/confirm?action=end:{laptop}"
    assert ada.is_signed_in()
    assert ada.post("/confirm", action=f"end:{laptop}", password=PASSWORD).status_code == 303
    assert is_over(ada, laptop)


def test_what_was_put_aside_is_good_no_longer_than_it_was(ada: Chrome, secure: Site, laptop: str) -> None:
    secure.wait(LIFE - 1)
    ada.post(f"/devices/{laptop}/end")
    assert ada.is_signed_in()
    secure.wait(1)
    assert not ada.is_signed_in()
    assert ada.renew().status_code == 200
    assert ada.is_signed_in()


def test_a_proof_that_was_asked_for_is_good_for_a_minute(ada: Chrome, secure: Site, laptop: str) -> None:
    fields = form(ada, "/devices")
    asked = ada.post(f"/devices/{laptop}/end", **fields)
    secure.wait(device.ASKED_SECONDS)
    ada.renew()
    assert ada.post(asked.location, **fields).location.startswith("/confirm")


def test_a_session_that_is_not_bound_is_asked_nothing_new(secure: Site) -> None:
    browser, other = Chrome(secure), Chrome(secure)
    browser.sign_up()
    other.sign_in()
    sid = other.session()["sid"]
    assert browser.post(f"/devices/{sid}/end").location.startswith("/devices?done=ended")
    assert browser.get("/account/export").status_code == 200


def test_pages_only_to_be_read_ask_nothing(ada: Chrome) -> None:
    for path in ("/account", "/devices", "/activity", "/account/data", "/account/authenticator", "/account/password"):
        assert ada.get(path).status_code == 200, path


# What stays


def test_a_change_of_password_keeps_the_binding(ada: Chrome, secure: Site) -> None:
    copy = thief(secure, ada.pocket())
    new = "an even longer set of otters"
    assert ada.post("/account/password", current=PASSWORD, password=new).status_code == 303
    assert ada.is_signed_in()
    assert not copy.is_signed_in()
    assert ada.session()["bound"] is True
    assert ada.renew().status_code == 200
    secure.wait(LIFE + 1)
    assert not ada.is_signed_in()
    ada.renew()
    assert ada.is_signed_in()
    secure.wait(1)
    assert thief(secure, ada.pocket()).post("/devices/end-others").status_code in (303, 307)


def test_a_user_who_lost_the_key_signs_in_again(ada: Chrome, secure: Site) -> None:
    secure.wait(LIFE + 1)
    ada.forget(BOUND)  # as in a profile that was restored on another machine
    assert not ada.is_signed_in()
    answer = ada.sign_in()
    assert answer.status_code == 303
    assert ada.is_signed_in()
    ada.key = Key()
    ada.take(answer)
    assert ada.bind().status_code == 200
    assert ada.is_signed_in()
    assert ada.session()["bound"] is True
    assert reason(secure) == [("replaced",)]


@pytest.mark.page
def test_the_page_of_what_the_browser_holds_knows_the_third_cookie(ada: Chrome, secure: Site) -> None:
    assert f"<code>{BOUND}</code>" in ada.get("/holds").text
    assert "holds three cookies" in ada.get("/holds").text
    plain = Chrome(secure)
    plain.sign_up("bob@example.org")
    assert "holds two cookies" in plain.get("/holds").text


@pytest.mark.page
def test_it_is_shown_on_the_devices_page_and_in_the_activity(ada: Chrome) -> None:
    assert "bound to this device" in ada.get("/devices").text
    assert ada.session()["bound"] is True
    assert "This session was bound to its device" in ada.get("/activity").text


def test_no_secret_of_it_is_logged(ada: Chrome, secure: Site, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level("INFO"):
        ada.renew()
        wrong_key(ada, secure)
    for secret in (*ada.pocket().values(), ada.challenge, ada.offer):
        assert secret not in caplog.text


@pytest.mark.page
def test_to_let_an_app_in_asks_the_device_as_the_app_would_outlast_the_cookies(ada: Chrome, secure: Site) -> None:
    about = "--public", "--scope", "openid offline_access", "--redirect-uri", "http://127.0.0.1/back"
    made = secure.run("clients", "add", "Mail", *about, "--json")
    query = {
        "client_id": json.loads(made.output)["client_id"],
        "response_type": "code",
        "redirect_uri": "http://127.0.0.1/back",
        "scope": "openid offline_access",
        "code_challenge": "x" * 43,
        "code_challenge_method": "S256",
    }
    page = f"/oauth/authorize?{urlencode(query)}"
    copy = thief(secure, ada.pocket())
    fields = form(ada, page, decision="allow")
    done = send_again(ada, ada.post(page, **fields), **fields)
    assert done.location.startswith("http://127.0.0.1/back?code=")
    refused = copy.post(page, **form(copy, page, decision="allow"))
    assert refused.location.startswith("/confirm?next=")


def test_a_page_and_a_renewal_of_a_bound_session_ask_the_database_as_much_as_of_another(
    open_site: OpenSite, monkeypatch: pytest.MonkeyPatch
) -> None:
    secure = steady(open_site, monkeypatch, SITE_URL=URL)
    ada, plain, other = Chrome(secure).enter(), Chrome(secure), Chrome(secure)
    plain.sign_up("bob@example.org")
    assert plain.is_signed_in()
    other.sign_up("eve@example.org")
    other.sign_out()  # which waits until this node, too, has read so far
    for forgotten in ((), (ACCESS,)):
        asked = []
        for browser in (ada, plain):
            browser.forget(*forgotten)
            with noting(secure) as noted:
                assert browser.is_signed_in()
            asked.append(noted.statements)
        assert asked[0] == asked[1]
