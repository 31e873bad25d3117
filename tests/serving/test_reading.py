"""A request is the same in any pieces, and what follows it is left for the next."""

from itertools import pairwise

import pytest
from gunicorn.config import Config
from hypothesis import given
from hypothesis import strategies as st

from app.serving.reading import Reading, Refused

SETTINGS = Config()
SETTINGS.set("limit_request_line", 0)
HEAD = b"POST /sign-in HTTP/1.1\r\nHost: localhost\r\n"
CHUNKED = HEAD + b"Transfer-Encoding: chunked\r\n\r\n"
WHOLE = [
    (b"GET / HTTP/1.1\r\n\r\n", b""),
    (b"\r\nGET / HTTP/1.0\r\nHost: localhost\r\n\r\n", b""),
    (HEAD + b"Content-Length: 11\r\n\r\nemail=a\r\n\r\n", b"email=a\r\n\r\n"),
    (CHUNKED + b"0\r\n\r\n", b""),
    (CHUNKED + b"3\r\n\r\nx\r\n000A;name=value\r\n0123456789\r\n0\r\n\r\n", b"\r\nx0123456789"),
    (CHUNKED + b"1\r\nx\r\n0\r\nA: b\r\nC: d\r\n\r\n", b"x"),
]
BROKEN = [
    (b"GET / HTTP/3.0\r\n\r\n", 400),
    (b"\x16\x03\x01", 400),
    (b"\r\n\x05\x01", 400),
    (HEAD + b"Content-Length: -1\r\n\r\n", 400),
    (HEAD + b"Content-Length: 1_0\r\n\r\n0123456789", 400),
    (CHUNKED + b"0x1\r\nx\r\n0\r\n\r\n", 400),
    (CHUNKED + b"1 2\r\nx\r\n0\r\n\r\n", 400),
    (CHUNKED + b"\r\n", 400),
    (CHUNKED + b"2\r\nxy0\r\n\r\n", 400),
    (CHUNKED + b"fffffffff\r\n", 400),
    (HEAD + b"Content-Length: 65537\r\n\r\n", 413),
    (CHUNKED + b"10001\r\n", 413),
]


def take(sent: bytes, cuts: list[int]) -> tuple[bytes, bytes]:
    """Let *sent* arrive in pieces; return the body and what was left. Raises Refused."""
    reading, received = Reading(SETTINGS, ("127.0.0.1", 1)), bytearray()
    for start, end in pairwise(sorted({0, *(min(cut, len(sent)) for cut in cuts), len(sent)})):
        received += sent[start:end]
        if reading.take(received):
            return reading.body, bytes(received) + sent[end:]
    raise AssertionError("it is not complete")


@pytest.mark.parametrize(("sent", "body"), WHOLE)
@given(cuts=st.lists(st.integers(0, 120)))
def test_a_request_is_the_same_however_it_is_cut_into_pieces(sent: bytes, body: bytes, cuts: list[int]) -> None:
    following = b"GET /next HTTP/1.1\r\n\r\n"
    assert take(sent + following, cuts) == (body, following)


@pytest.mark.parametrize(("sent", "code"), BROKEN)
@given(cuts=st.lists(st.integers(0, 120)))
def test_a_request_is_refused_alike_however_it_is_cut_into_pieces(sent: bytes, code: int, cuts: list[int]) -> None:
    with pytest.raises(Refused) as refused:
        take(sent, cuts)
    assert refused.value.code == code


@given(st.binary(), st.sampled_from([b"", b"GET ", b"GET /", b"\r\nPOST //[", b"GET /lab/api/", b"GET /%2e?"]))
def test_what_cannot_be_read_is_answered_by_as_much_of_its_path_as_came(sent: bytes, beginning: bytes) -> None:
    request = Reading(SETTINGS, ("127.0.0.1", 1)).stand_in(bytearray(beginning + sent))
    assert (request.method, request.path[:1], request.headers) == ("GET", "/", [("HOST", "localhost")])
    if beginning == b"GET /lab/api/":
        assert request.path.startswith("/lab/api/")


def test_no_client_says_over_which_scheme_it_came() -> None:
    """TRUSTED_PROXIES decides that, and not gunicorn, which by itself believes each client on this machine."""
    reading = Reading(SETTINGS, ("127.0.0.1", 1))
    assert reading.take(bytearray(HEAD + b"X-Forwarded-Proto: https\r\n\r\n"))
    assert reading.request
    assert reading.request.scheme == "http"
