"""UserInfo and the API: what a bearer token opens, and in which words it is refused."""

from typing import Any

import pytest
from werkzeug.test import TestResponse

from tests.browsers import SITE_URL, Browser, Site
from tests.oauth.conftest import App
from tests.oauth.flow import Flow

pytestmark = pytest.mark.page
PLACES = ["/oauth/userinfo", "/api/me"]


@pytest.fixture
def ada(site: Site) -> Browser:
    return site.member()


def ask(site: Site, path: str, token: str | None = None, scheme: str = "Bearer", **more: Any) -> TestResponse:
    headers = {"Authorization": f"{scheme} {token}"} if token is not None else {}
    return site.app.test_client().open(path, base_url=SITE_URL, headers=headers, **more)


@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize(
    ("scope", "known"),
    [
        ("openid", {"sub"}),
        ("openid profile", {"sub", "name"}),
        ("openid email", {"sub", "email", "email_verified"}),
        ("openid profile email offline_access", {"sub", "name", "email", "email_verified"}),
    ],
)
def test_an_app_learns_what_was_allowed_and_no_more(
    site: Site, ada: Browser, web: App, scope: str, known: set[str], method: str
) -> None:
    answer = ask(site, "/oauth/userinfo", Flow(web, scope=scope).connect(ada)["access_token"], method=method)
    assert set(answer.get_json()) == known
    assert answer.get_json().get("email_verified") in (None, False), "no mail was sent to prove it"


@pytest.mark.parametrize("path", PLACES)
@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER"])
def test_ber_01_a_bearer_token_opens(site: Site, ada: Browser, web: App, path: str, scheme: str) -> None:
    assert ask(site, path, Flow(web).connect(ada)["access_token"], scheme).status_code == 200


@pytest.mark.parametrize("path", PLACES)
def test_ber_02_03_without_a_token_no_error_is_named(site: Site, path: str) -> None:
    for answer in (ask(site, path), ask(site, path, "x", "Basic"), ask(site, path, "")):
        assert answer.status_code == 401
        assert answer.headers["WWW-Authenticate"] == 'Bearer realm="api"'


@pytest.mark.parametrize("path", PLACES)
def test_ber_04_every_bad_token_is_refused_in_the_same_words(site: Site, ada: Browser, web: App, path: str) -> None:
    tokens = Flow(web).connect(ada)
    web.revoke(tokens["access_token"])
    refused = [ask(site, path, token) for token in ("x", "a.b.c", tokens["id_token"], tokens["access_token"])]
    assert {answer.status_code for answer in refused} == {401}
    assert len({(answer.data, answer.headers["WWW-Authenticate"]) for answer in refused}) == 1
    assert 'Bearer realm="api", error="invalid_token"' in refused[0].headers["WWW-Authenticate"]


def test_ber_04_a_token_for_something_else_is_told_what_it_lacks(site: Site, ada: Browser, web: App) -> None:
    for token in (Flow(web, scope="profile").connect(ada)["access_token"], ada.pocket()["__Host-Http-access"]):
        answer = ask(site, "/oauth/userinfo", token)
        assert answer.status_code == 403
        assert 'error="insufficient_scope"' in answer.headers["WWW-Authenticate"]
        assert 'scope="openid"' in answer.headers["WWW-Authenticate"]


@pytest.mark.parametrize("path", PLACES)
def test_ber_05_06_the_header_is_the_one_way_to_send_it(site: Site, ada: Browser, web: App, path: str) -> None:
    token = Flow(web).connect(ada)["access_token"]
    assert ask(site, path, query_string={"access_token": token}).status_code == 401
    assert ask(site, path, token, query_string={"access_token": token}).status_code == 400
    if path == "/oauth/userinfo":
        assert ask(site, path, method="POST", data={"access_token": token}).status_code == 401
        twice = ask(site, path, token, method="POST", data={"access_token": token})
        assert (twice.status_code, twice.get_json()["error"]) == (400, "invalid_request")
