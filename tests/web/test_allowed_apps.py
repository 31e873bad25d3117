"""What apps were allowed is seen on the account page, and taken back there, whether they hold anything or not."""

import re
from collections.abc import Callable
from html import unescape

import pytest

from app.config import DAY
from tests.browsers import PASSWORD, Browser, Site
from tests.oauth.conftest import App, alive, page_app, register_app, web
from tests.oauth.flow import Flow, led

pytestmark = pytest.mark.page

__all__ = ["page_app", "web"]  # fixtures
OFFLINE = "openid email offline_access"
NEW = "nine quiet walruses"


@pytest.fixture
def ada(site: Site) -> Browser:
    return site.member()


def listed(browser: Browser) -> list[str]:
    """What the account page says of each app, in words."""
    page = browser.get("/account").text
    items = re.findall(r'<li class="session">(.*?)</li>', page[page.index('id="apps"') :], re.DOTALL)
    return [" ".join(unescape(re.sub(r"<[^>]+>", " ", item)).split()) for item in items]


def answer_without_asking(browser: Browser, app: App) -> str:
    """Whether this app gets a code without a question, or the error that it gets instead."""
    found = led(browser.get(Flow(app).path(prompt="none")))
    return "code" if "code" in found else found["error"]


def take_back(browser: Browser, app: App) -> str:
    return browser.post(f"/account/apps/{app.id}/end").headers["Location"]


def test_it_says_what_each_app_was_allowed_and_when(site: Site, ada: Browser, web: App) -> None:
    assert "You have allowed no app to know who you are" in ada.get("/account").text
    Flow(web).connect(ada)
    site.wait(3 * 60)
    Flow(register_app(site, "Mail"), scope=OFFLINE).connect(ada)
    mail, first = listed(ada)
    assert first.startswith(
        "Web connected allowed 3 minutes ago may know your name and your email address Take it back"
    )
    assert mail.startswith("Mail connected allowed just now may know your email address also after you sign out")


def test_an_allowed_app_is_listed_while_it_holds_nothing(site: Site, ada: Browser, web: App) -> None:
    Flow(web).connect(ada)
    ada.sign_out()
    ada.sign_in()
    [line] = listed(ada)
    assert line.startswith("Web not connected allowed just now")
    assert "1 app</a> may know who you are, connected or not" in ada.get("/devices").text
    assert answer_without_asking(ada, web) == "code"
    assert "done" in take_back(ada, web)
    assert listed(ada) == []
    assert "may know who you are" not in ada.get("/devices").text
    assert answer_without_asking(ada, web) == "consent_required"


@pytest.mark.parametrize("scope", ["openid email", OFFLINE])
def test_taking_back_ends_all_that_the_app_holds_and_nothing_else(
    site: Site, ada: Browser, web: App, page_app: App, scope: str
) -> None:
    phone = site.browser("Chrome on Android")
    phone.sign_in()
    held = [Flow(web, scope=scope).connect(browser) for browser in (ada, phone)]
    other = Flow(page_app).connect(ada)
    done = take_back(ada, web)
    assert "Taken back." in ada.get(done.partition("#")[0]).text
    assert [alive(web, tokens["access_token"]) for tokens in held] == [False, False]
    assert {web.refresh(tokens["refresh_token"]).get_json()["error"] for tokens in held} == {"invalid_grant"}
    assert alive(page_app, other["access_token"])
    assert [browser.is_signed_in() for browser in (ada, phone)] == [True, True]
    assert [line.partition(" ")[0] for line in listed(phone)] == ["Page"]
    assert "The permission of an app was withdrawn" in ada.get("/activity").text


def test_a_code_that_is_on_its_way_is_worth_nothing(ada: Browser, web: App) -> None:
    flow = Flow(web)
    code = flow.allow(ada)
    take_back(ada, web)
    assert flow.exchange(code).get_json()["error"] == "invalid_grant"


def test_it_takes_the_password_when_that_was_long_ago(site: Site, ada: Browser, web: App) -> None:
    Flow(web).connect(ada)
    site.wait(601)
    asked = take_back(ada, web)
    assert "Take back what you allowed Web" in ada.get(asked).text
    assert answer_without_asking(ada, web) == "code"
    ada.post("/confirm", action=f"app:{web.id}", password=PASSWORD)
    assert answer_without_asking(ada, web) == "consent_required"


