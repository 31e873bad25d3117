"""The revocation endpoint of the lab (RFC 7009): a refresh token of a run ends its session, and nothing is given away."""

import json
from typing import Any

import pytest
from werkzeug.test import TestResponse

from app.lab.revoke import credentials
from app.lab.run import Run
from tests.browsers import Browser, Site

pytestmark = [pytest.mark.page, pytest.mark.question("Q2")]


@pytest.fixture
def visitor(site: Site) -> Browser:
    visitor = site.browser()
    visitor.post("/lab/sign-in")
    return visitor


def run(site: Site) -> dict[str, Any]:
    ((found,),) = site.query("SELECT run FROM lab_benches")
    read: dict[str, Any] = json.loads(found)
    return read


def held(site: Site) -> dict[str, Any]:
    """What the browser holds, or the thief."""
    ((found,),) = site.query("SELECT run FROM lab_benches")
    read = Run.from_json(found)
    assert read
    stage = read.play()
    return stage.held.get("laptop") or stage.held["thief"]


def revoke(site: Site, token: str) -> TestResponse:
    """Send the request as the client of the lab's issuer does, from anybody's shell."""
    with site.app.app_context():
        client = credentials()
    return site.app.test_client().post("/lab/revoke", data={"token": token}, auth=client)


def test_only_the_client_may_ask(site: Site, visitor: Browser) -> None:
    answer = site.app.test_client().post("/lab/revoke", data={"token": held(site)["refresh"]})
    assert (answer.status_code, answer.headers["WWW-Authenticate"]) == (401, 'Basic realm="lab"')
    assert run(site)["ended_at"] is None


def test_the_run_ends_as_if_its_visitor_had_signed_out(site: Site, visitor: Browser) -> None:
    assert revoke(site, held(site)["refresh"]).status_code == 200
    assert run(site)["ended_by"] == "sign-out"
    assert "The session is over" in visitor.get("/lab").text


def test_twice_is_no_error_and_is_told_once(site: Site, visitor: Browser) -> None:
    token = held(site)["refresh"]
    assert [revoke(site, token).status_code for _ in range(2)] == [200, 200]
    assert site.query("SELECT count(*) FROM lab_log") == [(1,)]


@pytest.mark.parametrize("token", ["", "junk", "refresh.nobody.x", "a.b.c"])
def test_an_unknown_token_gets_the_same_answer(site: Site, visitor: Browser, token: str) -> None:
    good = revoke(site, held(site)["refresh"])
    unknown = revoke(site, token)
    assert (unknown.status_code, unknown.data) == (good.status_code, good.data)


def test_with_the_store_off_it_says_so_and_ends_nothing(site: Site, visitor: Browser) -> None:
    visitor.post("/lab/faults", fault="store")
    answer = revoke(site, held(site)["refresh"])
    assert answer.status_code == 503
    assert answer.headers["Retry-After"]
    assert run(site)["ended_at"] is None
