"""Propagation: what else ends with a browser session, looked at token by token, wherever tokens are accepted."""

from dataclasses import dataclass

import pytest

from tests.browsers import ACCESS, REFRESH, Browser, Pocket, Site
from tests.oauth.conftest import App, alive, register_app
from tests.oauth.flow import Flow


@dataclass
class Held:
    """An app and the tokens that it holds."""

    app: App
    access: str
    refresh: str

    def lives(self, place: str) -> bool:
        """Whether this is accepted there. Introspection comes before the refresh, which uses the token up."""
        if place == "API":
            return alive(self.app, self.access)
        if place == "introspection of access":
            return bool(self.app.post("/oauth/introspect", token=self.access).get_json()["active"])
        if place == "introspection of refresh":
            return bool(self.app.post("/oauth/introspect", token=self.refresh).get_json()["active"])
        return self.app.refresh(self.refresh).status_code == 200


PLACES = ("API", "introspection of access", "introspection of refresh", "refresh")


@pytest.fixture
def ada(site: Site) -> Browser:
    return site.member()


def connect(site: Site, browser: Browser, name: str, scope: str = "openid") -> Held:
    app = register_app(site, name)
    tokens = Flow(app, scope=scope).connect(browser)
    return Held(app, tokens["access_token"], tokens["refresh_token"])


def lives(held: dict[str, Held]) -> dict[tuple[str, str], bool]:
    return {(name, place): one.lives(place) for name, one in held.items() for place in PLACES}


def same(held: dict[str, Held], alive: set[str]) -> dict[tuple[str, str], bool]:
    return {(name, place): name in alive for name in held for place in PLACES}


@pytest.mark.stores("an act that writes")
@pytest.mark.question("A16")
def test_sign_out_ends_the_browser_and_its_apps_and_spares_what_was_let_in_for_longer(
    site: Site, other_node: Site, ada: Browser
) -> None:
    phone = site.browser("Chrome on Android")
    phone.sign_in()
    held = {
        "first": connect(site, ada, "First"),
        "second": connect(site, ada, "Second", "openid profile"),
        "off-line": connect(site, ada, "Off-line", "openid offline_access"),
        "of the phone": connect(site, phone, "Phone"),
    }
    assert all(one.lives("API") for one in held.values())
    own: Pocket = ada.pocket()
    ada.sign_out()
    for node in (site, other_node):
        assert not node.thief(own, ACCESS).is_signed_in()
        assert not node.thief(own, REFRESH).is_signed_in()
        assert node.browser().api(held["first"].access).status_code == 401
        assert node.browser().api(held["off-line"].access).status_code == 200
    assert lives(held) == same(held, {"off-line", "of the phone"})
    assert phone.is_signed_in()


def test_an_app_that_revokes_its_own_session_ends_nothing_else(site: Site, ada: Browser) -> None:
    held = {"first": connect(site, ada, "First"), "second": connect(site, ada, "Second")}
    held["first"].app.revoke(held["first"].refresh)
    assert lives(held) == same(held, {"second"})
    assert ada.is_signed_in()


def test_reuse_of_an_apps_refresh_token_ends_that_app_alone(site: Site, ada: Browser) -> None:
    held = {"first": connect(site, ada, "First"), "second": connect(site, ada, "Second")}
    old = held["first"].refresh
    newer = held["first"].app.refresh(old).get_json()
    newest = held["first"].app.refresh(newer["refresh_token"]).get_json()
    held["first"].access, held["first"].refresh = newest["access_token"], newest["refresh_token"]
    site.wait(11)
    assert held["first"].app.refresh(old).status_code == 400
    assert lives(held) == same(held, {"second"})
    assert ada.is_signed_in()


def test_reuse_of_the_browsers_refresh_token_ends_its_apps_with_it(site: Site, ada: Browser) -> None:
    held = {"first": connect(site, ada, "First"), "off-line": connect(site, ada, "Off-line", "openid offline_access")}
    old = ada.pocket()[REFRESH]
    for _ in range(2):
        ada.forget(ACCESS)
        assert ada.is_signed_in()
    site.wait(11)
    site.thief({REFRESH: old}).is_signed_in()
    assert lives(held) == same(held, {"off-line"})


def test_a_user_who_signs_in_again_in_the_same_browser_ends_the_apps_of_the_old_session(
    site: Site, ada: Browser
) -> None:
    held = {"first": connect(site, ada, "First")}
    ada.sign_in()
    held["second"] = connect(site, ada, "Second")
    assert lives(held) == same(held, {"second"})


@pytest.mark.stores("one transaction for all")
def test_the_receipt_waits_until_the_apps_are_over_too(site: Site, ada: Browser) -> None:
    """The entries of the apps come before that of the browser: a node that has read this one has read them all."""
    connect(site, ada, "First")
    connect(site, ada, "Second")
    ada.sign_out()
    entries = site.query("SELECT reason FROM log_entries WHERE kind = 'revoked' ORDER BY position")
    assert entries == [("browser_ended",), ("browser_ended",), ("signed_out",)]
