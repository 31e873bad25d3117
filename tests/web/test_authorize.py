"""The page that asks a person whether an app may know who they are."""

import pytest

from tests.browsers import Browser, Site
from tests.oauth.conftest import App, page_app, web
from tests.oauth.flow import Flow

__all__ = ["page_app", "web"]  # fixtures
pytestmark = pytest.mark.page


@pytest.fixture
def ada(site: Site) -> Browser:
    return site.member()


def test_the_page_says_who_asks_for_what_for_how_long_and_where_it_leads(ada: Browser, web: App) -> None:
    page = ada.get(Flow(web, scope="openid email").path()).text
    assert "Web asks who you are" in page
    assert "you go on to <strong>https://app.example</strong>" in page
    assert "your email address, ada@example.org" in page
    assert "your name" not in page
    assert "Until you sign out of this browser, and until" in page
    assert "keeps no secret" not in page


def test_who_asks_to_outlive_the_browser_has_to_say_so(ada: Browser, web: App) -> None:
    page = ada.get(Flow(web, scope="openid offline_access").path()).text
    assert "Also after you sign out of this browser" in page
    assert "for 30 days at most" in page
    assert "Until you sign out of this browser" not in page


def test_an_app_without_a_secret_comes_with_a_warning(ada: Browser, page_app: App) -> None:
    assert "another program could use its name" in ada.get(Flow(page_app).path()).text
