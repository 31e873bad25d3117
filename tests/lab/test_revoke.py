"""The revocation endpoint of the lab (RFC 7009): a refresh token of a run ends its session, and nothing is given away."""

import pytest
from werkzeug.test import TestResponse

from app.lab import resource as endpoint
from app.lab import run
from tests.browsers import Site
from tests.lab.conftest import Visitor

pytestmark = [pytest.mark.page, pytest.mark.question("Q2")]


@pytest.fixture
def token(visitor: Visitor) -> str:
    """The refresh token of a visitor who is signed in at the experiment."""
    visitor.sign_in_and_copy()
    return str(visitor.held()["refresh"])


def revoke(site: Site, token: str, *stranger: str) -> TestResponse:
    """Send the request as the issuer's client does, or as a *stranger* with another name and secret."""
    with site.app.app_context():
        name, secret = stranger or endpoint.credentials()
    return site.app.test_client().post("/lab/revoke", data={"token": token}, auth=(name, secret))


def test_the_run_ends_as_if_its_visitor_had_signed_out(site: Site, visitor: Visitor, token: str) -> None:
    assert revoke(site, token).status_code == 200
    assert visitor.run().ended_by == "sign-out"
    assert visitor.stage().exchange().status == 400
    assert visitor.present("this-site")["status"] == 401


def test_twice_is_no_error_and_ends_it_once(site: Site, visitor: Visitor, token: str) -> None:
    assert [revoke(site, token).status_code for _ in range(2)] == [200, 200]
    assert [act.name for act in visitor.run().acts].count("sign-out") == 1


@pytest.mark.parametrize("unknown", ["", "junk", "lab.nobody.x", "a.b.c", f"lab.{chr(0)}.x", "lab.é.x"])
def test_an_unknown_token_gets_the_same_answer(site: Site, token: str, unknown: str) -> None:
    answers = [revoke(site, each) for each in (unknown, token)]
    assert [(answer.status_code, answer.data) for answer in answers] == [(200, b"")] * 2


@pytest.mark.parametrize("stranger", [("lab", "wrong"), ("lab", ""), ("lab", "é"), ("", ""), ("other", "wrong")])
def test_a_stranger_with_the_token_ends_nothing(
    site: Site, visitor: Visitor, token: str, stranger: tuple[str, str]
) -> None:
    answer = revoke(site, token, *stranger)
    assert answer.status_code == 401
    assert answer.get_json() == {"error": "invalid_client"}
    assert answer.headers["WWW-Authenticate"].startswith("Basic")
    assert site.app.test_client().post("/lab/revoke", data={"token": token}).status_code == 401
    assert visitor.run().ended_at is None
    assert visitor.stage().exchange().status == 200


def test_with_the_store_off_it_says_so_and_ends_nothing(site: Site, visitor: Visitor, token: str) -> None:
    visitor.press("faults", fault="store")
    answer = revoke(site, token)
    assert answer.status_code == 503
    assert answer.headers["Retry-After"]
    assert visitor.run().ended_at is None


def test_a_run_that_keeps_no_more_acts_is_not_said_to_have_ended(
    site: Site, visitor: Visitor, token: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(run, "MAX_ACTS", 2)
    assert revoke(site, token).status_code == 503
    assert visitor.stage().exchange().accepted


def test_an_error_of_the_endpoint_is_json(site: Site) -> None:
    client = site.app.test_client()
    by_get, too_long = client.get("/lab/revoke"), client.post("/lab/revoke", data={"token": "a" * 2_000_000})
    assert (by_get.status_code, by_get.get_json()) == (405, {"error": "invalid_request"})
    assert (too_long.status_code, too_long.get_json()) == (413, {"error": "invalid_request"})