def test_the_consent_of_another_person_stays(site: Site, ada: Browser, web: App) -> None:
    bob = site.member("bob@example.org")
    tokens = Flow(web).connect(bob)
    assert listed(ada) == []
    take_back(ada, web)
    assert alive(web, tokens["access_token"])
    assert answer_without_asking(bob, web) == "code"
    assert "taken back" not in ada.get("/activity").text


@pytest.mark.parametrize("client_id", ["unknown", "a%20b", "%C3%A4", "x" * 300, "signed-out"])
def test_taking_back_from_an_app_that_was_never_allowed_leaves_no_trace(
    site: Site, ada: Browser, client_id: str
) -> None:
    phone = site.browser("Chrome on Android")
    phone.sign_in()
    address = ada.post(f"/account/apps/{client_id}/end").headers["Location"]
    assert "Taken back." not in ada.get(address.partition("#")[0]).text
    assert "taken back" not in ada.get("/activity").text
    assert [browser.is_signed_in() for browser in (ada, phone)] == [True, True]
    site.wait(601)
    asked = ada.post(f"/account/apps/{client_id}/end").headers["Location"]
    assert "Take back what you allowed An app that was removed" in ada.get(asked).text


@pytest.mark.parametrize("scope", ["openid email", OFFLINE])
def test_what_an_app_still_holds_elsewhere_is_listed_though_its_yes_was_taken_back(
    site: Site, ada: Browser, web: App, scope: str
) -> None:
    phone = site.browser("Chrome on Android")
    phone.sign_in()
    for browser in (ada, phone):
        tokens = Flow(web, scope=scope).connect(browser)
    ended = next(line["sid"] for line in reversed(ada.sessions()) if line["app"])
    ada.post(f"/devices/{ended}/end")
    tokens = web.refresh(tokens["refresh_token"]).get_json()
    assert "1 app</a> may know who you are" in ada.get("/devices").text
    [line] = listed(ada)
    assert line.startswith("Web connected allowed just now may know your email address")
    assert ("also after you sign out" in line) == (scope == OFFLINE)
    assert "Take back what I allowed apps" in ada.get("/account/password").text
    take_back(ada, web)
    assert not alive(web, tokens["access_token"])
    assert listed(ada) == []


def test_an_app_that_was_allowed_less_again_may_know_what_its_older_session_knows(
    site: Site, ada: Browser, web: App
) -> None:
    phone = site.browser("Chrome on Android")
    phone.sign_in()
    Flow(web).connect(phone)
    Flow(web).connect(ada)
    mine = max((line for line in ada.sessions() if line["app"]), key=lambda line: line["began_at"])["sid"]
    ada.post(f"/devices/{mine}/end")
    Flow(web, scope="openid").connect(ada)
    assert [line.partition(" Take")[0] for line in listed(ada)] == [
        "Web connected allowed just now may know your name and your email address"
    ]


def test_another_site_takes_nothing_back(ada: Browser, web: App) -> None:
    Flow(web).connect(ada)
    assert ada.post(f"/account/apps/{web.id}/end", {"Origin": "https://evil.example"}).status_code == 403
    assert len(listed(ada)) == 1


def test_the_address_alone_shows_no_result(ada: Browser) -> None:
    assert "Taken back." not in ada.get("/account?done=disallowed").text


def test_ending_an_app_on_the_devices_page_takes_it_off_this_list(ada: Browser, web: App) -> None:
    Flow(web).connect(ada)
    sid = next(line["sid"] for line in ada.sessions() if line["app"])
    ada.post(f"/devices/{sid}/end")
    assert listed(ada) == []


def sign_out_everywhere(site: Site, ada: Browser) -> None:
    ada.post("/devices/end-all")


def change_the_password_and_say_so(site: Site, ada: Browser) -> None:
    ada.post("/account/password", current=PASSWORD, password=PASSWORD + "s", end_apps="y")
    ada.sign_out()
    ada.post("/sign-in", email="ada@example.org", password=PASSWORD + "s")
    ada.post("/account/password", current=PASSWORD + "s", password=PASSWORD)


def have_the_operator_end_everything(site: Site, ada: Browser) -> None:
    site.run("sessions", "end", "ada@example.org")


