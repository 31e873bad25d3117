"""Apps on the devices page: under the browser that connected them, or on their own, and an end to each."""

import re
from html import unescape

import pytest

from app.oauth.clients import Client
from app.store.db import db, writing
from tests import passkeys
from tests.authenticator import PAGE, add_app
from tests.browsers import PASSWORD, Browser, Site, form
from tests.oauth.conftest import App, alive, page_app, register_app, web
from tests.oauth.flow import Flow, led

pytestmark = pytest.mark.page

__all__ = ["page_app", "web"]  # fixtures
OFFLINE = "openid email offline_access"


@pytest.fixture
def ada(site: Site) -> Browser:
    return site.member()


def said(page: str) -> str:
    """Return the text of a page."""
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", page)).split()).replace(" ,", ",")


def apps(browser: Browser) -> dict[str, dict[str, object]]:
    return {line["app"]: line for line in browser.sessions() if line["app"]}


def test_an_app_is_listed_under_the_device_that_connected_it(site: Site, ada: Browser, web: App) -> None:
    Flow(web).connect(ada)
    phone = site.browser("Chrome on Android")
    phone.sign_in()
    page = phone.get("/devices").text
    [device] = re.findall(r'<li id="session-[^"]+" data-sid="[^"]+" class="session">.*?</ul>', page, re.DOTALL)[:1]
    assert "You are signed in on 2 devices" in page
    assert "Firefox on Linux" in page
    hanging = page[page.index('aria-label="Apps that end with Firefox on Linux"') :]
    assert "End Web" in said(hanging[: hanging.index("</ul>")])
    assert "knows your name and your email address" in page
    assert apps(phone)["Web"]["current"] is False
    assert device


@pytest.mark.parametrize("name", ["iPhoto", "eBay", "myCALENDAR", "ǆ app", "ßorg"])
def test_every_page_calls_an_app_as_it_was_registered(site: Site, ada: Browser, name: str) -> None:
    app = register_app(site, name)
    flow = Flow(app)
    pages = [ada.get(flow.path()).text]
    flow.exchange(flow.allow(ada))
    pages.append(ada.get("/devices").text)
    ada.sign_out()
    pages.append(ada.get("/signed-out").text)
    for page in pages:
        assert name in page
        other = name.capitalize(), name[0].upper() + name[1:], name.lower(), name.upper()
        assert not [found for found in re.findall(re.escape(name), page, re.IGNORECASE) if found in {*other} - {name}]


def test_app_access_that_outlives_the_browser_is_listed_on_its_own(site: Site, ada: Browser, web: App) -> None:
    Flow(web, scope=OFFLINE).connect(ada)
    page = ada.get("/devices").text
    assert "Apps that end with" not in page
    assert "End Web" in said(page[page.index("Apps that you let in for longer") :])
    ada.sign_out()
    ada.sign_in()
    assert re.search(r"Connected \S+ \w+ \d+, \S+ UTC, from Firefox on Linux", said(ada.get("/devices").text))
    assert apps(ada)["Web"]["ended_at"] is None


@pytest.mark.parametrize("scope", ["openid email", OFFLINE])
def test_ending_an_app_ends_it_alone_and_it_has_to_ask_again(
    site: Site, ada: Browser, web: App, page_app: App, scope: str
) -> None:
    gone, other = Flow(web, scope=scope).connect(ada), Flow(page_app).connect(ada)
    sid = apps(ada)["Web"]["sid"]
    answer = ada.post(f"/devices/{sid}/end")
    assert "Ended. From now on its tokens are refused." in ada.get(answer.headers["Location"].partition("#")[0]).text
    assert not alive(web, gone["access_token"])
    assert web.refresh(gone["refresh_token"]).get_json()["error"] == "invalid_grant"
    assert alive(page_app, other["access_token"])
    assert ada.is_signed_in()
    assert led(ada.get(Flow(web).path(prompt="none")))["error"] == "consent_required"
    assert "The access of an app was ended" in ada.get("/activity").text
    assert apps(ada)["Web"]["reason"] == "ended_elsewhere"


def test_ending_an_app_asks_for_the_password_when_that_was_long_ago(site: Site, ada: Browser, web: App) -> None:
    tokens = Flow(web).connect(ada)
    site.wait(601)
    sid = apps(ada)["Web"]["sid"]
    asked = ada.post(f"/devices/{sid}/end").headers["Location"]
    assert "End Web" in ada.get(asked).text
    tokens = web.refresh(tokens["refresh_token"]).get_json()
    assert alive(web, tokens["access_token"])
    ada.post("/confirm", action=f"end:{sid}", password=PASSWORD)
    assert not alive(web, tokens["access_token"])


def test_no_user_ends_another_persons_app(site: Site, ada: Browser, web: App) -> None:
    tokens = Flow(web).connect(ada)
    bob = site.member("bob@example.org")
    assert bob.post(f"/devices/{apps(ada)['Web']['sid']}/end").status_code == 404
    assert alive(web, tokens["access_token"])


