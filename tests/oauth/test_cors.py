"""Cross-origin requests: an app that runs in a browser reads what it needs, from where it is registered, and no more."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from werkzeug.test import TestResponse

from tests.browsers import SITE_URL, Site
from tests.oauth.conftest import App, register_app
from tests.oauth.flow import Flow

ORIGIN = "https://page.example"
NEEDED = [
    "/.well-known/openid-configuration",
    "/.well-known/oauth-authorization-server",
    "/oauth/jwks",
    "/oauth/token",
    "/oauth/revoke",
    "/oauth/userinfo",
    "/api/me",
]
CLOSED = ["/oauth/authorize", "/oauth/end-session", "/oauth/introspect", "/devices", "/sign-out", "/lab/revoke", "/"]
pytestmark = pytest.mark.page


@pytest.fixture(scope="module")
def spa(shared_instance: Path) -> Iterator[App]:
    site = Site(shared_instance)
    register_app(site, "Server", redirect_uris=["https://server.example/cb"])
    register_app(site, "Shouts", public=True, redirect_uris=["https://LOUD.example:443/cb", "http://[::1]:80/cb"])
    yield register_app(site, "Page", public=True, redirect_uris=[f"{ORIGIN}/cb", "http://127.0.0.1:5000/cb"])
    site.close()


def preflight(site: Site, path: str, origin: str) -> TestResponse:
    headers = {
        "Origin": origin,
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "authorization",
    }
    return site.app.test_client().options(path, base_url=SITE_URL, headers=headers)


def read_by(answer: TestResponse) -> set[str]:
    return {name for name, _ in answer.headers if name.startswith("Access-Control")}


@pytest.mark.parametrize("path", NEEDED)
@pytest.mark.parametrize("origin", [ORIGIN, "http://127.0.0.1:5000", "https://loud.example", "http://[::1]"])
def test_bba_10_a_registered_origin_may_read(spa: App, path: str, origin: str) -> None:
    answer = preflight(spa.site, path, origin)
    assert answer.headers["Access-Control-Allow-Origin"] == origin
    assert "Authorization" in answer.headers["Access-Control-Allow-Headers"]
    assert "Access-Control-Allow-Credentials" not in answer.headers
    assert "Origin" in answer.headers["Vary"]
    plain = spa.site.browser().get(path, Origin=origin)
    assert plain.headers.get("Access-Control-Allow-Origin") == (origin if plain.status_code != 405 else None)


@pytest.mark.parametrize("path", NEEDED)
@pytest.mark.parametrize(
    "origin",
    [
        "https://evil.example",
        f"{ORIGIN}.evil.example",
        "http://page.example",
        f"{ORIGIN}:444",
        "null",
        "https://server.example",
    ],
)
def test_bba_10_no_other_origin_may(spa: App, path: str, origin: str) -> None:
    assert read_by(preflight(spa.site, path, origin)) == set()
    assert read_by(spa.site.browser().get(path, Origin=origin)) == set()


@pytest.mark.parametrize(
    ("origin", "may"),
    [
        ("http://127.0.0.1:51004", True),
        ("http://127.0.0.1", True),
        ("http://[::1]:9", True),
        ("http://127.0.0.2:5000", False),
        ("https://127.0.0.1:5000", False),
        ("http://localhost:5000", False),
        ("http://127.0.0.1.evil.example:5000", False),
        ("http://127.0.0.1:5000.evil.example", False),
        ("http://127.0.0.1:65536", False),
        ("http://127.0.0.1:5000/", False),
        ("http://[::1]:9/", False),
    ],
)
def test_bba_10_an_app_on_a_loopback_address_chooses_its_port_as_for_its_redirect(
    spa: App, origin: str, *, may: bool
) -> None:
    found = preflight(spa.site, "/oauth/token", origin).headers.get("Access-Control-Allow-Origin")
    assert found == (origin if may else None)


@pytest.mark.parametrize("path", CLOSED)
def test_aut_07_where_no_app_in_a_browser_needs_it_no_origin_may(spa: App, path: str) -> None:
    assert read_by(preflight(spa.site, path, ORIGIN)) == set()
    assert read_by(spa.site.browser().get(path, Origin=ORIGIN)) == set()


def test_a_refusal_can_be_read_too(spa: App) -> None:
    answers = [spa.post("/oauth/token", headers={"Origin": ORIGIN}), spa.site.browser().get("/api/me", Origin=ORIGIN)]
    for answer in answers:
        assert answer.status_code in (400, 401)
        assert answer.headers["Access-Control-Allow-Origin"] == ORIGIN
        assert "WWW-Authenticate" in answer.headers["Access-Control-Expose-Headers"]


def test_the_endpoints_for_machines_take_no_cookie(spa: App) -> None:
    ada = spa.site.member()
    tokens = Flow(spa, redirect_uri=f"{ORIGIN}/cb").connect(ada)
    form = {"grant_type": "refresh_token", "refresh_token": ada.pocket()["__Host-Http-refresh"], "client_id": spa.id}
    assert ada.post("/oauth/token", {"Sec-Fetch-Site": "cross-site"}, **form).get_json()["error"] == "invalid_grant"
    good = {**form, "refresh_token": tokens["refresh_token"]}
    answer = ada.post("/oauth/token", {"Sec-Fetch-Site": "cross-site", "Origin": ORIGIN}, **good)
    assert (answer.status_code, answer.headers.getlist("Set-Cookie")) == (200, [])


@pytest.mark.sqlite
def test_without_a_database_no_request_is_allowed(site: Site) -> None:
    register_app(site, "Page", public=True, redirect_uris=[f"{ORIGIN}/cb"])
    (site.folder / "signed-out.db").rename(site.folder / "elsewhere.db")
    assert read_by(preflight(site, "/oauth/token", ORIGIN)) == set()