def have_the_account_closed_and_opened(site: Site, ada: Browser) -> None:
    site.run("users", "disable", "ada@example.org")
    site.run("users", "enable", "ada@example.org")


def set_password(site: Site, password: str, *more: str) -> str:
    return site.run("users", "password", "ada@example.org", "--password-stdin", *more, typed=f"{password}\n").output


def have_the_operator_set_a_password_and_say_so(site: Site, ada: Browser) -> None:
    assert set_password(site, NEW, "--end-apps") == "Changed; 1 sessions ended. Every app has to ask again.\n"
    set_password(site, PASSWORD)


ENDS: list[Callable[[Site, Browser], None]] = [
    sign_out_everywhere,
    change_the_password_and_say_so,
    have_the_operator_end_everything,
    have_the_account_closed_and_opened,
    have_the_operator_set_a_password_and_say_so,
]


@pytest.mark.parametrize("end", ENDS, ids=lambda end: end.__name__)
def test_what_ends_everything_takes_back_everything(
    site: Site, ada: Browser, web: App, page_app: App, end: Callable[[Site, Browser], None]
) -> None:
    bob = site.member("bob@example.org")
    theirs = Flow(web).connect(bob)
    held = [(app, Flow(app, scope=OFFLINE).connect(ada)) for app in (web, page_app)]
    end(site, ada)
    assert [alive(app, tokens["access_token"]) for app, tokens in held] == [False, False]
    ada.sign_in()
    assert listed(ada) == []
    assert answer_without_asking(ada, web) == "consent_required"
    assert alive(web, theirs["access_token"])
    assert len(listed(bob)) == 1


@pytest.mark.parametrize("more", [{}, {"end_others": "y"}])
def test_a_change_of_password_takes_nothing_back_unless_the_person_says_so(
    site: Site, ada: Browser, web: App, more: dict[str, str]
) -> None:
    Flow(web).connect(ada)
    ada.post("/account/password", current=PASSWORD, password=NEW, **more)
    assert listed(ada)[0].startswith("Web not connected")
    assert answer_without_asking(ada, web) == "code"
    assert "taken back" not in ada.get("/activity").text


@pytest.mark.parametrize("says_so", [True, False])
def test_a_password_that_the_operator_sets_takes_back_what_apps_were_allowed_if_the_operator_says_so(
    site: Site, ada: Browser, web: App, says_so: bool
) -> None:
    tokens = Flow(web).connect(ada)
    more = ["--end-apps"] if says_so else []
    said = set_password(site, NEW, *more)
    assert not alive(web, tokens["access_token"]), "what it held is over in any case"
    ada.sign_in(password=NEW)
    assert answer_without_asking(ada, web) == ("consent_required" if says_so else "code")
    assert ("Every app has to ask again." in said) == says_so
    assert ("The permissions of all apps were withdrawn" in ada.get("/activity").text) == says_so
    assert ("Every app" in set_password(site, PASSWORD, "--end-apps")) != says_so, "and twice is once"


LOSE = "and apps that you let in for longer lose their access"


def test_the_form_says_that_with_the_other_browsers_end_the_apps_that_were_let_in_for_longer(
    ada: Browser, web: App
) -> None:
    assert LOSE not in ada.get("/account/password").text
    Flow(web).connect(ada)
    assert LOSE not in ada.get("/account/password").text
    tokens = Flow(web, scope=OFFLINE).connect(ada)
    assert LOSE in ada.get("/account/password").text
    ada.post("/account/password", current=PASSWORD, password=NEW, end_others="y")
    assert not alive(web, tokens["access_token"])


def test_the_form_offers_it_to_a_user_who_has_allowed_an_app(ada: Browser, web: App) -> None:
    assert "Take back what I allowed apps" not in ada.get("/account/password").text
    Flow(web).connect(ada)
    assert "Take back what I allowed apps" in ada.get("/account/password").text


def test_signing_out_of_one_browser_or_of_the_others_takes_nothing_back(site: Site, ada: Browser, web: App) -> None:
    Flow(web).connect(ada)
    site.browser("Chrome on Android").sign_in()
    ada.post("/devices/end-others")
    ada.sign_out()
    ada.sign_in()
    site.wait(DAY // 4)
    assert listed(ada)[0].startswith("Web not connected allowed 6 hours ago")
    assert answer_without_asking(ada, web) == "code"
