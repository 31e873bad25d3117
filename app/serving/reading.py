"""When a request is complete. Pure: bytes in, a request or a refusal out."""

import re
from io import BytesIO
from typing import Any

from gunicorn.http.body import ChunkedReader, LengthReader
from gunicorn.http.errors import LimitRequestHeaders, ParseException
from gunicorn.http.message import Request
from gunicorn.http.unreader import IterUnreader

REFUSAL = "signed_out.refusal"  # in the environment of a request that could not be read: the status of its answer
MOST_LINE = 16 * 1024 + 512  # bytes of the first line: an address of 16 KiB, and our page that leads on to it
MOST_HEAD = 64 * 1024  # bytes of all headers
MOST_BODY = 64 * 1024
_MOST_FRAME = 256  # bytes around one chunk
_MOST_PATH = 256  # characters by which a request is answered that could not be read
_PATH = re.compile(rb"(?:\r\n)?[A-Z]+ (/[/0-9A-Za-z._~-]{0,%d})" % _MOST_PATH)
_NO_METHOD = re.compile(rb"[^A-Z\r]")
_CHUNK = re.compile(rb"([0-9A-Fa-f]{1,8})[ \t]*(?:;[^\r\n]*)?")


class Refused(Exception):
    """A request that no view will see. The connection ends with the answer, as what follows cannot be read."""

    def __init__(self, code: int) -> None:
        super().__init__(code)
        self.code = code


class Whole(BytesIO):
    """A body that was read whole, within its limit."""


class Head(Request):  # type: ignore[misc]
    """The head of a request. It trusts no client about the scheme, so gunicorn need not compare the client with its list."""

    def _peer_is_trusted_proxy(self) -> bool:
        return False


class Reading:
    """One request as it arrives. `take` is given all bytes that have come, as often as more come."""

    def __init__(self, settings: Any, client: tuple[Any, ...]) -> None:
        self._settings = settings
        self._client = client
        self.request: Request | None = None
        self.body = b""
        self._missing: int | None = None  # bytes of the body; None: it comes in chunks
        self._chunks: list[bytes] = []
        self._size = 0  # of all chunks

    def take(self, received: bytearray) -> bool:
        """Take what belongs to this request off the front; return whether it is complete. Raises Refused."""
        if self.request is None and not self._take_head(received):
            return False
        if self._missing is None:
            return self._take_chunks(received)
        if len(received) < self._missing:
            return False
        self.body = bytes(received[: self._missing])
        del received[: self._missing]
        return True

    def stand_in(self, received: bytearray) -> Request:
        """Return what to answer where no head could be read: a request for the path that came, so a program gets JSON."""
        found = _PATH.match(received)
        return self._parse(b"GET %s HTTP/1.1\r\nHost: localhost\r\n\r\n" % (found[1] if found else b"/"))

    def is_asked_to_go_on(self) -> bool:
        """Return once whether the client waits for "100 Continue" before it sends the body."""
        request = self.request
        if request is None or not request._expected_100_continue:
            return False
        request._expected_100_continue = False
        return True

    def _take_head(self, received: bytearray) -> bool:
        if received.startswith(b"\r\n"):
            del received[:2]  # RFC 9112, section 2.2
        end = received.find(b"\r\n\r\n")
        self._check_size(received, end)
        if end < 0:
            return False
        self.request = self._parse(bytes(received[: end + 4]))
        del received[: end + 4]
        self._expect_body(self.request)
        return True

    def _check_size(self, received: bytearray, end: int) -> None:
        if len(received) > MOST_LINE and received.find(b"\r\n", 0, MOST_LINE + 2) < 0:
            raise Refused(414)
        if (end if end >= 0 else len(received)) > MOST_HEAD:
            raise Refused(431)
        if end < 0 and (b"\n\n" in received or _NO_METHOD.match(received)):
            raise Refused(400)  # its end would never come: a TLS client waits for the server's half of the handshake

    def _parse(self, head: bytes) -> Request:
        try:
            return Head(self._settings, IterUnreader([head]), self._client)
        except LimitRequestHeaders:
            raise Refused(431) from None
        except (ParseException, OSError, StopIteration, ValueError):
            raise Refused(400) from None

    def _expect_body(self, request: Request) -> None:
        reader = request.body.reader
        if isinstance(reader, ChunkedReader):
            self._missing = None
        else:
            self._missing = reader.length if isinstance(reader, LengthReader) else 0
            if self._missing > MOST_BODY:
                raise Refused(413)

    def _take_chunks(self, received: bytearray) -> bool:
        while (end := received.find(b"\r\n", 0, _MOST_FRAME)) >= 0:
            size = _size_of_chunk(bytes(received[:end]))
            if size == 0:
                return self._take_trailers(received, end + 2)
            if not self._take_chunk(received, end + 2, size):
                return False
        if len(received) >= _MOST_FRAME:
            raise Refused(400)
        return False

    def _take_chunk(self, received: bytearray, start: int, size: int) -> bool:
        end = start + size
        if self._size + size > MOST_BODY:
            raise Refused(413)
        if len(received) < end + 2:
            return False
        if received[end : end + 2] != b"\r\n":
            raise Refused(400)
        self._chunks.append(bytes(received[start:end]))
        self._size += size
        del received[: end + 2]
        return True

    def _take_trailers(self, received: bytearray, start: int) -> bool:
        """Take the end of a chunked body. Trailers after the last chunk are dropped."""
        end = start if received[start : start + 2] == b"\r\n" else received.find(b"\r\n\r\n", start) + 2
        if end < start:
            if len(received) > MOST_HEAD:
                raise Refused(431)
            return False
        del received[: end + 2]
        self.body = b"".join(self._chunks)
        return True


def _size_of_chunk(line: bytes) -> int:
    found = _CHUNK.fullmatch(line)
    if found is None:
        raise Refused(400)
    return int(found[1], 16)
