"""Token introspection: what a client may know of a token, as long as it is good."""

import pytest

from tests.browsers import SITE_URL, Browser, Site
from tests.oauth.conftest import App, register, register_app
from tests.oauth.flow import Flow

pytestmark = pytest.mark.page

HINTS: list[dict[str, str]] = [
    {},
    {"token_type_hint": "access_token"},
    {"token_type_hint": "refresh_token"},
    {"token_type_hint": "foobar"},
]


@pytest.fixture
def ada(site: Site) -> Browser:
    return site.member()


def test_int_02_08_a_good_token_is_described(ada: Browser, web: App) -> None:
    tokens = Flow(web).connect(ada)
    answer = web.post("/oauth/introspect", token=tokens["access_token"])
    found = answer.get_json()
    assert answer.headers["Cache-Control"] == "no-store"
    assert {name: found[name] for name in ("active", "client_id", "scope", "token_type", "iss", "aud")} == {
        "active": True,
        "client_id": web.id,
        "scope": "openid profile email",
        "token_type": "Bearer",
        "iss": SITE_URL,
        "aud": SITE_URL,
    }
    assert found["exp"] > found["iat"]
    assert found["sub"] != "ada@example.org"
    refresh = web.post("/oauth/introspect", token=tokens["refresh_token"]).get_json()
    assert (refresh["active"], refresh["sub"], refresh["sid"]) == (True, found["sub"], found["sid"])
    assert "token_type" not in refresh


@pytest.mark.parametrize("hint", HINTS, ids=str)
@pytest.mark.parametrize("kind", ["access_token", "refresh_token"])
def test_int_04_rev_11_a_hint_changes_nothing_before_or_after_a_revocation(
    ada: Browser, web: App, hint: dict[str, str], kind: str
) -> None:
    tokens = Flow(web).connect(ada)
    plain = web.post("/oauth/introspect", token=tokens[kind])
    hinted = web.post("/oauth/introspect", token=tokens[kind], **hint)
    assert plain.get_json()["active"]
    assert plain.get_json() == hinted.get_json()
    assert web.revoke(tokens[kind], **hint).status_code == 200
    answers = {
        other["token_type_hint"] if other else "": web.post("/oauth/introspect", token=tokens[kind], **other)
        for other in HINTS
    }
    assert {answer.data for answer in answers.values()} == {b'{"active": false}'}
    refreshed = web.refresh(tokens["refresh_token"]).status_code
    assert refreshed == (200 if kind == "access_token" else 400)


def test_int_03_all_inactive_tokens_look_the_same(site: Site, ada: Browser, web: App) -> None:
    other = register_app(site, "Other")
    flow = Flow(web)
    consumed = flow.connect(ada)
    web.refresh(consumed["refresh_token"])
    revoked = Flow(web).connect(ada)
    web.revoke(revoked["refresh_token"])
    foreign = Flow(other).connect(ada)
    code = flow.allow(ada)
    expired = Flow(web).connect(ada)
    tokens = {
        "unknown": "x",
        "malformed": "a.b.c",
        "a code": code,
        "consumed": consumed["refresh_token"],
        "revoked": revoked["access_token"],
        "its refresh token": revoked["refresh_token"],
        "another client's": foreign["access_token"],
        "another client's refresh token": foreign["refresh_token"],
        "an ID token": expired["id_token"],
        "the site's own": ada.pocket()["__Host-Http-access"],
        "the site's own refresh token": ada.pocket()["__Host-Http-refresh"],
    }
    for what, token in tokens.items():
        assert web.post("/oauth/introspect", token=token).data == b'{"active": false}', what
    site.wait(301)
    assert web.post("/oauth/introspect", token=expired["access_token"]).data == b'{"active": false}'


@pytest.mark.page
def test_int_05_a_resource_server_sees_every_users_access_tokens_and_no_refresh_tokens(
    site: Site, ada: Browser, web: App
) -> None:
    api = register(site, "API", scope="introspect")
    tokens = Flow(web).connect(ada)
    assert api.post("/oauth/introspect", token=tokens["access_token"]).get_json()["client_id"] == web.id
    assert api.post("/oauth/introspect", token=tokens["refresh_token"]).get_json() == {"active": False}
    api.revoke(tokens["access_token"])
    assert api.post("/oauth/introspect", token=tokens["access_token"]).get_json()["active"], "it may only ask"


@pytest.mark.page
def test_int_01_07_a_caller_has_a_secret_and_asks_by_post(ada: Browser, web: App, page_app: App) -> None:
    tokens = Flow(page_app).connect(ada)
    for answer in (
        page_app.post("/oauth/introspect", token=tokens["access_token"]),
        App(web.site, web.id, "wrong").post("/oauth/introspect", token="x"),
        web.post("/oauth/introspect", auth="no", token="x"),
    ):
        assert (answer.status_code, answer.get_json()["error"]) == (401, "invalid_client")
    assert web.site.browser().get(f"/oauth/introspect?token={tokens['access_token']}").status_code == 405
    missing = web.post("/oauth/introspect")
    assert (missing.status_code, missing.get_json()["error"]) == (400, "invalid_request")


@pytest.mark.page
def test_rt_13_to_ask_about_a_refresh_token_is_no_use_of_it(site: Site, ada: Browser, web: App) -> None:
    tokens = Flow(web, scope="openid offline_access").connect(ada)
    day = 24 * 60 * 60
    for _ in range(2):
        site.wait(8 * day)
        found = web.post("/oauth/introspect", token=tokens["refresh_token"]).get_json()
    assert found == {"active": False}, "sixteen days without use, whatever asked in between"
