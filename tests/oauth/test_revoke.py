"""The revocation endpoint does what RFC 7009 says, and tells nobody more."""

import sqlite3

import pytest

from tests.browsers import REFRESH, SITE_URL, Site
from tests.oauth.conftest import App, alive, basic

HINTS = [
    pytest.param({}, id="no hint"),
    pytest.param({"token_type_hint": "refresh_token"}, id="refresh_token"),
    pytest.param({"token_type_hint": "access_token"}, id="access_token"),
    pytest.param({"token_type_hint": "foobar"}, id="an unknown hint"),
]


@pytest.mark.parametrize("hint", HINTS)
def test_a_revoked_refresh_token_ends_its_session_whatever_the_hint(mail: App, hint: dict[str, str]) -> None:
    access, refresh = mail.grant()
    answer = mail.revoke(refresh, **hint)
    assert (answer.status_code, answer.get_json()) == (200, {})
    assert not alive(mail, access)
    assert mail.refresh(refresh).get_json()["error"] == "invalid_grant"


@pytest.mark.parametrize("hint", HINTS)
def test_a_revoked_access_token_ends_alone_whatever_the_hint(mail: App, hint: dict[str, str]) -> None:
    access, refresh = mail.grant()
    assert mail.revoke(access, **hint).status_code == 200
    assert not alive(mail, access)
    assert mail.refresh(refresh).status_code == 200


def test_all_access_tokens_of_the_session_end_with_its_refresh_token(mail: App) -> None:
    access, refresh = mail.grant()
    issued = [access]
    for _ in range(3):
        answer = mail.refresh(refresh).get_json()
        refresh = answer["refresh_token"]
        issued.append(answer["access_token"])
    mail.revoke(refresh)
    assert [alive(mail, token) for token in issued] == [False] * 4


def test_an_already_exchanged_refresh_token_ends_the_whole_session_too(mail: App) -> None:
    _, old = mail.grant()
    answer = mail.refresh(old).get_json()
    assert mail.revoke(old).status_code == 200
    assert not alive(mail, answer["access_token"])
    assert mail.refresh(answer["refresh_token"]).status_code == 400


@pytest.mark.parametrize("unknown", ["nonsense", "a.b.c", "eyJhbGciOiJub25lIn0.e30.", "\u00e9", "x" * 10_000])
def test_an_unknown_token_gets_the_same_answer_as_a_known_one(mail: App, unknown: str) -> None:
    _, refresh = mail.grant()
    known, stranger = mail.revoke(refresh), mail.revoke(unknown)
    assert (stranger.status_code, stranger.data) == (known.status_code, known.data) == (200, b"{}")
    assert list(stranger.headers) == list(known.headers)


def test_revoking_twice_is_no_error(mail: App) -> None:
    _, refresh = mail.grant()
    assert [mail.revoke(refresh).status_code for _ in range(2)] == [200, 200]


def test_another_clients_token_lives_on_and_the_answer_does_not_tell(mail: App, notes: App) -> None:
    access, refresh = mail.grant()
    unknown = notes.revoke("nonsense")
    for token in (access, refresh):
        answer = notes.revoke(token)
        assert (answer.status_code, answer.data) == (unknown.status_code, unknown.data)
    assert alive(mail, access)
    assert mail.refresh(refresh).status_code == 200


def test_a_public_client_revokes_its_own_with_its_id_alone(game: App) -> None:
    access, refresh = game.grant()
    assert game.revoke(refresh).status_code == 200
    assert not alive(game, access)


def test_the_id_of_a_confidential_client_without_its_secret_is_refused(mail: App) -> None:
    access, refresh = mail.grant()
    impostor = App(mail.site, mail.id, None)
    answer = impostor.revoke(refresh)
    assert (answer.status_code, answer.get_json()["error"]) == (401, "invalid_client")
    assert alive(mail, access)


def test_an_unknown_client_is_refused(site: Site) -> None:
    assert App(site, "nobody", None).revoke("x").get_json()["error"] == "invalid_client"
    assert App(site, "nobody", "secret").revoke("x").get_json()["error"] == "invalid_client"


def test_a_wrong_secret_in_the_header_is_challenged(mail: App) -> None:
    answer = App(mail.site, mail.id, "wrong").revoke("x")
    assert answer.status_code == 401
    assert answer.headers["WWW-Authenticate"] == 'Basic realm="oauth"'
    assert answer.headers["Cache-Control"] == "no-store"


