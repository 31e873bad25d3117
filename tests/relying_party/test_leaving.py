"""Leaving a relying party: told, polled, asked, by the visitor's own wish, or never."""

from urllib.parse import parse_qsl, urlsplit

import pytest

from app.relying_party import visits, watch
from app.relying_party.deliveries import steady
from app.relying_party.verdict import Unheard
from tests.relying_party.fake_issuer import ISSUER, URL, FakeIssuer, Party

pytestmark = pytest.mark.sqlite


def test_only_a_site_that_is_told_listens(issuer: FakeIssuer) -> None:
    for delivery in ("never", "ask", "poll"):
        party = Party(issuer, delivery)
        ada = party.guest()
        assert party.tell(issuer.logout_token()).status_code == 404
        assert ada.state() == "live"


def test_a_party_that_asks_learns_of_it_at_the_next_page_and_not_before(issuer: FakeIssuer) -> None:
    party = Party(issuer, "ask")
    ada = party.guest()
    assert ada.is_signed_in()
    issuer.over.add("refresh-sid-1")
    assert ada.state() == "live"
    page = ada.get("/").text
    assert "Ada left" in page
    assert "so this site asked Signed Out" in page


def test_a_party_that_asks_and_gets_no_answer_shows_nothing_of_the_visitor(issuer: FakeIssuer) -> None:
    ada = Party(issuer, "ask").guest()
    issuer.is_down = True
    page = ada.get("/")
    assert page.status_code == 503
    assert "Ada" not in page.text
    issuer.is_down = False
    assert ada.is_signed_in()


def test_a_party_that_polls_learns_of_it_at_the_next_poll(issuer: FakeIssuer) -> None:
    party = Party(issuer, "poll")
    ada, eve = party.guest("sid-1"), party.guest("sid-2")
    issuer.over.add("refresh-sid-1")
    assert ada.is_signed_in()
    party.watch.round()
    assert (ada.state(), eve.state()) == ("ended", "live")
    assert "asks Signed Out again and again" in ada.get("/").text


def test_a_poll_without_an_answer_ends_no_session_and_old_answers_are_not_trusted(
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


def test_a_site_that_never_asks_is_never_told_and_says_so(issuer: FakeIssuer) -> None:
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
    assert ada.state() == "visitor"


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


def test_a_sign_out_here_needs_no_other_sites_answer(party: Party) -> None:
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