def test_ending_a_device_ends_the_apps_under_it_and_names_them(site: Site, ada: Browser, web: App) -> None:
    hanging = Flow(web).connect(ada)
    lasting = Flow(register_app(site, "Mail"), scope=OFFLINE).connect(ada)
    phone = site.browser("Chrome on Android")
    phone.sign_in()
    own = Flow(register_app(site, "Maps")).connect(phone)
    laptop = next(line for line in phone.sessions() if line["browser"] == "Firefox")
    phone.post(f"/devices/{laptop['sid']}/end")
    assert [alive(web, tokens["access_token"]) for tokens in (hanging, lasting, own)] == [False, True, True]
    assert apps(phone)["Web"]["reason"] == "browser_ended"
    assert "and with it Web" in phone.get("/devices").text


def test_ending_the_others_ends_apps_that_were_let_in_for_longer_and_spares_those_of_this_browser(
    site: Site, ada: Browser, web: App
) -> None:
    mine = Flow(web).connect(ada)
    lasting = Flow(register_app(site, "Mail"), scope=OFFLINE).connect(ada)
    phone = site.browser("Chrome on Android")
    phone.sign_in()
    theirs = Flow(register_app(site, "Maps")).connect(phone)
    ada.post("/devices/end-others")
    assert [alive(web, tokens["access_token"]) for tokens in (mine, lasting, theirs)] == [True, False, False]
    assert (ada.is_signed_in(), phone.is_signed_in()) == (True, False)


@pytest.mark.parametrize("how", ["everywhere", "password"])
def test_an_end_to_everything_ends_every_app(site: Site, ada: Browser, web: App, how: str) -> None:
    lasting = Flow(web, scope=OFFLINE).connect(ada)
    if how == "everywhere":
        ada.post("/devices/end-all")
    else:
        ada.post("/account/password", current=PASSWORD, password="other violet otters", end_others="y")
    assert not alive(web, lasting["access_token"])
    assert web.refresh(lasting["refresh_token"]).status_code == 400


@pytest.mark.parametrize("scope", ["openid email", OFFLINE])
def test_an_app_that_hangs_on_a_browser_times_out_with_it(site: Site, ada: Browser, web: App, scope: str) -> None:
    tokens = Flow(web, scope=scope).connect(ada)
    site.wait(12 * 60 * 60 - 1)
    tokens = web.refresh(tokens["refresh_token"]).get_json()
    assert alive(web, tokens["access_token"])
    site.wait(1)
    assert alive(web, tokens["access_token"]) == (scope == OFFLINE)
    assert (web.refresh(tokens["refresh_token"]).status_code == 200) == (scope == OFFLINE)


def test_an_app_that_hangs_on_a_browser_is_over_when_that_was_not_used_for_too_long(site: Site, web: App) -> None:
    ada = site.browser()
    ada.sign_up()
    ada.sign_in(keep="y")
    tokens = Flow(web).connect(ada)
    for _ in range(2):
        site.wait(6 * 24 * 60 * 60)
        tokens = web.refresh(tokens["refresh_token"]).get_json()
    site.wait(2 * 24 * 60 * 60)
    assert web.refresh(tokens["refresh_token"]).status_code == 400, "the app was used, the browser was not"
    phone = site.browser("Chrome on Android")
    phone.sign_in()
    assert apps(phone)["Web"]["reason"] == "idle"


def test_an_app_that_was_removed_is_still_listed(site: Site, ada: Browser, web: App) -> None:
    Flow(web).connect(ada)
    with site.app.app_context(), writing():
        db.session.delete(db.session.get_one(Client, web.id))
    assert "An app that was removed" in ada.get("/devices").text


@pytest.mark.parametrize("change", ["add a passkey", "remove it", "add an app", "remove that"])
def test_a_page_that_changes_a_factor_says_which_apps_end_with_the_old_tokens(
    site: Site, ada: Browser, web: App, change: str
) -> None:
    ways = {
        "add a passkey": passkeys.add,
        "remove it": _remove_passkey,
        "add an app": add_app,
        "remove that": _remove_app,
    }
    if change == "remove it":
        passkeys.add(ada)
    if change == "remove that":
        add_app(ada)
    page = {"add a passkey": f"{passkeys.PAGE}/add", "add an app": PAGE}.get(change) or _page_of_removal(site, change)
    assert "to sign you in again" not in ada.get(page).text
    hanging, lasting = Flow(web).connect(ada), Flow(web, scope=OFFLINE).connect(ada)
    assert "Web has to sign you in again" in said(ada.get(page).text)
    ways[change](ada)
    assert ada.is_signed_in()
    assert not alive(web, hanging["access_token"])
    assert alive(web, lasting["access_token"])


def _page_of_removal(site: Site, change: str) -> str:
    if change == "remove that":
        return f"{PAGE}/remove"
    [(key,)] = site.query("SELECT id FROM passkeys")
    return f"{passkeys.PAGE}/{key}/remove"


def _remove_app(browser: Browser) -> None:
    page = f"{PAGE}/remove"
    assert browser.post(page, **form(browser, page)).status_code == 303


def _remove_passkey(browser: Browser) -> None:
    found = re.search(rf'href="({passkeys.PAGE}/[^/"]+/remove)"', browser.get(passkeys.PAGE).text)
    assert found
    assert browser.post(found[1], **form(browser, found[1])).status_code == 303
