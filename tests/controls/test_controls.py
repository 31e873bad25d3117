"""The test controls: they answer to programs of this machine alone, say what they refuse, and can be left out."""

from pathlib import Path
from typing import Any

import pytest
from werkzeug.test import TestResponse

from tests.browsers import ACCESS, PASSWORD, PROBE, REFRESH, SITE_URL, Site

pytestmark = pytest.mark.page

HOUR = 60 * 60


def ask(site: Site, path: str, headers: dict[str, str] | None = None, **more: Any) -> TestResponse:
    return site.browser().client.post(f"/test/{path}", headers=headers, **more)


def test_a_race_that_too_few_come_to_is_called_off(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.controls.race.PATIENCE_SECONDS", 0.05)
    ada = site.member()
    ask(site, "race", json={"refreshes": 2})
    ada.forget(ACCESS)
    assert ada.is_signed_in()
    assert site.browser().get("/test/race").get_json() == {"missing": 0}


def test_a_step_up_takes_no_part_in_a_race(site: Site) -> None:
    ada = site.member()
    ask(site, "race", json={"refreshes": 2})
    assert ada.post("/confirm", password=PASSWORD).status_code == 303
    assert site.browser().get("/test/race").get_json() == {"missing": 2}


def test_a_minted_cookie_is_what_the_sign_in_form_sets(site: Site) -> None:
    answer = ask(site, "session", json={"email": "Ada@example.org", "name": "Ada", "keep": True}).get_json()
    assert answer["email"] == "Ada@example.org"
    access, refresh = answer["cookies"]
    assert (access["name"], refresh["name"]) == (ACCESS, REFRESH)
    for cookie in (access, refresh):
        assert {**cookie, "name": "", "value": "", "expires": 0} == {
            "name": "",
            "value": "",
            "domain": "localhost",
            "path": "/",
            "httpOnly": True,
            "secure": True,
            "sameSite": "Lax",
            "expires": 0,
        }
    thief = site.thief({REFRESH: refresh["value"]})
    assert thief.session()["sid"] == answer["sid"]


@pytest.mark.parametrize(
    ("settings", "secure", "names"),
    [
        ({}, True, ["__Host-Http-access", "__Host-Http-refresh"]),
        ({}, False, ["loopback-access", "loopback-refresh"]),
        ({"SITE_URL": "https://localhost:8443"}, True, ["__Host-Http-access", "__Host-Http-refresh"]),
        ({"INSECURE_COOKIES": "1"}, True, ["access", "refresh"]),
        ({"INSECURE_COOKIES": "1"}, False, ["access", "refresh"]),
    ],
    ids=str,
)
def test_a_minted_cookie_is_secure_unless_the_browser_would_not_keep_it(
    instance: Path, settings: dict[str, str], secure: bool, names: list[str]
) -> None:
    site = Site(instance, **settings)
    browser = site.browser()
    browser.forget(PROBE)  # it was never here
    given = browser.client.post("/test/session", json={"email": "ada@example.org", "secure": secure}).get_json()
    assert [cookie["name"] for cookie in given["cookies"]] == names
    assert {cookie["secure"] for cookie in given["cookies"]} == {names[0].startswith("__Host-")}
    for cookie in given["cookies"]:
        browser.client.set_cookie(cookie["name"], cookie["value"])
    assert browser.is_signed_in()
    site.close()


def test_over_https_no_cookie_without_secure_is_minted_and_no_account_made(instance: Path) -> None:
    site = Site(instance, SITE_URL="https://localhost:8443")
    answer = ask(site, "session", json={"email": "ada@example.org", "secure": False})
    assert answer.status_code == 400
    assert "Secure" in answer.get_json()["error_description"]
    assert site.query("SELECT count(*) FROM users") == [(0,)]
    site.close()


def test_a_session_that_is_not_kept_goes_with_the_browser(site: Site) -> None:
    answer = ask(site, "session", json={"email": "ada@example.org"}).get_json()
    assert not any("expires" in cookie for cookie in answer["cookies"])


def test_a_made_account_has_the_given_password_or_a_random_one(site: Site) -> None:
    ask(site, "session", json={"email": "ada@example.org", "password": "nine quiet walruses"})
    ask(site, "session", json={"email": "bob@example.org"})
    assert site.browser().sign_in("ada@example.org", "nine quiet walruses").status_code == 303
    assert site.browser().sign_in("bob@example.org", "").status_code == 422


def test_a_disabled_account_lets_no_user_in(site: Site) -> None:
    site.member()
    site.app.test_cli_runner().invoke(args=["users", "disable", "ada@example.org"])
    answer = ask(site, "session", json={"email": "ada@example.org"})
    assert (answer.status_code, answer.get_json()["error_description"]) == (400, "email: this account is disabled.")


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "http://evil.example"},
        {"Origin": "null"},
        {"Origin": SITE_URL, "Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Host": "evil.example:8000", "Origin": "http://evil.example:8000", "Sec-Fetch-Site": "same-origin"},
    ],
    ids=["another origin", "a hidden origin", "another site", "another port", "a name that leads here"],
)
@pytest.mark.parametrize("control", ["clock", "store", "race", "session", "reset"])
def test_a_page_of_another_site_drives_nothing(site: Site, control: str, headers: dict[str, str]) -> None:
    body = {"seconds": 60, "down": True, "refreshes": 2, "email": "ada@example.org"}
    assert ask(site, control, headers, json=body).status_code == 403
    assert site.browser().get("/test/clock").get_json()["seconds"] == 0
    assert site.query("SELECT count(*) FROM users") == [(0,)]


