"""The page that asks a person whether an app may know who they are."""

import pytest

from tests.browsers import SITE_URL, Browser, Site
from tests.oauth.conftest import App, page_app, web
from tests.oauth.flow import Flow, led

__all__ = ["page_app", "web"]  # fixtures
pytestmark = pytest.mark.page


@pytest.fixture
def ada(site: Site) -> Browser:
    return site.member()


def test_the_page_names_the_app_what_it_asks_for_for_how_long_and_where_it_leads(ada: Browser, web: App) -> None:
    page = ada.get(Flow(web, scope="openid email").path()).text
    assert "Web asks who you are" in page
    assert "you go on to <strong>https://app.example</strong>" in page
    assert "your email address, ada@example.org" in page
    assert "your name" not in page
    assert "Until you sign out of this browser, and until" in page
    assert "keeps no secret" not in page


def test_an_app_that_asks_to_outlive_the_browser_has_to_say_so(ada: Browser, web: App) -> None:
    page = ada.get(Flow(web, scope="openid offline_access").path()).text
    assert "Also after you sign out of this browser" in page
    assert "for 30 days at most" in page
    assert "Until you sign out of this browser" not in page


def test_an_app_without_a_secret_comes_with_a_warning(ada: Browser, page_app: App) -> None:
    assert "another program could use its name" in ada.get(Flow(page_app).path()).text


def allow_less(browser: Browser, flow: Flow, *kept: str) -> dict[str, str]:
    """Tick what the app must not get, and press Allow; return the tokens."""
    ticked = dict.fromkeys((f"keep_{scope}" for scope in kept), "y")
    answer = browser.post(flow.path(prompt="consent"), decision="allow", sid=browser.session()["sid"], **ticked)
    tokens: dict[str, str] = flow.exchange(led(answer)["code"]).get_json()
    return tokens


def known(site: Site, tokens: dict[str, str]) -> set[str]:
    """What the app reads about its user."""
    bearer = {"Authorization": f"Bearer {tokens['access_token']}"}
    return set(site.app.test_client().get("/oauth/userinfo", base_url=SITE_URL, headers=bearer).get_json())


def test_a_user_keeps_the_name_or_the_address_from_an_app_and_lets_it_in(site: Site, ada: Browser, web: App) -> None:
    page = ada.get(Flow(web).path()).text
    assert "Do not tell it my name" in page
    assert "Do not tell it my email address" in page
    assert "End its access" not in page, "it ends then anyway"
    tokens = allow_less(ada, Flow(web), "email")
    assert tokens["scope"] == "openid profile"
    assert known(site, tokens) == {"sub", "name"}
    assert "may know your name" in ada.get("/account").text
    assert "email address</span>" not in ada.get("/account").text
    assert "code" in led(ada.get(Flow(web, scope="openid profile").path(prompt="none")))
    assert led(ada.get(Flow(web).path(prompt="none")))["error"] == "consent_required", (
        "it gets the address by asking only"
    )


def test_an_earlier_consent_can_be_narrowed(site: Site, ada: Browser, web: App) -> None:
    Flow(web).connect(ada)
    assert known(site, allow_less(ada, Flow(web), "email", "profile")) == {"sub"}
    assert led(ada.get(Flow(web, scope="openid email").path(prompt="none")))["error"] == "consent_required"
    assert "code" in led(ada.get(Flow(web, scope="openid").path(prompt="none")))


def test_an_app_that_asks_to_outlive_the_browser_can_be_let_in_without(site: Site, ada: Browser, web: App) -> None:
    tokens = allow_less(ada, Flow(web, scope="openid offline_access"), "offline_access")
    assert tokens["scope"] == "openid"
    ada.sign_out()
    assert web.refresh(tokens["refresh_token"]).get_json()["error"] == "invalid_grant"


def test_an_app_that_is_let_in_always_learns_which_user_it_is(site: Site, ada: Browser, web: App) -> None:
    assert known(site, allow_less(ada, Flow(web, scope="openid"), "openid", "everything")) == {"sub"}
    assert allow_less(ada, Flow(web, scope="email"), "email")["scope"] == "email", "nothing would be left"
