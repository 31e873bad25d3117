"""Signing in begins a session, tells a guesser nothing, and never redirects to another site."""

import json
import logging
import os
import re
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import event

from app.identity import passwords
from app.store.db import db
from tests.browsers import ACCESS, MAIL, PASSWORD, PROBE, REFRESH, Browser, Site

pytestmark = pytest.mark.page


@pytest.fixture
def ada(site: Site) -> Browser:
    """Ada's account, and a browser that is not signed in to it."""
    site.member().sign_out()
    return site.browser()


def test_sign_up_signs_in(site: Site) -> None:
    ada = site.browser()
    assert ada.sign_up().status_code == 303
    assert ada.is_signed_in()


def test_ck_01_02_04_05_aut_05_sign_in_answers_303_with_two_cookies_of_the_strictest_kind(ada: Browser) -> None:
    answer = ada.sign_in(keep="y")
    assert answer.status_code == 303
    cookies = {line.partition("=")[0]: line for line in answer.headers.getlist("Set-Cookie")}
    assert set(cookies) == {ACCESS, REFRESH}
    for line in cookies.values():
        for attribute in ("Secure", "HttpOnly", "Path=/", "SameSite=Lax"):
            assert attribute in line.split("; ")
        assert "Domain" not in line
        assert len(line) < 4096
    assert "Max-Age=300" in cookies[ACCESS]
    assert "Max-Age=2592000" in cookies[REFRESH]


def test_unless_it_is_to_be_kept_a_session_ends_with_the_browser_and_after_twelve_hours(
    site: Site, ada: Browser
) -> None:
    answer = ada.sign_in()
    assert "Max-Age" not in "".join(answer.headers.getlist("Set-Cookie"))
    site.wait(12 * 60 * 60 - 1)
    assert ada.is_signed_in()
    site.wait(1)
    assert not ada.is_signed_in()


def test_only_these_two_cookies_sign_a_user_in(site: Site, ada: Browser) -> None:
    ada.sign_in()
    names = {cookie.key for cookie in ada.client._cookies.values()}
    assert names == {ACCESS, REFRESH, PROBE}
    stranger = site.browser()
    for name in ("session", "remember_token", PROBE, MAIL):
        stranger.client.set_cookie(name, "anything")
    assert not stranger.is_signed_in()


def test_a_remember_cookie_from_elsewhere_does_not_get_in_the_way(ada: Browser) -> None:
    ada.client.set_cookie("remember_token", "1|abc")
    ada.sign_in()
    assert ada.is_signed_in()


@pytest.mark.parametrize(("email", "password"), [("ada@example.org", "wrong wrong"), ("eve@example.org", PASSWORD)])
def test_a_wrong_password_and_an_unknown_account_look_the_same(ada: Browser, email: str, password: str) -> None:
    answer = ada.sign_in(email, password)
    assert answer.status_code == 422
    assert "Email or password is not right." in answer.text
    assert answer.headers.getlist("Set-Cookie") == []


def test_the_pages_for_a_wrong_password_and_an_unknown_address_are_the_same_to_the_byte(
    site: Site, ada: Browser
) -> None:
    visitor = site.browser()
    wrong, unknown = (visitor.sign_in(f"{name}@example.org", "wrong wrong") for name in ("ada", "eve"))
    pages = [re.sub(r'name="once" value="[^"]+"', "", page.text) for page in (wrong, unknown)]  # new on each page
    assert pages[0].replace("ada@", "eve@") == pages[1]
    assert len(wrong.data) == len(unknown.data)
    assert [name for name, _ in wrong.headers] == [name for name, _ in unknown.headers]


def test_neither_address_makes_the_database_work_harder(site: Site, ada: Browser) -> None:
    statements: list[str] = []
    with site.app.app_context():
        event.listen(db.engine, "before_cursor_execute", lambda *given: statements.append(given[2]))
    for email in ("ada@example.org", "eve@example.org"):
        ada.sign_in(email, "wrong wrong")
        statements.append("")
    middle = statements.index("")
    assert statements[:middle] == statements[middle + 1 : -1]
    assert any(statement.startswith("INSERT") for statement in statements)