def test_both_places_for_the_secret_work_and_not_both_at_once(mail: App) -> None:
    assert mail.post("/oauth/revoke", auth="post", token="x").status_code == 200
    both = mail.post(
        "/oauth/revoke", auth="post", headers={"Authorization": basic(mail.id, mail.secret or "")}, token="x"
    )
    assert (both.status_code, both.get_json()["error"]) == (400, "invalid_request")


@pytest.mark.parametrize("header", ["Bearer x", "Basic", "Basic !!!", "Basic w6k6w6k=", "Basic /////w=="])
def test_an_unreadable_authorization_is_refused_and_breaks_nothing(mail: App, header: str) -> None:
    answer = mail.post("/oauth/revoke", auth="none", headers={"Authorization": header}, token="x")
    assert (answer.status_code, answer.get_json()["error"]) == (401, "invalid_client")


def test_two_client_ids_that_differ_are_refused(mail: App, notes: App) -> None:
    answer = mail.post("/oauth/revoke", token="x", client_id=notes.id)
    assert (answer.status_code, answer.get_json()["error"]) == (400, "invalid_request")


def test_a_missing_or_empty_token_is_an_invalid_request(mail: App) -> None:
    for answer in (mail.post("/oauth/revoke"), mail.post("/oauth/revoke", token="")):
        assert (answer.status_code, answer.get_json()["error"]) == (400, "invalid_request")


def test_the_client_is_judged_before_the_token(site: Site) -> None:
    assert App(site, "nobody", None).post("/oauth/revoke").get_json()["error"] == "invalid_client"


def test_a_repeated_parameter_is_an_invalid_request_and_ends_nothing(mail: App) -> None:
    access, refresh = mail.grant()
    answer = mail.site.app.test_client().post(
        "/oauth/revoke",
        base_url=SITE_URL,
        data=f"token={refresh}&token=x",
        content_type="application/x-www-form-urlencoded",
        headers={"Authorization": basic(mail.id, mail.secret or "")},
    )
    assert (answer.status_code, answer.get_json()["error"]) == (400, "invalid_request")
    assert alive(mail, access)


def test_a_token_in_the_query_or_in_json_is_not_looked_at(mail: App) -> None:
    access, refresh = mail.grant()
    assert mail.post(f"/oauth/revoke?token={refresh}").status_code == 400
    answer = mail.site.app.test_client().post(
        "/oauth/revoke",
        base_url=SITE_URL,
        json={"token": refresh},
        headers={"Authorization": basic(mail.id, mail.secret or "")},
    )
    assert answer.status_code == 400
    assert alive(mail, access)


@pytest.mark.parametrize("method", ["GET", "PUT", "PATCH", "DELETE"])
def test_only_post_revokes(mail: App, method: str) -> None:
    access, refresh = mail.grant()
    answer = mail.site.app.test_client().open(
        f"/oauth/revoke?token={refresh}&callback=run", method=method, base_url=SITE_URL
    )
    assert answer.status_code == 405
    assert "POST" in answer.headers["Allow"]
    assert answer.mimetype == "application/json"
    assert alive(mail, access)


def test_the_sites_own_cookies_mean_nothing_here(site: Site, mail: App) -> None:
    ada = site.member()
    answer = ada.post("/oauth/revoke", token=ada.pocket()[REFRESH])
    assert answer.status_code == 401
    assert ada.is_signed_in()


def test_when_the_log_cannot_be_written_the_answer_is_503_and_never_200(
    mail: App, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, refresh = mail.grant()
    mail.site.impatient()
    lock = sqlite3.connect(mail.site.folder / "signed-out.db", isolation_level=None)
    lock.execute("BEGIN IMMEDIATE")
    answer = mail.revoke(refresh)
    lock.execute("ROLLBACK")
    lock.close()
    assert answer.status_code == 503
    assert int(answer.headers["Retry-After"]) > 0
    assert answer.get_json() == {"error": "temporarily_unavailable"}
    assert mail.refresh(refresh).status_code == 200


def test_guessing_secrets_is_slowed_down_and_the_site_itself_never_is(mail: App, own: App) -> None:
    guesses = [App(mail.site, mail.id, f"guess {number}").revoke("x").status_code for number in range(60)]
    assert guesses[:50] == [401] * 50
    assert set(guesses[50:]) == {429}
    assert own.revoke("x").status_code == 200
