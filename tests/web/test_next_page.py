"""Where to go next: a path of this site, carried in the address of another page and read back from it."""

from urllib.parse import parse_qs, parse_qsl, urlsplit

import pytest
from flask import Flask
from flask.ctx import RequestContext
from hypothesis import given
from hypothesis import strategies as st
from werkzeug.exceptions import RequestURITooLarge

from app.serving.reading import MOST_LINE
from app.web import next_page

ODD = st.text(
    st.sampled_from("/?&=#%+;:@\\ \t\n\"'<>[]{}|^~.aA0é漢\u200d\u00a0\ufffd🦦") | st.characters(codec="utf-8"),
    max_size=40,
)
PATHS = st.builds("/{}?{}".format, ODD, ODD) | ODD


@given(PATHS)
def test_it_is_always_a_path_of_this_site(wanted: str) -> None:
    found = next_page.path(wanted)
    assert found.startswith("/")
    assert not found.startswith(("//", "/\\"))
    assert found.isascii()
    assert not set(found) & set(' "<>\\\t\r\n')
    assert next_page.path(found) == found, "and it is one already"
    parts = urlsplit(found)
    assert (parts.scheme, parts.netloc) == ("", "")


@given(PATHS)
def test_it_comes_back_from_the_address_that_carried_it_and_means_the_same(wanted: str) -> None:
    found = next_page.path(wanted)
    carried = parse_qs(urlsplit(next_page.address("/sign-in", found)).query, keep_blank_values=True)
    again = next_page.path(carried["next"][0])
    assert carried.keys() == {"next"}
    assert means(again) == means(found)
    assert urlsplit(again).path == urlsplit(found).path


PATH = "/oauth/authorize"
PARTS = st.text(st.sampled_from("%&+#=?/:;,.~|{}[]^`\\\"'<>aZ0-_!$()*@\x80\xe9\xff"), min_size=1, max_size=30)
QUERIES = st.builds(
    lambda part, length: (part * length)[:length], PARTS, st.integers(0, 400) | st.integers(16_000, 16_500)
)
OWN = st.sampled_from([{}, {"arrived": "1"}, {"action": "/devices/end-others"}])


def asking(path: str, sent: str) -> RequestContext:
    """Return the context of a request with this query, byte by byte as a client may send it."""
    return Flask(__name__).test_request_context(path, environ_overrides={"QUERY_STRING": sent})


@given(QUERIES, OWN)
def test_what_is_accepted_at_its_own_address_is_accepted_by_way_of_another_page(sent: str, own: dict[str, str]) -> None:
    with asking(PATH, sent):
        try:
            next_page._check(())
        except RequestURITooLarge:
            assert len(next_page.here()) > next_page.LONGEST_ADDRESS
            return
        wanted = next_page.here()
    way = next_page.address(
        "/sign-in", next_page.path(next_page.address("/sign-up", wanted))
    )  # a page that leads to a page
    for carried in (way, next_page.address("/sign-in", wanted, **own)):
        assert len(f"POST {carried} HTTP/1.1") <= MOST_LINE
    page, _, query = carried.partition("?")
    with asking(page, query):
        given = next_page.arguments()
        found = next_page.path(given["next"])
    assert {name: given[name] for name in own} == own
    assert given.keys() == {*own, "next"}, "and of what is wanted nothing passes for a parameter of the page"
    assert urlsplit(found).path == PATH
    assert means(found) == means(wanted)
    assert found == wanted or len(carried) < next_page.LONGEST_ADDRESS


def means(path: str) -> list[tuple[str, str]]:
    return parse_qsl(urlsplit(path).query, keep_blank_values=True)


@pytest.mark.parametrize("page", ["/", "/devices", PATH, "/api/me", "/no/such/page"])
def test_a_longer_address_is_refused_at_its_own_address(page: str) -> None:
    most = next_page.LONGEST_ADDRESS - len(f"{page}?")
    with asking(page, "%" * most):
        next_page._check(())
    with asking(page, "%" * (most + 1)), pytest.raises(RequestURITooLarge):
        next_page._check(())