def test_the_case_of_an_address_does_not_matter(ada: Browser) -> None:
    ada.sign_in(" ADA@Example.ORG ")
    assert ada.is_signed_in()


@pytest.mark.parametrize(
    "wanted",
    ["//evil.example", "https://evil.example", "/\\evil.example", "\\\\evil.example", "/%09//evil.example", "https:evil.example",
     "/\t/evil.example", "javascript:alert(1)", "evil.example", "/\x00", ""],
)  # fmt: skip
def test_aut_08_no_browser_is_sent_elsewhere(ada: Browser, wanted: str) -> None:
    answer = ada.sign_in(next=wanted)
    answer = ada.get(answer.headers["Location"])
    assert answer.status_code == 303
    assert answer.headers["Location"] in ("/", "/%09//evil.example")


def test_a_user_who_asked_for_a_page_gets_it_after_signing_in(ada: Browser) -> None:
    asked = ada.get("/devices?x=1&y=2")
    assert asked.status_code == 303
    assert asked.headers["Location"] == "/sign-in?next=/devices%3Fx%3D1%26y%3D2"
    answer = ada.sign_in(next="/devices?x=1&y=2")
    assert ada.get(answer.headers["Location"]).headers["Location"] == "/devices?x=1&y=2"


def test_a_program_that_is_not_signed_in_gets_401_as_json(ada: Browser) -> None:
    answer = ada.get("/devices", Accept="application/json")
    assert (answer.status_code, answer.get_json()) == (401, {"error": "sign_in_required"})


def test_if_the_cookies_do_not_come_back_the_page_says_so_and_gives_the_mend(ada: Browser) -> None:
    answer = ada.sign_in()
    ada.forget(ACCESS, REFRESH)
    page = ada.get(answer.headers["Location"]).text
    assert "the sign-in cookie did not come back" in page
    assert "Allow cookies for <code>localhost:8000</code>" in page


def test_a_link_to_that_page_does_not_tell_that_a_password_was_right(site: Site, ada: Browser) -> None:
    answer = ada.sign_in()
    assert "If you have just signed in: your password was right" in site.browser().get("/sign-in?arrived=1").text
    pocket = ada.pocket()
    ada.sign_out()
    assert "password was right" not in site.thief(pocket).get(answer.headers["Location"]).text


def test_signing_in_again_replaces_the_row_of_that_browser_and_keeps_its_name(ada: Browser) -> None:
    ada.sign_in()
    ada.post(f"/devices/{ada.session()['sid']}/name", name="Desk")
    ada.sign_in()
    assert [(line["name"], line["current"]) for line in ada.sessions() if not line["ended_at"]] == [("Desk", True)]
    assert [line["reason"] for line in ada.sessions() if line["ended_at"]] == ["signed_out"]


def test_another_users_sign_in_on_the_same_browser_ends_the_first_session(site: Site, ada: Browser) -> None:
    ada.sign_in()
    pocket = ada.pocket()
    phone = site.browser("Chrome on Android")
    phone.sign_in()
    sid = ada.session()["sid"]
    site.member("bob@example.org")
    ada.sign_in("bob@example.org")
    assert not site.thief(pocket).is_signed_in()
    assert ada.session()["name"] is None
    ended = next(line for line in phone.sessions() if line["sid"] == sid)
    assert ended["reason"] == "signed_out"
    assert ended["ended_at"]


