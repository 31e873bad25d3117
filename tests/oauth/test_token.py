"""The token endpoint: refresh tokens are exchanged, each by its own client, in the right words."""

import jwt
import pytest

from tests.browsers import REFRESH, SITE_URL, Site
from tests.oauth.conftest import App, alive


def claims(token: str) -> dict[str, object]:
    found: dict[str, object] = jwt.decode(token, options={"verify_signature": False})
    return found


def test_tok_01_an_exchange_gives_a_new_pair(mail: App) -> None:
    _, refresh = mail.grant()
    answer = mail.refresh(refresh)
    body = answer.get_json()
    assert answer.status_code == 200
    assert answer.headers["Cache-Control"] == "no-store"
    assert (body["token_type"], body["expires_in"], body["scope"]) == ("Bearer", 300, "profile mail")
    assert body["refresh_token"] != refresh
    assert alive(mail, body["access_token"])
    assert claims(body["access_token"])["client_id"] == mail.id


def test_rt_01_a_public_client_gets_a_new_pair_too(game: App) -> None:
    _, refresh = game.grant()
    assert game.refresh(refresh).get_json()["refresh_token"] != refresh


def test_rt_04_another_client_gets_nothing_and_does_no_harm(mail: App, notes: App) -> None:
    access, refresh = mail.grant()
    answer = notes.refresh(refresh)
    assert (answer.status_code, answer.get_json()["error"]) == (400, "invalid_grant")
    assert alive(mail, access)
    assert mail.refresh(refresh).status_code == 200


def test_rt_02_an_old_token_after_the_grace_ends_the_session(mail: App) -> None:
    _, first = mail.grant()
    second = mail.refresh(first).get_json()["refresh_token"]
    third = mail.refresh(second).get_json()
    mail.site.wait(11)
    assert mail.refresh(first).get_json()["error"] == "invalid_grant"
    assert not alive(mail, third["access_token"])
    assert mail.refresh(third["refresh_token"]).get_json()["error"] == "invalid_grant"


def test_rt_05_tok_02_a_narrower_scope_narrows_the_access_token_only(mail: App) -> None:
    _, refresh = mail.grant("profile mail")
    narrow = mail.refresh(refresh, scope="mail").get_json()
    assert (narrow["scope"], claims(narrow["access_token"])["scope"]) == ("mail", "mail")
    assert mail.refresh(narrow["refresh_token"]).get_json()["scope"] == "profile mail"


def test_rt_06_a_wider_scope_is_refused_and_uses_nothing_up(mail: App) -> None:
    _, refresh = mail.grant("profile")
    answer = mail.refresh(refresh, scope="profile mail")
    assert (answer.status_code, answer.get_json()["error"]) == (400, "invalid_scope")
    assert mail.refresh(refresh).status_code == 200


@pytest.mark.parametrize("grant_type", ["password", "client_credentials", 'q"uo\\te', "\u00e9", "implicit"])
def test_tok_08_10_no_other_grant_type_is_supported(mail: App, grant_type: str) -> None:
    answer = mail.post("/oauth/token", grant_type=grant_type)
    assert (answer.status_code, answer.get_json()["error"]) == (400, "unsupported_grant_type")
    assert grant_type not in answer.text


def test_tok_08_09_missing_parameters_are_invalid_requests(mail: App) -> None:
    for answer in (
        mail.post("/oauth/token"),
        mail.post("/oauth/token", grant_type=""),
        mail.post("/oauth/token", grant_type="refresh_token"),
        mail.post("/oauth/token", grant_type="refresh_token", refresh_token=""),
    ):
        assert (answer.status_code, answer.get_json()["error"]) == (400, "invalid_request")


def test_the_site_refreshes_as_any_client_would(site: Site, own: App) -> None:
    ada = site.member()
    body = own.refresh(ada.pocket()[REFRESH]).get_json()
    assert alive(own, body["access_token"])


def test_meta_01_04_the_metadata_names_every_endpoint_and_each_answers(mail: App) -> None:
    visitor = mail.site.browser()
    described = visitor.get("/.well-known/oauth-authorization-server").get_json()
    assert described["issuer"] == SITE_URL
    for method in described["revocation_endpoint_auth_methods_supported"]:
        assert method in ("client_secret_basic", "client_secret_post", "none")
    for name in ("token_endpoint", "revocation_endpoint"):
        path = described[name].removeprefix(SITE_URL)
        assert mail.post(path).status_code == 400
    assert visitor.get(described["jwks_uri"].removeprefix(SITE_URL)).status_code == 200
