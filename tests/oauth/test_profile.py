"""OAUTH_PROFILE=fapi2: the operator demands of every app what each may do by itself."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.browsers import ACCESS, Browser, Site
from tests.oauth.conftest import App, register_app
from tests.oauth.flow import CALLBACK, Flow, led
from tests.oauth.keyed import Keyed, Signer, key_file, register_keyed
from tests.oauth.proofs import Holder, fault

pytestmark = pytest.mark.page


@pytest.fixture
def site(open_site: Callable[..., Site]) -> Site:
    return open_site(OAUTH_PROFILE="fapi2")


@pytest.fixture
def ada(site: Site) -> Browser:
    return site.member()


def test_an_app_that_was_registered_with_a_secret_or_with_none_proves_nothing_any_more(
    site: Site, web: App, page_app: App
) -> None:
    for app in (web, page_app):
        for answer in (app.revoke("x"), app.refresh("x"), Flow(app).push()):
            body = answer.get_json()
            assert (answer.status_code, body["error"]) == (401, "invalid_client")
            assert "private_key_jwt" in body["error_description"]


def test_a_resource_server_that_was_registered_with_a_secret_is_refused_too(site: Site) -> None:
    api = register_app(site, "API", scope="introspect")
    assert api.post("/oauth/introspect", token="x").status_code == 401
    keyed = register_keyed(site, "API", scope="introspect")
    assert keyed.post("/oauth/introspect", token="x").get_json() == {"active": False}


def test_every_app_has_to_push_its_request(site: Site, ada: Browser) -> None:
    flow = Flow(register_keyed(site))
    answer = led(ada.get(flow.path()))
    assert answer["error"] == "invalid_request"
    assert "push" in answer["error_description"]
    assert "asks who you are" in ada.get(flow.pushed()).text


def test_a_pushed_request_names_its_redirect_uri(site: Site) -> None:
    answer = Flow(register_keyed(site)).push(redirect_uri=None)
    assert (answer.status_code, answer.get_json()["error"]) == (400, "invalid_request")
    assert Flow(register_keyed(site), redirect_uri=CALLBACK).push().status_code == 201


def test_the_metadata_says_so(site: Site) -> None:
    described = site.browser().get("/.well-known/oauth-authorization-server").get_json()
    assert described["require_pushed_authorization_requests"] is True
    for endpoint in ("token", "revocation", "introspection"):
        assert described[f"{endpoint}_endpoint_auth_methods_supported"] == ["private_key_jwt"]


def test_no_app_is_registered_that_could_do_nothing(site: Site, tmp_path: Path) -> None:
    for words in ((), ("--public",)):
        done = site.run("clients", "add", "Photos", *words)
        assert (done.exit_code, "--jwks" in done.output) == (1, True)
    assert site.run("clients", "add", "Photos", "--jwks", key_file(tmp_path, Signer().public)).exit_code == 0


def test_an_app_with_a_secret_is_brought_along(site: Site, web: App, tmp_path: Path) -> None:
    key = Signer()
    assert site.run("clients", "change", web.id, "--jwks", key_file(tmp_path, key.public)).exit_code == 0
    assert Keyed(site, web.id, None, key).revoke("x").status_code == 200


def test_every_app_gets_bound_tokens_alone(site: Site, ada: Browser) -> None:
    app = register_keyed(site)
    flow, holder = Flow(app), Holder(app)
    code = led(ada.post(flow.pushed(), decision="allow", sid=ada.session()["sid"]))["code"]
    answer = flow.exchange(code)
    assert (answer.status_code, fault(answer)) == (400, "invalid_dpop_proof")
    tokens = holder.exchange(flow, code).get_json()
    assert tokens["token_type"] == "DPoP"
    answer = app.refresh(tokens["refresh_token"])
    assert (answer.status_code, fault(answer)) == (400, "invalid_dpop_proof")
    assert holder.refresh(tokens["refresh_token"]).get_json()["token_type"] == "DPoP"
    assert holder.call(tokens["access_token"]).status_code == 200
    assert holder.call(tokens["access_token"], path="/oauth/userinfo").status_code == 200
    assert app.post("/oauth/introspect", token=tokens["access_token"]).get_json()["cnf"] == {"jkt": holder.key.jkt}


def test_no_api_takes_a_token_that_is_not_bound_not_even_the_sites_own_or_one_from_before(
    site: Site, open_site: Callable[..., Site], ada: Browser
) -> None:
    before = open_site()
    api = register_keyed(site, "API", scope="introspect")
    plain = register_app(before, "Page", public=True)
    person = before.member("bea@example.org")
    for access in (Flow(plain).connect(person)["access_token"], ada.pocket()[ACCESS]):
        assert before.browser().api(access).status_code == 200
        for path in ("/api/me", "/oauth/userinfo"):
            answer = site.browser().get(path, Authorization=f"Bearer {access}")
            assert (answer.status_code, fault(answer)) == (401, "invalid_token")
            assert len(answer.headers.getlist("WWW-Authenticate")) == 1
            assert answer.headers["WWW-Authenticate"].startswith('DPoP realm="api", algs="')
        assert api.post("/oauth/introspect", token=access).get_json() == {"active": False}
    assert site.browser().get("/api/me").headers.getlist("WWW-Authenticate") == [
        'DPoP realm="api", algs="ES256 PS256 Ed25519 EdDSA"'
    ]


def test_the_sites_own_pages_go_on_as_before(site: Site, ada: Browser) -> None:
    site.wait(301)
    assert ada.is_signed_in()
    pocket = ada.pocket()
    ada.sign_out()
    assert not site.thief(pocket).is_signed_in()