def test_two_browsers_that_change_places_do_not_wait_for_each_other(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    browsers = [site.member("ada@example.org"), site.member("bob@example.org")]
    monkeypatch.setattr(passwords, "check", lambda hashed, _password: hashed)
    people = ["bob@example.org", "ada@example.org"]
    with ThreadPoolExecutor(2) as pool:
        for _ in range(20):
            answers = list(pool.map(lambda browser, email: browser.sign_in(email).status_code, browsers, people))
            assert answers == [303, 303]
            people.reverse()


def test_a_guesser_is_slowed_down_and_the_owner_at_home_is_not(site: Site, ada: Browser) -> None:
    guesser = site.browser(address="203.0.113.1")
    answers = [guesser.sign_in(password="wrong wrong").status_code for _ in range(12)]
    assert answers == [422] * 10 + [429] * 2
    assert ada.sign_in().status_code == 303


def test_a_guesser_gains_nothing_by_sending_all_guesses_at_once(site: Site, ada: Browser) -> None:
    guessers = [site.browser(address="203.0.113.1") for _ in range(24)]
    with ThreadPoolExecutor(len(guessers)) as pool:
        answers = list(pool.map(lambda guesser: guesser.sign_in(password="wrong wrong").status_code, guessers))
    assert {422, 429} <= set(answers) <= {422, 429, 503}, "some may find the line full"
    assert answers.count(422) <= 10 + (os.cpu_count() or 1)
    assert ada.sign_in().status_code == 303


def test_a_guesser_with_many_addresses_is_slowed_down_and_the_owner_at_home_is_not(site: Site, ada: Browser) -> None:
    answers = [
        site.browser(address=f"203.0.113.{number}").sign_in(password="wrong wrong").status_code for number in range(40)
    ]
    assert answers == [422] * 30 + [429] * 10
    assert site.browser(address="198.51.100.1").sign_in().status_code == 429
    assert ada.sign_in().status_code == 303


def test_a_guesser_with_many_accounts_is_slowed_down(site: Site) -> None:
    guesser = site.browser(address="203.0.113.1")
    answers = [guesser.sign_in(f"user{number}@example.org").status_code for number in range(52)]
    assert answers == [422] * 50 + [429] * 2


def test_addresses_of_one_ipv6_network_count_as_one(site: Site, ada: Browser) -> None:
    for number in range(10):
        site.browser(address=f"2001:db8::{number:x}").sign_in(password="wrong wrong")
    assert site.browser(address="2001:db8::ffff").sign_in(password="wrong wrong").status_code == 429
    assert site.browser(address="2001:db8:0:1::1").sign_in(password="wrong wrong").status_code == 422


def test_another_spelling_of_the_account_does_not_get_around_it(site: Site, ada: Browser) -> None:
    guesser = site.browser(address="203.0.113.1")
    for number in range(10):
        guesser.sign_in("ada@example.org" if number % 2 else " ADA@EXAMPLE.org", "wrong wrong")
    assert guesser.sign_in("Ada@example.org", "wrong wrong").status_code == 429


@pytest.mark.parametrize("header", ["X-Forwarded-For", "Forwarded", "X-Real-IP", "True-Client-IP"])
def test_a_header_that_claims_another_address_does_not_get_around_it(site: Site, ada: Browser, header: str) -> None:
    guesser = site.browser(address="203.0.113.1")
    for number in range(10):
        forged = f"for=198.51.100.{number}" if header == "Forwarded" else f"198.51.100.{number}"
        guesser.post("/sign-in", {header: forged}, email="ada@example.org", password="wrong wrong")
    assert guesser.sign_in(password="wrong wrong").status_code == 429


def test_being_slowed_down_says_for_how_long(site: Site, ada: Browser) -> None:
    guesser = site.browser(address="203.0.113.1")
    answers = [guesser.sign_in(password="wrong wrong") for _ in range(11)]
    assert 0 < int(answers[-1].headers["Retry-After"]) <= 600


def test_every_event_is_one_json_line_without_secrets(ada: Browser, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "signed_out.security")
    ada.sign_in(password="wrong wrong")
    ada.sign_in()
    pocket = ada.pocket()
    ada.sign_out()
    lines = [json.loads(record.message) for record in caplog.records if record.name == "signed_out.security"]
    assert [line["event"] for line in lines] == ["sign_in_failed", "signed_in", "signed_out"]
    for secret in (PASSWORD, "wrong wrong", "ada@example.org", *pocket.values()):
        assert secret not in caplog.text
