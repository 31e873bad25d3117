"""Client authentication: each client authenticates by exactly one method, or is refused."""

import hashlib
from base64 import b64encode
from typing import Any

import pytest
from werkzeug.test import TestResponse

from app.oauth import clients
from app.store.db import writing
from tests import backings
from tests.browsers import SITE_URL, Site
from tests.oauth.conftest import App, alive, basic

pytestmark = pytest.mark.page


def test_rev_13_a_public_client_revokes_its_own_with_its_id_alone(game: App) -> None:
    access, refresh = game.grant()
    assert game.revoke(refresh).status_code == 200
    assert not alive(game, access)


def test_rev_13_the_id_of_a_confidential_client_without_its_secret_is_refused(mail: App) -> None:
    access, refresh = mail.grant()
    impostor = App(mail.site, mail.id, None)
    answer = impostor.revoke(refresh)
    assert (answer.status_code, answer.get_json()["error"]) == (401, "invalid_client")
    assert alive(mail, access)


def test_rev_12_an_unknown_client_is_refused(site: Site) -> None:
    assert App(site, "nobody", None).revoke("x").get_json()["error"] == "invalid_client"
    assert App(site, "nobody", "secret").revoke("x").get_json()["error"] == "invalid_client"


def test_rev_12_tok_06_a_wrong_secret_in_the_header_is_challenged(mail: App) -> None:
    answer = App(mail.site, mail.id, "wrong").revoke("x")
    assert answer.status_code == 401
    assert answer.headers["WWW-Authenticate"] == 'Basic realm="oauth"'
    assert answer.headers["Cache-Control"] == "no-store"


def test_tok_03_04_both_places_for_the_secret_work_and_not_both_at_once(mail: App) -> None:
    assert mail.post("/oauth/revoke", auth="post", token="x").status_code == 200
    both = mail.post(
        "/oauth/revoke", auth="post", headers={"Authorization": basic(mail.id, mail.secret or "")}, token="x"
    )
    assert (both.status_code, both.get_json()["error"]) == (400, "invalid_request")


def test_tok_05_id_and_secret_in_the_header_are_form_encoded_first(site: Site, mail: App) -> None:
    odd = App(site, "a:b%+ \u00e9", "s:e%+ \u00e9")
    with site.app.app_context(), writing():
        stored = clients.find(mail.id)
        assert stored is not None
        stored.id, stored.secret_hash = odd.id, hashlib.sha256("s:e%+ \u00e9".encode()).digest()
    assert odd.revoke("x").status_code == 200
    assert App(site, odd.id, "s:e%+ e").revoke("x").status_code == 401


@pytest.mark.parametrize("header", ["Bearer x", "Basic", "Basic !!!", "Basic w6k6w6k=", "Basic /////w=="])
def test_tok_06_an_unreadable_authorization_is_refused_and_breaks_nothing(mail: App, header: str) -> None:
    answer = mail.post("/oauth/revoke", auth="none", headers={"Authorization": header}, token="x")
    assert (answer.status_code, answer.get_json()["error"]) == (401, "invalid_client")
    assert answer.headers["WWW-Authenticate"] == 'Basic realm="oauth"'


def test_tok_04_an_empty_secret_in_the_header_is_a_public_clients_way_to_name_itself(mail: App, game: App) -> None:
    def revoke(app: App, token: str, header: str) -> TestResponse:
        return app.post("/oauth/revoke", auth="none", headers={"Authorization": header}, token=token)

    for header in (basic(game.id, ""), "Basic " + b64encode(game.id.encode()).decode()):
        access, refresh = game.grant()
        named = App(game.site, game.id, "none of its own")  # so that nothing is sent in the body
        assert revoke(named, refresh, header).status_code == 200
        assert not alive(game, access)
    for header in (basic(game.id, "guessed"), basic(mail.id, ""), basic("nobody", "")):
        assert revoke(mail, "x", header).status_code == 401, header


def test_rev_29_a_public_client_that_names_itself_is_no_guesser(mail: App, game: App) -> None:
    for _ in range(60):
        header = {"Authorization": basic(game.id, "")}
        assert mail.post("/oauth/revoke", auth="none", headers=header, token="x").status_code == 200
    assert App(mail.site, mail.id, "wrong").revoke("x").status_code == 401, "and not yet 429"


def test_two_client_ids_that_differ_are_refused(mail: App, notes: App) -> None:
    answer = mail.post("/oauth/revoke", token="x", client_id=notes.id)
    assert (answer.status_code, answer.get_json()["error"]) == (400, "invalid_request")


def test_rev_14_the_client_is_judged_before_the_token(site: Site) -> None:
    assert App(site, "nobody", None).post("/oauth/revoke").get_json()["error"] == "invalid_client"


def test_rev_29_tok_07_guessing_secrets_is_slowed_down_and_a_right_secret_never_is(
    mail: App, game: App, own: App
) -> None:
    guesses = [App(mail.site, mail.id, f"guess {number}").revoke("x").status_code for number in range(60)]
    assert guesses[:50] == [401] * 50
    assert set(guesses[50:]) == {429}
    assert [app.revoke("x").status_code for app in (own, mail, game)] == [200, 200, 200]


@pytest.mark.stores("its outage")
@pytest.mark.parametrize("endpoint", ["token", "revoke", "introspect", "par"])
def test_without_a_database_a_malformed_request_is_told_so_and_a_well_formed_one_to_wait(
    mail: App, endpoint: str
) -> None:
    backings.lose(mail.site.folder)
    path, client = f"/oauth/{endpoint}", mail.site.app.test_client()
    malformed: list[dict[str, Any]] = [{"json": {}}, {"data": {"token": ["x", "x"]}}]
    for sent in malformed if endpoint != "token" else [*malformed, {"data": {"scope": "mail"}}]:
        answer = client.post(path, base_url=SITE_URL, **sent)
        assert (answer.status_code, answer.get_json()["error"]) == (400, "invalid_request"), sent
    answer = mail.post(path, grant_type="refresh_token", refresh_token="x", token="x")
    assert (answer.status_code, answer.get_json()) == (503, {"error": "temporarily_unavailable"})
