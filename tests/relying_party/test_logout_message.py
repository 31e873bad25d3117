"""The message that a session is over: which a relying party believes, and what it ends (Back-Channel Logout)."""

import time
from collections.abc import Callable

import pytest

from tests.relying_party.fake_issuer import EVENT, URL, FakeIssuer, Party

pytestmark = pytest.mark.sqlite


def test_a_party_that_is_told_lets_go_at_once_and_says_how_it_knew(party: Party) -> None:
    ada = party.guest()
    answer = party.tell(party.issuer.logout_token())
    assert (answer.status_code, answer.headers["Cache-Control"]) == (200, "no-store")
    assert ada.state() == "ended"
    page = ada.get("/").text
    assert "Ada left" in page
    assert "Signed Out told this site" in page


BAD_LOGOUT_TOKENS: dict[str, Callable[[FakeIssuer], str]] = {
    "another issuer": lambda issuer: issuer.logout_token(iss="https://evil.example"),
    "for another site": lambda issuer: issuer.logout_token(aud="another"),
    "expired": lambda issuer: issuer.logout_token(exp=int(time.time()) - 60),
    "of the future": lambda issuer: issuer.logout_token(iat=int(time.time()) + 60),
    "with a nonce": lambda issuer: issuer.logout_token(nonce="x"),
    "without events": lambda issuer: issuer.logout_token(events=None),
    "of another event": lambda issuer: issuer.logout_token(events={"https://example.org/another": {}}),
    "with an event that is no object": lambda issuer: issuer.logout_token(events={EVENT: "yes"}),
    "with a list of events": lambda issuer: issuer.logout_token(events=[EVENT]),
    "about no user": lambda issuer: issuer.logout_token(sub=None, sid=None),
    "about a number": lambda issuer: issuer.logout_token(sid=7),
    "without an id": lambda issuer: issuer.logout_token(jti=None),
    "without a time": lambda issuer: issuer.logout_token(iat=None),
    "without an end": lambda issuer: issuer.logout_token(exp=None),
    "an ID token": lambda issuer: issuer.sign(issuer.logout_claims(), typ="JWT"),
    "of no type": lambda issuer: issuer.sign(issuer.logout_claims(), typ=None),
    "by another key": lambda issuer: issuer.sign(issuer.logout_claims(), typ="logout+jwt", by="another"),
    "by no key": lambda issuer: issuer.sign_without_key(issuer.logout_claims(), "logout+jwt"),
    "by the public key": lambda issuer: issuer.sign_with_public_key(issuer.logout_claims(), "logout+jwt"),
    "nonsense": lambda issuer: "x",
    "nothing": lambda issuer: "",
}


@pytest.mark.parametrize("what", BAD_LOGOUT_TOKENS)
def test_bcl_03_a_message_that_makes_no_sense_is_400_and_ends_nothing(party: Party, what: str) -> None:
    ada = party.guest()
    answer = party.tell(BAD_LOGOUT_TOKENS[what](party.issuer))
    assert (answer.status_code, answer.headers["Cache-Control"]) == (400, "no-store")
    assert answer.get_json()["error"] == "invalid_request"
    assert ada.is_signed_in()


def test_bcl_03_a_message_is_a_form_with_one_token_in_it(party: Party) -> None:
    ada, token = party.guest(), party.issuer.logout_token()
    client = party.app.test_client()
    for answer in (
        client.post(f"/backchannel-logout?logout_token={token}", base_url=URL),
        client.post("/backchannel-logout", base_url=URL, json={"logout_token": token}),
        client.post("/backchannel-logout", base_url=URL, data={"logout_token": [token, token]}),
    ):
        assert answer.status_code == 400
    assert client.get(f"/backchannel-logout?logout_token={token}", base_url=URL).status_code == 405
    assert ada.is_signed_in()


def test_bcl_03_the_same_message_again_is_200_and_changes_nothing(party: Party) -> None:
    token = party.issuer.logout_token(sid=None)
    assert party.tell(token).status_code == 200
    later = int(time.time()) + 2
    party.issuer.id_token = lambda claims: party.issuer.sign(claims | {"iat": later})
    ada = party.guest()
    assert party.tell(token).status_code == 200
    assert ada.is_signed_in()


def test_bcl_03_a_message_about_an_unknown_user_is_200(party: Party) -> None:
    ada = party.guest()
    assert party.tell(party.issuer.logout_token(sid="another")).status_code == 200
    assert party.tell(party.issuer.logout_token(sub="eve")).status_code == 200
    assert ada.is_signed_in()


def test_a_message_that_cannot_be_checked_now_may_come_again(party: Party) -> None:
    party.issuer.is_down = True
    assert party.tell(party.issuer.logout_token()).status_code == 503


def test_bcl_05_without_a_session_everything_of_that_person_is_over(party: Party) -> None:
    laptop, phone = party.guest("sid-1"), party.guest("sid-2")
    party.issuer.userinfo = {"sub": "eve", "name": "Eve"}
    party.issuer.id_token = lambda claims: party.issuer.sign(claims | {"sub": "eve"})
    eve = party.guest("sid-3")
    party.tell(party.issuer.logout_token(sid=None))
    assert [browser.state() for browser in (laptop, phone, eve)] == ["ended", "ended", "live"]


def test_with_a_session_only_that_one_is_over(party: Party) -> None:
    laptop, phone = party.guest("sid-1"), party.guest("sid-2")
    party.tell(party.issuer.logout_token(sid="sid-1", sub=None))
    assert [browser.state() for browser in (laptop, phone)] == ["ended", "live"]


def test_a_message_that_overtakes_the_sign_in_is_not_lost(party: Party) -> None:
    ada = party.visitor()
    asked = ada.begin()
    party.tell(party.issuer.logout_token())
    late = ada.answer(asked)
    assert late.status_code == 400
    assert "signed out in the meantime" in late.text
    assert ada.state() == "visitor"