def test_another_machine_drives_nothing(site: Site) -> None:
    elsewhere = {"REMOTE_ADDR": "203.0.113.66"}
    assert ask(site, "clock", json={"seconds": 60}, environ_overrides=elsewhere).status_code == 403
    assert site.browser(address="203.0.113.66").get("/test/clock").status_code == 403


@pytest.mark.parametrize("type_", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", ""])
def test_what_a_page_can_send_unasked_is_not_read(site: Site, type_: str) -> None:
    answer = ask(site, "clock", data='{"seconds": 60}', content_type=type_)
    assert (answer.status_code, answer.get_json()["error"]) == (400, "invalid_request")


@pytest.mark.parametrize(
    ("control", "body"),
    [
        ("clock", {}),
        ("clock", {"seconds": "60"}),
        ("clock", {"seconds": True}),
        ("store", {"down": 1}),
        ("race", {"refreshes": 33}),
        ("session", {"email": ""}),
        ("session", {"email": "ada@example.org", "keep": "yes"}),
        ("session", {"email": "ada@example.org", "secure": 0}),
        ("session", {"email": "ada@example.org", "password": "short"}),
        ("clock", []),
    ],
)
def test_what_makes_no_sense_is_refused_with_a_reason(site: Site, control: str, body: Any) -> None:
    answer = ask(site, control, json=body)
    assert answer.status_code == 400
    assert answer.get_json()["error_description"]


def test_the_clock_goes_ten_years_at_most(site: Site) -> None:
    for _ in range(2):
        ask(site, "clock", json={"seconds": 9 * 365 * 24 * HOUR})
    assert site.browser().get("/test/clock").get_json()["seconds"] == 10 * 365 * 24 * HOUR
    assert site.browser().get("/").status_code == 200


@pytest.mark.parametrize("control", ["clock", "store", "race", "session", "reset"])
def test_without_test_controls_there_are_none(instance: Path, control: str) -> None:
    site = Site(instance, TEST_CONTROLS="0")
    assert ask(site, control, json={}).status_code == site.browser().get(f"/test/{control}").status_code == 404
    site.close()


def test_without_test_controls_what_they_left_behind_means_nothing(site: Site, instance: Path) -> None:
    ask(site, "clock", json={"seconds": 60})
    ask(site, "race", json={"refreshes": 2})
    ask(site, "store", json={"down": True})
    plain = Site(instance, TEST_CONTROLS="0")
    ada = plain.member()
    ada.forget(ACCESS)
    assert ada.is_signed_in()
    assert (instance / "race" / "0").exists()
    plain.close()
