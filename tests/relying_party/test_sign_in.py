"""Signing in at a relying party: which answers of an issuer it takes, from whom, and how often."""

import base64
import hashlib

import pytest

from app.relying_party import attempts, visits
from app.relying_party.issuer import Issuer
from app.relying_party.site import create_site
from tests.relying_party.fake_issuer import ISSUER, URL, FakeIssuer, Party

pytestmark = pytest.mark.sqlite


def test_a_visitor_is_asked_for_by_code_with_pkce_state_and_nonce_and_let_in(party: Party) -> None:
    ada = party.visitor()
    asked = ada.begin()
    assert (asked["response_type"], asked["code_challenge_method"]) == ("code", "S256")
    assert asked["redirect_uri"] == f"{URL}/callback"
    assert set(asked["scope"].split()) == {"openid", "profile"}
    assert ada.answer(asked).location == "/"
    assert ada.is_signed_in()
    sent = dict(party.issuer.asked)["/token"]
    digest = base64.urlsafe_b64encode(hashlib.sha256(sent["code_verifier"].encode()).digest())
    assert digest.rstrip(b"=").decode() == asked["code_challenge"]


def test_no_token_is_on_any_page_and_its_cookies_are_its_own(party: Party) -> None:
    ada = party.visitor()
    asked = ada.begin()
    came = ada.answer(asked)
    (cookie,) = came.headers.getlist("Set-Cookie")
    assert cookie.startswith("rp-session-8001=")
    assert "HttpOnly" in cookie
    assert "SameSite=Lax" in cookie
    page = ada.get("/").text
    assert not [secret for secret in ("access-secret", "refresh-", "eyJ") if secret in page + came.text]


def test_no_two_visits_look_alike(party: Party) -> None:
    first, second = party.visitor().begin(), party.visitor().begin()
    assert not {first[name] for name in ("state", "nonce", "code_challenge")} & set(second.values())


def test_aut_04_an_answer_that_names_another_issuer_stops_before_any_token_is_asked_for(party: Party) -> None:
    for named in ("https://evil.example", f"{ISSUER}/", ISSUER.upper(), ""):
        ada = party.visitor()
        refused = ada.answer(ada.begin(), iss=named)
        assert refused.status_code == 400
        assert "Another site answered" in refused.text
    assert "/token" not in party.issuer.paths()


def test_aut_04_a_refusal_that_names_another_issuer_is_not_believed_either(party: Party) -> None:
    ada = party.visitor()
    assert "Another site answered" in ada.answer(ada.begin(), iss="https://evil.example", error="access_denied").text


def test_aut_10_an_answer_works_in_the_browser_that_asked_and_there_once(party: Party) -> None:
    ada, eve = party.visitor(), party.visitor()
    asked = ada.begin()
    eve.begin()
    assert eve.answer(asked).status_code == 400
    assert not eve.is_signed_in()
    assert "/token" not in party.issuer.paths()
    assert ada.answer(asked).location == "/"
    again = ada.answer(asked)
    assert again.status_code == 400
    assert "not for this browser" in again.text
    assert party.issuer.paths().count("/token") == 1
    assert ada.is_signed_in()


def test_what_others_send_to_the_callback_does_not_spoil_a_sign_in_under_way(party: Party) -> None:
    ada = party.visitor()
    asked = ada.begin()
    for state in ("", "guessed", "ä"):
        assert ada.answer(asked, state=state).status_code == 400
    assert ada.answer(asked).location == "/"


