"""The revocation endpoint does what RFC 7009 says, and nothing more."""

import json
import logging

import pytest

from tests import backings
from tests.browsers import REFRESH, Site
from tests.oauth.conftest import App, alive

pytestmark = pytest.mark.page

HINTS = [
    pytest.param({}, id="no hint"),
    pytest.param({"token_type_hint": "refresh_token"}, id="refresh_token"),
    pytest.param({"token_type_hint": "access_token"}, id="access_token"),
    pytest.param({"token_type_hint": "foobar"}, id="an unknown hint"),
]


@pytest.mark.parametrize("hint", HINTS)
def test_rev_01_09_10_11_a_revoked_refresh_token_ends_its_session_with_any_hint(
    mail: App, hint: dict[str, str]
) -> None:
    access, refresh = mail.grant()
    answer = mail.revoke(refresh, **hint)
    assert (answer.status_code, answer.get_json()) == (200, {})
    assert not alive(mail, access)
    assert mail.refresh(refresh).get_json()["error"] == "invalid_grant"


@pytest.mark.parametrize("hint", HINTS)
def test_rev_02_09_19_25_a_revoked_access_token_ends_alone_with_any_hint(mail: App, hint: dict[str, str]) -> None:
    access, refresh = mail.grant()
    assert mail.revoke(access, **hint).status_code == 200
    assert not alive(mail, access)
    assert mail.refresh(refresh).status_code == 200


def test_rev_18_all_access_tokens_of_the_session_end_with_its_refresh_token(mail: App) -> None:
    access, refresh = mail.grant()
    issued = [access]
    for _ in range(3):
        answer = mail.refresh(refresh).get_json()
        refresh = answer["refresh_token"]
        issued.append(answer["access_token"])
    mail.revoke(refresh)
    assert [alive(mail, token) for token in issued] == [False] * 4


def test_rev_20_an_already_exchanged_refresh_token_ends_the_whole_session_too(mail: App) -> None:
    _, old = mail.grant()
    answer = mail.refresh(old).get_json()
    assert mail.revoke(old).status_code == 200
    assert not alive(mail, answer["access_token"])
    assert mail.refresh(answer["refresh_token"]).status_code == 400


@pytest.mark.parametrize("unknown", ["nonsense", "a.b.c", "eyJhbGciOiJub25lIn0.e30.", "\u00e9", "x" * 10_000])
def test_rev_22_23_an_unknown_token_gets_the_same_answer_as_a_known_one(mail: App, unknown: str) -> None:
    _, refresh = mail.grant()
    known, stranger = mail.revoke(refresh), mail.revoke(unknown)
    assert (stranger.status_code, stranger.data) == (known.status_code, known.data) == (200, b"{}")
    assert list(stranger.headers) == list(known.headers)


def test_rev_22_revoking_twice_is_no_error(mail: App) -> None:
    _, refresh = mail.grant()
    assert [mail.revoke(refresh).status_code for _ in range(2)] == [200, 200]


def test_rev_15_another_clients_token_lives_on_and_the_answer_does_not_tell(mail: App, notes: App) -> None:
    access, refresh = mail.grant()
    unknown = notes.revoke("nonsense")
    for token in (access, refresh):
        answer = notes.revoke(token)
        assert (answer.status_code, answer.data) == (unknown.status_code, unknown.data)
    assert alive(mail, access)
    assert mail.refresh(refresh).status_code == 200


def test_rev_30_a_foreign_and_an_unknown_token_are_noted_alike(
    mail: App, notes: App, caplog: pytest.LogCaptureFixture
) -> None:
    access, refresh = mail.grant()
    caplog.set_level(logging.INFO, "signed_out.security")
    caplog.clear()
    for token in ("nonsense", access, refresh):
        notes.revoke(token)
    events = [json.loads(record.message)["event"] for record in caplog.records if record.name == "signed_out.security"]
    assert events == ["unknown_token_presented", "foreign_token_presented", "foreign_token_presented"]


def test_rev_26_when_the_log_cannot_be_written_the_answer_is_503_and_never_200(
    mail: App, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, refresh = mail.grant()
    mail.site.impatient()
    with backings.locked(mail.site.folder):
        answer = mail.revoke(refresh)
    assert answer.status_code == 503
    assert int(answer.headers["Retry-After"]) > 0
    assert answer.get_json() == {"error": "temporarily_unavailable"}
    assert mail.refresh(refresh).status_code == 200


def test_rev_16_the_next_moment_every_door_is_shut(mail: App, other_node: Site) -> None:
    access, refresh = mail.grant()
    mail.revoke(refresh)
    elsewhere = App(other_node, mail.id, mail.secret)
    for door in (mail, elsewhere):
        assert not alive(door, access)
        assert door.refresh(refresh).get_json() == {"error": "invalid_grant"}


def test_rev_17_our_own_pages_forget_the_tokens_with_the_very_answer_that_ends_them(site: Site) -> None:
    ada = site.member()
    assert ada.sign_out().status_code == 303
    assert ada.pocket() == {}


def test_rev_18_a_revoked_session_leaves_the_persons_others_alone(site: Site, mail: App) -> None:
    ada = site.member()
    access, refresh = mail.grant()
    other, _ = mail.grant()
    mail.revoke(refresh)
    assert (alive(mail, access), alive(mail, other), ada.is_signed_in()) == (False, True, True)


def test_rev_20_the_person_sees_it_among_what_has_ended(site: Site, mail: App) -> None:
    ada = site.member()
    _, refresh = mail.grant()
    assert [line["ended_at"] for line in ada.sessions()] == [None, None]
    mail.revoke(refresh)
    ended = [line for line in ada.sessions() if line["ended_at"]]
    assert [line["reason"] for line in ended] == ["revoked"]


def test_rev_21_the_next_click_of_a_browser_whose_session_was_ended_asks_to_sign_in(site: Site, own: App) -> None:
    ada = site.member()
    own.revoke(ada.pocket()[REFRESH])
    answer = ada.get("/devices")
    assert (answer.status_code, answer.headers["Location"]) == (303, "/sign-in?next=/devices")
    assert "You were signed out" in ada.get("/sign-in?next=/devices").text
