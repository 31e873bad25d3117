"""The test controls: they reach every process, they answer to programs of this machine alone, and can be left out."""

import os
import signal
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest
from werkzeug.test import TestResponse

from tests.browsers import ACCESS, ENDING, PASSWORD, REFRESH, SITE_URL, Pocket, Site
from tests.kit.signed_out import SignedOut
from tests.server import Server

HOUR = 60 * 60


@pytest.fixture(scope="module")
def server(shared_instance: Path) -> Iterator[Server]:
    running = Server(shared_instance, WORKERS="2")
    yield running
    running.stop()


@pytest.fixture
def controls(server: Server) -> Iterator[SignedOut]:
    controls = SignedOut(server.url)
    yield controls
    controls.reset()


@contextmanager
def only_worker(server: Server, number: int) -> Iterator[None]:
    """Let one worker answer while the others sleep."""
    others = [pid for pid in server.workers() if pid != server.workers()[number]]
    for pid in others:
        os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        for pid in others:
            os.kill(pid, signal.SIGCONT)


def pocket(controls: SignedOut, email: str = "ada@example.org", *, keep: bool = False) -> Pocket:
    return {cookie["name"]: cookie["value"] for cookie in controls.cookies_for(email, keep=keep)}


def ask(site: Site, path: str, headers: dict[str, str] | None = None, **more: Any) -> TestResponse:
    return site.browser().client.post(f"/test/{path}", headers=headers, **more)


@pytest.mark.server
def test_a_clock_moved_in_one_worker_has_moved_in_the_other(server: Server, controls: SignedOut) -> None:
    ada = pocket(controls)
    with only_worker(server, 0):
        controls.move_time(12 * HOUR)
        assert not server.is_signed_in(ada)
    with only_worker(server, 1):
        assert not server.is_signed_in(ada)
        controls.move_time(-12 * HOUR)
    with only_worker(server, 0):
        assert server.is_signed_in(ada)


@pytest.mark.server
def test_an_outage_begun_in_one_worker_is_one_in_the_other(server: Server, controls: SignedOut) -> None:
    ada = pocket(controls)
    with ExitStack() as outage:
        with only_worker(server, 0):
            outage.enter_context(controls.store_is_down())
        with only_worker(server, 1):
            assert server.ask("GET", "/account", ada)[0] == server.api(ada[ACCESS]) == 503
            assert server.ask("GET", "/readyz", {})[0] == 503
            assert server.ask("GET", "/healthz", {})[0] == server.ask("GET", "/", {})[0] == 200
            assert server.read("/test/store") == '{"down":true}\n'
            outage.close()
        with only_worker(server, 0):
            assert server.is_signed_in(ada)


@pytest.mark.server
def test_a_sign_out_during_an_outage_is_completed_afterwards(server: Server, controls: SignedOut) -> None:
    ada = pocket(controls)
    with controls.store_is_down():
        status, given = server.ask("POST", "/sign-out", ada)
        assert status == 503
    assert server.is_signed_in(ada), "the page has said so"
    assert server.ask("POST", "/sign-out", {ENDING: given[ENDING]})[0] == 303
    assert not server.is_signed_in(ada)


@pytest.mark.server
def test_refreshes_wait_for_each_other_across_workers_and_get_one_successor(
    server: Server, controls: SignedOut
) -> None:
    only = {REFRESH: pocket(controls)[REFRESH]}
    controls.race(6)
    with ThreadPoolExecutor(6) as tabs:
        held = [tabs.submit(server.ask, "GET", "/account", only) for _ in range(5)]
        while server.read("/test/race") != '{"missing":1}\n':
            assert not any(request.done() for request in held)
        held.append(tabs.submit(server.ask, "GET", "/account", only))
        answers = [request.result() for request in held]
    assert [status for status, _ in answers] == [200] * 6
    assert len({given[REFRESH] for _, given in answers}) == 1
    assert all(server.is_signed_in(given) for _, given in answers)


@pytest.mark.server
def test_a_minted_session_signs_in_and_out_like_any_other(server: Server, controls: SignedOut) -> None:
    ada = pocket(controls)
    phone = pocket(controls)
    assert server.is_signed_in(ada)
    assert server.is_signed_in(phone)
    assert server.ask("POST", "/sign-out", ada)[0] == 303
    assert not server.is_signed_in(ada)
    assert not server.is_signed_in({REFRESH: ada[REFRESH]})
    assert server.api(ada[ACCESS]) == 401
    assert server.is_signed_in(phone)


@pytest.mark.server
def test_what_the_controls_refuse_says_why(controls: SignedOut) -> None:
    with pytest.raises(RuntimeError, match=r"400: .*email: Enter an email address"):
        controls.cookies_for("nobody")
    with pytest.raises(RuntimeError, match=r"400: .*refreshes: send a number from 2 to 32"):
        controls.race(1)


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
    assert answer["email"] == "ada@example.org"
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


def test_a_session_that_is_not_kept_goes_with_the_browser(site: Site) -> None:
    answer = ask(site, "session", json={"email": "ada@example.org"}).get_json()
    assert not any("expires" in cookie for cookie in answer["cookies"])


def test_a_made_account_has_the_given_password_or_one_that_nobody_knows(site: Site) -> None:
    ask(site, "session", json={"email": "ada@example.org", "password": "nine quiet walruses"})
    ask(site, "session", json={"email": "bob@example.org"})
    assert site.browser().sign_in("ada@example.org", "nine quiet walruses").status_code == 303
    assert site.browser().sign_in("bob@example.org", "").status_code == 422


def test_nobody_is_signed_in_to_a_disabled_account(site: Site) -> None:
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


def test_and_what_they_left_behind_means_nothing(site: Site, instance: Path) -> None:
    ask(site, "clock", json={"seconds": 60})
    ask(site, "race", json={"refreshes": 2})
    ask(site, "store", json={"down": True})
    plain = Site(instance, TEST_CONTROLS="0")
    ada = plain.member()
    ada.forget(ACCESS)
    assert ada.is_signed_in()
    assert (instance / "race" / "0").exists()
    plain.close()
