"""A client uses the grants that it is registered for, and no other."""

import pytest

from tests.browsers import Browser, Site
from tests.oauth.conftest import App, register_app
from tests.oauth.flow import Flow, led

pytestmark = pytest.mark.page


@pytest.fixture
def ada(site: Site) -> Browser:
    return site.member()


@pytest.fixture
def brief(site: Site) -> App:
    """An app that needs its user's identity once, and never refreshes."""
    return register_app(site, "Brief", grant_types=["authorization_code"])


def test_a_client_that_is_not_registered_for_refresh_gets_no_refresh_token(ada: Browser, brief: App) -> None:
    tokens = Flow(brief).connect(ada)
    assert set(tokens) == {"access_token", "id_token", "token_type", "expires_in", "authorization_expires_in", "scope"}
    assert ada.api(tokens["access_token"]).status_code == 200


def test_a_client_that_is_not_registered_for_refresh_gets_no_access_that_outlives_the_browser(
    ada: Browser, brief: App
) -> None:
    tokens = Flow(brief, scope="openid offline_access").connect(ada)
    assert tokens["scope"] == "openid"
    ada.sign_out()
    assert ada.api(tokens["access_token"]).status_code == 401


def test_a_client_may_not_use_a_grant_that_it_is_not_registered_for(site: Site, ada: Browser, brief: App) -> None:
    service = register_app(site, "Service", grant_types=["refresh_token"])
    flow = Flow(brief)
    code = flow.allow(ada)
    for answer in (brief.refresh("x"), Flow(service).exchange(code)):
        assert (answer.status_code, answer.get_json()["error"]) == (400, "unauthorized_client")
    assert flow.exchange(code).status_code == 200, "which used nothing up"


def test_a_client_that_has_lost_the_grant_can_not_use_the_token_that_it_still_has(site: Site, ada: Browser) -> None:
    app = register_app(site, "Photos")
    tokens = Flow(app).connect(ada)
    assert site.run("clients", "change", app.id, "--grant", "authorization_code").exit_code == 0
    answer = app.refresh(tokens["refresh_token"])
    assert (answer.status_code, answer.get_json()["error"]) == (400, "unauthorized_client")
    assert app.revoke(tokens["refresh_token"]).status_code == 200
    assert ada.api(tokens["access_token"]).status_code == 401, "it can still give it back"


def test_a_client_without_the_grant_of_codes_is_sent_back_before_the_user_is_asked(site: Site, ada: Browser) -> None:
    service = register_app(site, "Service", grant_types=["refresh_token"])
    assert led(ada.get(Flow(service).path()))["error"] == "unauthorized_client"


def test_a_client_that_is_registered_for_less_is_granted_less(site: Site, ada: Browser) -> None:
    least = register_app(site, "Least", scope="openid")
    assert Flow(least, scope="openid profile email").connect(ada)["scope"] == "openid"
