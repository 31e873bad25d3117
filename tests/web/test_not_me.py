"""“This wasn’t me” on the devices page ends what it says and gains a thief nothing that ending a device does not."""

import pytest

from tests.browsers import PASSWORD, Browser, Site, words
from tests.oauth.conftest import App, alive, web
from tests.oauth.flow import Flow

pytestmark = pytest.mark.page
__all__ = ["web"]  # a fixture
NEW = "nine quiet walruses"
HOUR = 60 * 60


@pytest.fixture
def ada(site: Site) -> Browser:
    return site.member()


@pytest.fixture
def stranger(site: Site, ada: Browser) -> Browser:
    """A thief who knows Ada's password."""
    stranger = site.browser("Safari on macOS", address="203.0.113.66")
    stranger.sign_in()
    return stranger


def disown(browser: Browser, sid: object) -> str:
    return browser.post(f"/devices/{sid}/not-me").headers["Location"]


def test_it_ends_that_session_and_leads_to_a_new_password(ada: Browser, stranger: Browser) -> None:
    page = words(ada.get(disown(ada, stranger.session()["sid"])).text)
    assert "Safari on macOS has ended." in page
    assert "get a link to choose a new one" in page
    assert not stranger.is_signed_in()
    assert ada.is_signed_in()
    [over] = [line for line in ada.sessions() if line["ended_at"]]
    assert (over["reason"], over["ended_by"]) == ("not_me", ada.session()["sid"])
    assert "“This wasn’t me” was pressed" in ada.get("/activity").text


def test_each_row_but_that_of_this_browser_has_it(ada: Browser, stranger: Browser) -> None:
    here, there = ada.session()["sid"], stranger.session()["sid"]
    page = ada.get("/devices").text
    assert f'action="/devices/{there}/not-me"' in page
    assert f'action="/devices/{here}/not-me"' not in page


def test_it_asks_for_the_password_where_an_end_does_and_then_does_it(
    site: Site, ada: Browser, stranger: Browser
) -> None:
    sid = stranger.session()["sid"]
    site.wait(HOUR)
    asked = disown(ada, sid)
    assert asked == f"/confirm?action=not-me:{sid}"
    assert "which was not you" in ada.get(asked).text
    assert stranger.is_signed_in()
    done = ada.post("/confirm", action=f"not-me:{sid}", password=PASSWORD).headers["Location"]
    assert "has ended." in words(ada.get(done).text)
    assert not stranger.is_signed_in()


def test_a_thief_with_old_copied_cookies_cannot_throw_the_owners_phone_out(site: Site, ada: Browser) -> None:
    phone = site.browser("Chrome on Android")
    phone.sign_in()
    site.wait(HOUR)
    thief = site.thief(ada.pocket())
    sid = phone.session()["sid"]
    assert disown(thief, sid).startswith("/confirm")
    assert thief.post("/confirm", action=f"not-me:{sid}", password="not this one").status_code == 422
    assert phone.is_signed_in()


def test_old_cookies_do_not_end_the_phone_by_an_earlier_id_of_its_session(site: Site, ada: Browser) -> None:
    """Ending it again would take no password, but this would end its successor too."""
    phone = site.browser("Chrome on Android")
    phone.sign_in()
    before = phone.session()["sid"]
    phone.post("/account/password", current=PASSWORD, password=NEW)
    assert phone.session()["sid"] != before
    site.wait(HOUR)
    thief = site.thief(ada.pocket())
    assert disown(thief, before).startswith("/confirm")
    assert phone.is_signed_in()


def test_a_thief_who_changed_the_password_meanwhile_is_out_all_the_same(ada: Browser, stranger: Browser) -> None:
    listed = stranger.session()["sid"]
    stranger.post("/account/password", current=PASSWORD, password=NEW)
    assert stranger.session()["sid"] != listed
    assert "has ended." in words(ada.get(disown(ada, listed)).text)
    assert not stranger.is_signed_in()
    assert ada.is_signed_in()


def test_ending_this_very_browser_by_an_earlier_id_is_signing_out(ada: Browser) -> None:
    before = ada.session()["sid"]
    ada.post("/account/password", current=PASSWORD, password=NEW)
    assert disown(ada, before) == "/signed-out"
    assert not ada.is_signed_in()


def test_another_persons_session_does_not_exist(site: Site, ada: Browser) -> None:
    bob = site.member("bob@example.org")
    sid = bob.session()["sid"]
    assert ada.post(f"/devices/{sid}/not-me").status_code == 404
    assert ada.get(f"/confirm?action=not-me:{sid}").status_code == 404
    assert "has ended" not in ada.get(f"/account/password?not-me={sid}").text
    assert bob.is_signed_in()


def test_the_page_says_that_it_ended_only_if_it_did(ada: Browser, stranger: Browser) -> None:
    sid = stranger.session()["sid"]
    assert "has ended" not in ada.get(f"/account/password?not-me={sid}").text


def test_ending_an_app_ends_what_it_holds_and_takes_the_consent_back(ada: Browser, web: App) -> None:
    tokens = Flow(web).connect(ada)
    [sid] = [line["sid"] for line in ada.sessions() if line["app"]]
    assert "Web has ended." in words(ada.get(disown(ada, sid)).text)
    assert not alive(web, tokens["access_token"])
    assert "You have allowed no app" in ada.get("/account").text
    assert ada.is_signed_in()
