"""The token endpoint: refresh tokens are exchanged, each by its own client, in the right words."""

import re
from functools import partial
from typing import Any

import jwt
import pytest

from app.oauth import grants
from tests.browsers import REFRESH, SITE_URL, Site
from tests.oauth.conftest import App, alive
from tests.oauth.keyed import register_keyed

pytestmark = pytest.mark.page


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


def test_rt_03_an_app_gets_the_same_successor_and_a_fresh_access_token_for_the_grace_from_the_exchange(
    mail: App,
) -> None:
    access, first = mail.grant()
    second = mail.refresh(first).get_json()
    assert alive(mail, second["access_token"]), "an app's use is no use that we would see everywhere"
    mail.site.wait(10)
    again = mail.refresh(first).get_json()
    assert again["refresh_token"] == second["refresh_token"]
    assert len({access, second["access_token"], again["access_token"]}) == 3
    mail.site.wait(1)
    assert mail.refresh(first).get_json()["error"] == "invalid_grant"
    assert mail.refresh(second["refresh_token"]).get_json()["error"] == "invalid_grant"
    reason = mail.site.query("SELECT reason FROM log_entries WHERE kind = 'revoked'")
    assert reason == [("reuse",)]


def test_rt_05_tok_02_a_narrower_scope_narrows_the_access_token_only(mail: App) -> None:
    _, refresh = mail.grant("profile mail")
    narrow = mail.refresh(refresh, scope="mail").get_json()
    assert (narrow["scope"], claims(narrow["access_token"])["scope"]) == ("mail", "mail")
    assert mail.refresh(narrow["refresh_token"]).get_json()["scope"] == "profile mail"


def test_rt_05_a_scope_of_spaces_narrows_nothing(mail: App) -> None:
    assert mail.refresh(mail.grant()[1], scope=" ").get_json()["scope"] == "profile mail"


def test_rt_05_a_scope_that_is_named_many_times_counts_once(mail: App) -> None:
    narrow = mail.refresh(mail.grant()[1], scope="mail " * 2000).get_json()
    assert (narrow["scope"], claims(narrow["access_token"])["scope"]) == ("mail", "mail")


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


@pytest.mark.parametrize("odd", ['"', "\\", "\u00e9", "\x00", "a\nb", "x" * 5000])
def test_tok_08_an_error_description_holds_plain_characters_only(mail: App, notes: App, odd: str) -> None:
    refused = [
        mail.post("/oauth/token", grant_type=odd),
        mail.refresh(odd),
        mail.refresh(notes.grant()[1], scope=odd),
        mail.refresh(mail.grant()[1], scope=odd),
        App(mail.site, odd, odd).refresh("x"),
        mail.post("/oauth/token", grant_type="refresh_token", client_id=odd),
    ]
    for answer in refused:
        body = answer.get_json()
        assert answer.status_code in (400, 401)
        assert re.fullmatch(r"[\x20-\x21\x23-\x5b\x5d-\x7e]*", body["error"] + body.get("error_description", ""))


def describe(site: Site) -> dict[str, Any]:
    answer = site.browser().get("/.well-known/oauth-authorization-server")
    assert answer.mimetype == "application/json"
    described: dict[str, Any] = answer.get_json()
    return described


def test_meta_01_02_03_the_metadata_stands_where_the_issuer_says(site: Site) -> None:
    described = describe(site)
    assert described["issuer"] == SITE_URL
    assert not set(described["issuer"]) & set("?#")
    assert "response_types_supported" in described


def test_meta_01_09_every_endpoint_it_names_answers(mail: App) -> None:
    described = describe(mail.site)
    answers = {
        "token": 400,
        "revocation": 400,
        "introspection": 400,
        "userinfo": 401,
        "authorization": 400,
        "pushed_authorization_request": 400,
        "end_session": 200,
    }
    assert {name for name in described if name.endswith("_endpoint")} == {
        *(f"{name}_endpoint" for name in answers),
        "status_list_aggregation_endpoint",
    }
    for name, status in answers.items():
        path = described[f"{name}_endpoint"].removeprefix(SITE_URL)
        is_get = name in ("userinfo", "authorization", "end_session")
        answer = mail.site.browser().get(path) if is_get else mail.post(path)
        assert answer.status_code == status, name
    for name in ("jwks_uri", "status_list_aggregation_endpoint"):
        assert mail.site.browser().get(described[name].removeprefix(SITE_URL)).status_code == 200


def test_meta_01_both_documents_say_the_same(site: Site) -> None:
    openid = site.browser().get("/.well-known/openid-configuration").get_json()
    assert openid == describe(site)


def test_meta_03_05_pkc_05_what_it_lists_is_what_there_is(site: Site) -> None:
    described = describe(site)
    assert described["response_types_supported"] == ["code"]
    assert described["code_challenge_methods_supported"] == ["S256"]
    assert described["id_token_signing_alg_values_supported"] == ["RS256"]
    assert described["grant_types_supported"] == [grant.GRANT_TYPE for grant in grants.EVERY]
    assert described["authorization_response_iss_parameter_supported"] is True
    assert not [name for name, value in described.items() if value == []]


def test_meta_06_to_introspect_takes_a_secret(mail: App, game: App) -> None:
    described = describe(mail.site)
    ways = ["client_secret_basic", "client_secret_post", "private_key_jwt"]
    assert described["introspection_endpoint_auth_methods_supported"] == ways
    for auth, expected in (("basic", 400), ("post", 400), ("no", 401)):
        assert mail.post("/oauth/introspect", auth=auth, token_type_hint="x").status_code == expected
    assert game.post("/oauth/introspect", token="x").status_code == 401


@pytest.mark.parametrize("endpoint", ["token", "revocation"])
def test_meta_04_05_every_way_of_authentication_it_names_works_and_no_other(
    mail: App, game: App, endpoint: str
) -> None:
    described = describe(mail.site)
    ways = {
        "client_secret_basic": mail.post,
        "client_secret_post": partial(mail.post, auth="post"),
        "private_key_jwt": register_keyed(mail.site).post,
        "none": game.post,
    }
    assert set(described[f"{endpoint}_endpoint_auth_methods_supported"]) == set(ways)
    path = described[f"{endpoint}_endpoint"].removeprefix(SITE_URL)
    for post in ways.values():
        asked = post(path, grant_type="refresh_token")
        assert asked.get_json()["error"] == "invalid_request", "authenticated, and the token is missing"
    assertion = {"client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"}
    unnamed = mail.post(
        path, auth="no", grant_type="refresh_token", client_id=mail.id, client_assertion="x", **assertion
    )
    assert (unnamed.status_code, unnamed.get_json()["error"]) == (401, "invalid_client")