def test_an_answer_that_comes_too_late_is_refused(party: Party, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(attempts, "SECONDS", -1)
    assert party.visitor().sign_in().status_code == 400


def test_a_crowd_that_only_begins_leaves_room_for_the_last_visitor(
    party: Party, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(attempts, "MAX_ATTEMPTS", 2)
    first = party.visitor()
    asked = first.begin()
    for _ in range(2):
        party.visitor().begin()
    assert first.answer(asked).status_code == 400
    assert party.visitor().sign_in().location == "/"


def test_a_parameter_that_comes_twice_counts_for_nothing(party: Party) -> None:
    ada = party.visitor()
    asked = ada.begin()
    refused = ada.client.get(
        f"/callback?code=x&state={asked['state']}&iss=https://evil.example&iss={ISSUER}", base_url=URL
    )
    assert "Another site answered" in refused.text


def test_a_user_who_says_no_at_the_issuer_is_not_signed_in(party: Party) -> None:
    ada = party.visitor()
    refused = ada.answer(ada.begin(), error="access_denied")
    assert "You were not signed in" in refused.text
    assert "/token" not in party.issuer.paths()


def test_a_code_that_the_issuer_takes_back_signs_no_user_in(party: Party) -> None:
    party.issuer.refuses_code = True
    assert "takes this answer back" in party.visitor().sign_in().text


@pytest.mark.parametrize("name", ["id_token", "access_token", "refresh_token"])
def test_an_answer_without_all_its_tokens_signs_no_user_in(party: Party, name: str) -> None:
    party.issuer.leaves_out = name
    ada = party.visitor()
    assert ada.sign_in().status_code == 400
    assert ada.state() == "visitor"


def test_an_issuer_that_calls_itself_by_another_name_is_not_asked_for_anything(party: Party) -> None:
    party.issuer.issuer = f"{ISSUER}/"
    assert party.visitor().get("/sign-in").status_code == 503


def test_while_the_issuer_is_silent_no_visitor_is_let_in(party: Party) -> None:
    ada = party.visitor()
    asked = ada.begin()
    party.issuer.is_down = True
    assert ada.answer(asked).status_code == 503
    assert ada.state() == "visitor"


def test_a_user_who_comes_by_another_name_is_led_to_the_address_where_the_cookies_will_be(party: Party) -> None:
    led = party.app.test_client().get("/sign-in", base_url="http://localhost:8001")
    assert led.location == f"{URL}/sign-in"


def test_signing_in_again_ends_what_this_browser_held(party: Party) -> None:
    ada = party.guest()
    before = ada.client.get_cookie("rp-session-8001", domain="127.0.0.2")
    ada.party.issuer.sid = "sid-2"
    ada.sign_in()
    assert ada.is_signed_in()
    assert party.issuer.over == {"refresh-sid-1"}
    thief = party.visitor()
    assert before
    thief.client.set_cookie("rp-session-8001", before.value, domain="127.0.0.2")
    assert thief.state() == "ended"


def test_a_made_up_cookie_belongs_to_no_user(party: Party) -> None:
    party.guest()
    eve = party.visitor()
    eve.client.set_cookie("rp-session-8001", "x", domain="127.0.0.2")
    assert eve.state() == "visitor"


def test_there_is_room_for_so_many_and_the_oldest_goes_first(party: Party, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(visits, "MAX_VISITS", 2)
    guests = [party.guest(f"sid-{number}") for number in range(3)]
    assert [guest.state() for guest in guests] == ["visitor", "live", "live"]


def test_behind_https_its_cookies_never_go_over_plain_http(issuer: FakeIssuer) -> None:
    party = Party(issuer, url="https://rp.example")
    cookie = party.visitor().get("/sign-in").headers["Set-Cookie"]
    assert "Secure" in cookie


def test_a_site_that_is_not_registered_says_so_and_how_to_mend_it() -> None:
    for delivery, is_told in (("push", True), ("poll", False)):
        site = create_site(Issuer(ISSUER), delivery, 5, URL).test_client()
        page = site.get("/", base_url=URL).text
        assert "flask clients add" in page
        assert (f"{URL}/backchannel-logout" in page) is is_told
        assert site.get("/sign-in", base_url=URL).status_code == 404
        assert site.post("/backchannel-logout", base_url=URL).status_code == 404
        assert site.post("/sign-out", base_url=URL).location == "/"
