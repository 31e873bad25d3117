"""The operator reads a line for each refusal, and no visitor fills the log with them."""

import json
import logging
from typing import Any

import pytest

from tests.api.test_operation import number
from tests.browsers import ACCESS, REFRESH, Browser, Site

ELSEWHERE = {"Origin": "https://evil.example"}


@pytest.fixture
def ada(site: Site) -> Browser:
    return site.member()


@pytest.fixture(autouse=True)
def _listening(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "signed_out.security")


def lines(caplog: pytest.LogCaptureFixture, event: str) -> list[dict[str, Any]]:
    found = [json.loads(record.message) for record in caplog.records if record.name == "signed_out.security"]
    return [line for line in found if line["event"] == event]


def test_a_request_from_another_site_that_is_refused_is_one_line(
    ada: Browser, caplog: pytest.LogCaptureFixture
) -> None:
    assert ada.post("/sign-out", ELSEWHERE).status_code == 403
    [line] = lines(caplog, "forbidden")
    assert (line["rule"], line["method"], line["address"]) == ("/sign-out", "POST", "127.0.0.1")


@pytest.mark.usefixtures("ada")
def test_a_guesser_who_is_held_off_is_one_line_each_time(site: Site, caplog: pytest.LogCaptureFixture) -> None:
    guesser = site.browser(address="2001:db8::7")
    answers = [guesser.sign_in(password=f"wrong {number}").status_code for number in range(12)]
    assert [line["address"] for line in lines(caplog, "held_off")] == ["2001:db8::7"] * answers.count(429)
    assert answers.count(429) == 2


def test_no_visitor_fills_the_log_with_refusals_and_all_of_them_are_counted(
    site: Site, caplog: pytest.LogCaptureFixture
) -> None:
    counted = 'signed_out_security_events_total{event="forbidden"}'
    before = number(site, counted)
    flood = site.browser(address="203.0.113.5")
    for _ in range(40):
        assert flood.post("/devices/somebody's-secret/end", ELSEWHERE).status_code == 403
    assert len(lines(caplog, "forbidden")) == 10
    assert number(site, counted) == before + 40
    site.browser(address="203.0.113.6").post("/sign-out", ELSEWHERE)
    assert lines(caplog, "forbidden")[-1]["address"] == "203.0.113.6", "another visitor's is still noted"
    assert "somebody" not in caplog.text


@pytest.mark.parametrize("path", ["/sign-out", "/devices/end-all", "/account/password"])
@pytest.mark.parametrize("is_chunked", [True, False], ids=["chunked", "with its length"])
def test_a_body_that_is_too_large_is_refused_before_anything_is_done(ada: Browser, path: str, is_chunked: bool) -> None:
    assert ada.send(path, b"x" * (64 * 1024 + 1), is_chunked=is_chunked).status_code == 413
    assert ada.is_signed_in()
    assert set(ada.pocket()) == {ACCESS, REFRESH}


def test_a_chunked_body_that_is_not_too_large_is_read_to_its_end(site: Site) -> None:
    body = b"name=Ada&email=ada%40example.org&password=plenty+of+violet+otters&padding=".ljust(64 * 1024, b"x")
    browser = site.browser()
    assert browser.send("/sign-up", body, is_chunked=True).status_code == 303
    assert browser.is_signed_in()
