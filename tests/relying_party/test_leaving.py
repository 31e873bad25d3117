"""Leaving a relying party: told, polled, asked, by the visitor's own wish, or never."""

import time
from collections.abc import Callable
from urllib.parse import parse_qsl, urlsplit

import pytest

from app.relying_party import visits, watch
from app.relying_party.deliveries import steady
from app.relying_party.verdict import Unheard
from tests.relying_party.fake_issuer import EVENT, ISSUER, URL, FakeIssuer, Party

pytestmark = pytest.mark.sqlite


@pytest.fixture
def issuer() -> FakeIssuer:
    return FakeIssuer()


@pytest.fixture
def party(issuer: FakeIssuer) -> Party:
    return Party(issuer)


def test_who_is_told_lets_go_at_once_and_says_how_it_knew(party: Party) -> None:
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
    "about nobody": lambda issuer: issuer.logout_token(sub=None, sid=None),
    "about a number": lambda issuer: issuer.logout_token(sid=7),
    "without an id": lambda issuer: issuer.logout_token(jti=None),
    "without a time": lambda issuer: issuer.logout_token(iat=None),
    "without an end": lambda issuer: issuer.logout_token(exp=None),
    "an ID token": lambda issuer: issuer.sign(issuer.logout_claims(), typ="JWT"),
    "of no type": lambda issuer: issuer.sign(issuer.logout_claims(), typ=None),
    "by another key": lambda issuer: issuer.sign(issuer.logout_claims(), typ="logout+jwt", by="another"),
    "by nobody": lambda issuer: issuer.sign_without_key(issuer.logout_claims(), "logout+jwt"),
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


def test_bcl_03_a_message_about_nobody_here_is_200(party: Party) -> None:
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
    assert ada.state() == "nobody"


def test_only_who_is_told_listens(issuer: FakeIssuer) -> None:
    for delivery in ("never", "ask", "poll"):
        party = Party(issuer, delivery)
        ada = party.guest()
        assert party.tell(issuer.logout_token()).status_code == 404
        assert ada.state() == "live"


def test_who_asks_learns_of_it_at_the_next_page_and_not_before(issuer: FakeIssuer) -> None:
    party = Party(issuer, "ask")
    ada = party.guest()
    assert ada.is_signed_in()
    issuer.over.add("refresh-sid-1")
    assert ada.state() == "live"
    page = ada.get("/").text
    assert "Ada left" in page
    assert "so this site asked Signed Out" in page


def test_who_asks_and_gets_no_answer_shows_nothing_of_the_visitor(issuer: FakeIssuer) -> None:
    ada = Party(issuer, "ask").guest()
    issuer.is_down = True
    page = ada.get("/")
    assert page.status_code == 503
    assert "Ada" not in page.text
    issuer.is_down = False
    assert ada.is_signed_in()


def test_who_polls_learns_of_it_at_the_next_poll(issuer: FakeIssuer) -> None:
    party = Party(issuer, "poll")
    ada, eve = party.guest("sid-1"), party.guest("sid-2")
    issuer.over.add("refresh-sid-1")
    assert ada.is_signed_in()
    party.watch.round()
    assert (ada.state(), eve.state()) == ("ended", "live")
    assert "asks Signed Out again and again" in ada.get("/").text


def test_a_poll_without_an_answer_ends_nobody_and_old_answers_are_not_trusted(
    issuer: FakeIssuer, monkeypatch: pytest.MonkeyPatch
) -> None:
    party = Party(issuer, "poll", every=5)
    ada = party.guest()
    issuer.is_down = True
    with pytest.raises(Unheard):
        party.watch.round()
    assert ada.is_signed_in()
    monkeypatch.setattr(watch, "steady", lambda: steady() + 11)
    page = ada.get("/")
    assert page.status_code == 503
    assert "Ada" not in page.text
    issuer.is_down = False
    party.watch.round()
    assert ada.is_signed_in()


def test_nobody_tells_a_site_that_never_asks_and_it_says_so(issuer: FakeIssuer) -> None:
    ada = Party(issuer, "never").guest()
    issuer.over.add("refresh-sid-1")
    assert ada.is_signed_in()
    assert "this site does not notice" in ada.get("/").text
    assert "/introspection" not in issuer.paths()


def test_a_session_ends_by_itself_and_is_forgotten(issuer: FakeIssuer, monkeypatch: pytest.MonkeyPatch) -> None:
    ada = Party(issuer, "never").guest()
    monkeypatch.setattr(visits, "LIFE_SECONDS", 0)
    assert "was over at" in ada.get("/").text
    monkeypatch.setattr(visits, "ENDED_SECONDS", 0)
    assert ada.state() == "nobody"


def test_the_visitor_signs_out_here_then_the_issuer_is_asked_and_leads_back(party: Party) -> None:
    ada = party.guest()
    led = urlsplit(ada.sign_out().location)
    asked = dict(parse_qsl(led.query))
    assert f"{led.scheme}://{led.netloc}{led.path}" == f"{ISSUER}/end_session"
    assert asked["post_logout_redirect_uri"] == f"{URL}/signed-out"
    assert asked["id_token_hint"].count(".") == 2
    assert party.issuer.over == {"refresh-sid-1"}
    assert ada.state() == "ended"
    assert "has led you back" in ada.get("/signed-out", state=asked["state"]).text
    assert "has led you back" not in ada.get("/signed-out", state="x").text
    assert "has led you back" not in party.visitor().get("/signed-out", state=asked["state"]).text
    assert "You are signed out here" in ada.get("/").text


def test_the_message_about_a_sign_out_that_began_here_changes_nothing(party: Party) -> None:
    ada = party.guest()
    ada.sign_out()
    assert party.tell(party.issuer.logout_token()).status_code == 200
    assert "You are signed out here" in ada.get("/").text


def test_a_sign_out_here_needs_nobody_elses_answer(party: Party) -> None:
    ada = party.guest()
    party.issuer.is_down = True
    assert ada.sign_out().status_code == 303
    assert ada.state() == "ended"


def test_while_the_issuer_was_never_found_the_visitor_is_led_nowhere(issuer: FakeIssuer) -> None:
    party = Party(issuer)
    ada = party.guest()
    party.app.extensions["party"].issuer._metadata = {}
    assert ada.sign_out().location == "/signed-out"
    assert ada.state() == "ended"


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Sec-Fetch-Site": "same-origin", "Origin": "null"}, 303),
        ({"Sec-Fetch-Site": "none"}, 303),
        ({"Sec-Fetch-Site": "same-site"}, 403),
        ({"Sec-Fetch-Site": "cross-site", "Origin": URL}, 403),
        ({"Origin": ISSUER}, 403),
        ({"Origin": "http://127.0.0.2:8002"}, 403),
        ({"Origin": "null"}, 403),
    ],
)
def test_only_a_page_of_this_site_signs_out_here(party: Party, headers: dict[str, str], status: int) -> None:
    ada = party.guest()
    assert ada.sign_out(**headers).status_code == status
    assert (ada.state() == "live") is (status == 403)


def test_signing_out_twice_is_no_error(party: Party) -> None:
    ada = party.guest()
    ada.sign_out()
    assert ada.sign_out().location == "/"


def test_pages_load_nothing_from_elsewhere_and_forms_lead_to_the_issuer_alone(party: Party) -> None:
    for path in ("/", "/signed-out", "/callback", "/state"):
        policy = party.visitor().get(path).headers["Content-Security-Policy"]
        assert "default-src 'none'" in policy
        assert f"form-action 'self' {ISSUER}" in policy
        assert "unsafe" not in policy
