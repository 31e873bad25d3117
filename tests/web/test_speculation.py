"""A browser that loads a page before its user asks for it does not use the session; what it gets is thrown away."""

from itertools import product
from typing import Any

import pytest

from tests import backings
from tests.browsers import ACCESS, ENDING, Browser, Site

pytestmark = pytest.mark.page

PURPOSES = [
    ("Sec-Purpose", "prefetch"),
    ("Sec-Purpose", "prefetch;prerender"),
    ("Sec-Purpose", "prefetch; anonymous-client-ip"),
    ("Purpose", "prefetch"),
    ("X-Moz", "prefetch"),
    ("X-Purpose", "preview"),
]
PATHS = [
    "/",
    "/devices",
    "/account",
    "/live?session=x&at=/",
    "/sign-in?arrived=1",
    "/oauth/end-session",
    "/lab",
    "/nowhere",
]
TABLES = ("sessions", "refresh_tokens", "activity", "log_entries", "forms_sent", "logout_messages")


@pytest.fixture
def ada(site: Site) -> Browser:
    return site.member()


def everything(site: Site) -> list[Any]:
    """All that a use of a session could change."""
    return [site.query(f"SELECT * FROM {table}") for table in TABLES]


def test_a_page_loaded_unasked_is_no_use_of_the_session(site: Site, ada: Browser) -> None:
    site.wait(301)  # the access token has expired, and the session was last seen minutes ago
    before, pocket = everything(site), ada.pocket()
    for purpose, path in product(PURPOSES, PATHS):
        answer = ada.get(path, **dict([purpose]))
        assert (answer.status_code, answer.headers.getlist("Set-Cookie")) == (503, []), (purpose, path)
        assert answer.headers["Cache-Control"] == "no-store"
    assert (everything(site), ada.pocket()) == (before, pocket)
    assert ada.is_signed_in()
    assert everything(site) != before, "the page that the user opens is a use"


def test_a_page_loaded_unasked_is_not_the_first_use_of_a_new_token(site: Site, ada: Browser) -> None:
    before = everything(site)
    assert ada.get("/account", **{"Sec-Purpose": "prefetch"}).status_code == 503
    assert everything(site) == before
    assert ada.is_signed_in()
    assert everything(site) != before


def test_a_copy_of_the_cookies_reads_nothing_unseen(site: Site, ada: Browser) -> None:
    thief = site.thief(ada.pocket())
    assert "ada@example.org" not in thief.get("/account", **{"Sec-Purpose": "prefetch"}).text
    assert "was used from a new place" not in ada.get("/devices").text


def test_a_visitor_without_cookies_is_given_the_page(site: Site) -> None:
    assert site.browser().get("/", **{"Sec-Purpose": "prefetch"}).status_code == 200


def test_a_file_is_given_to_anyone(ada: Browser) -> None:
    assert ada.get("/static/icon.svg", **{"Sec-Purpose": "prefetch"}).status_code == 200


def test_a_form_acts_with_any_value_of_the_header(ada: Browser) -> None:
    assert ada.post("/sign-out", {"Sec-Purpose": "prefetch"}).headers["Location"] == "/signed-out"
    assert not ada.is_signed_in()


def test_a_sign_out_that_waits_is_not_tried_by_a_page_loaded_unasked(site: Site, ada: Browser) -> None:
    copy = site.thief(ada.pocket(), ACCESS)
    site.impatient()
    with backings.locked(site.folder):
        assert ada.sign_out().status_code == 503
    assert ada.get("/", **{"Sec-Purpose": "prefetch"}).status_code == 503
    assert ada.cookie(ENDING)
    assert copy.is_signed_in()
    ada.get("/")
    assert not copy.is_signed_in()
