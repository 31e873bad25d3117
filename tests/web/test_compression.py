"""A page is compressed only where its compressed length can tell an attacker nothing about a user."""

import gzip

import pytest

from tests.browsers import PROBE, RECEIPT, Browser, Site

pytestmark = pytest.mark.page
GZIP = {"Accept-Encoding": "gzip, deflate, br, zstd"}


@pytest.fixture
def visitor(site: Site) -> Browser:
    """A browser that opens its first page."""
    browser = site.browser()
    browser.client = site.app.test_client()  # without the cookie that shows whether cookies are kept
    return browser


@pytest.mark.parametrize("path", ["/", "/sign-in", "/sign-up", "/lab", "/lab/designs"])
def test_a_visitor_without_cookies_gets_a_compressed_page(visitor: Browser, path: str) -> None:
    packed = visitor.get(path, **GZIP)
    visitor.client._cookies.clear()
    plain = visitor.get(path)
    assert packed.headers["Content-Encoding"] == "gzip"
    assert "</html>" in gzip.decompress(packed.data).decode()
    assert len(packed.data) < len(plain.data) / 2
    assert packed.headers["Content-Length"] == str(len(packed.data))
    assert "Content-Encoding" not in plain.headers
    for answer in (plain, packed):
        assert "Accept-Encoding" in answer.headers["Vary"]


def test_a_page_of_a_session_is_not_compressed(site: Site) -> None:
    ada = site.member()
    for path in ("/", "/devices", "/account", "/activity", "/account/name", "/lab/designs", "/nowhere"):
        answer = ada.get(path, **GZIP)
        assert "Content-Encoding" not in answer.headers, path
        assert "</html>" in answer.text


@pytest.mark.parametrize("cookie", [RECEIPT, PROBE, "other"])
def test_a_page_for_a_request_with_any_other_cookie_is_not_compressed(visitor: Browser, cookie: str) -> None:
    visitor.client.set_cookie(cookie, "x")
    assert "Content-Encoding" not in visitor.get("/", **GZIP).headers


def test_a_page_for_a_request_with_a_token_is_not_compressed(visitor: Browser) -> None:
    assert "Content-Encoding" not in visitor.get("/", Authorization="Bearer x", **GZIP).headers


def test_an_answer_to_what_was_typed_is_not_compressed(visitor: Browser) -> None:
    answer = visitor.post("/sign-in", GZIP, email="ada@example.org", password="wrong")
    assert "</html>" in answer.text
    assert "Content-Encoding" not in answer.headers


def test_a_page_for_a_client_that_does_not_accept_it_is_not_compressed(visitor: Browser) -> None:
    assert "Content-Encoding" not in visitor.get("/", **{"Accept-Encoding": "gzip;q=0"}).headers
