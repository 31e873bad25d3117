"""Requests to addresses that apps registered: into a private network only if the operator allowed it, without following
redirects, within a few seconds."""

import socket
import ssl
import time
from functools import cache
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from typing import Any
from urllib.parse import urlencode

import httpcore

from app.outbox.answer import Answer, Outcome

SECONDS = 5.0  # in total: look-up of the name, connection, request and head of the answer
_PRIVATE = tuple(
    ip_network(network)
    for network in ("10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "::1", "fc00::/7")
)
_UNICAST = ip_network("2000::/3")
_TUNNELS = ip_network("2002::/16")  # 6to4: each of these means an IPv4 address, perhaps a private one


class Forbidden(Exception):
    """The address leads into a network that this site must not reach."""


def post(uri: str, form: dict[str, str], *, may_be_private: bool) -> Answer:
    """Send *form*; read no more than the head of the answer. A redirect is not followed. Never raises."""
    began = time.monotonic()
    outcome, words = Outcome.FAILED, ""
    try:
        status = _ask(uri, urlencode(form).encode(), Line(began + SECONDS, may_be_private=may_be_private))
        outcome, words = judge(status), f"HTTP {status}"
    except Forbidden:
        words = "its address leads into a private network"
    except httpcore.TimeoutException:
        words = "no answer in time"
    except (httpcore.NetworkError, OSError):
        words = "no connection"
    except (httpcore.ProtocolError, httpcore.UnsupportedProtocol, ValueError, TypeError):
        words = "no sense in its address or its answer"
    return Answer(outcome, words, round((time.monotonic() - began) * 1000))


def judge(status: int) -> Outcome:
    """Return what the status of an answer means (section 2.8). Only 400 means received and rejected."""
    if 200 <= status < 300:
        return Outcome.DELIVERED
    return Outcome.REFUSED if status == 400 else Outcome.FAILED


def resolve(host: str, port: int) -> list[str]:
    """Return the addresses of *host*. Raises OSError."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(address[0]) for *_, address in found))


def _ask(uri: str, body: bytes, line: "Line") -> int:
    headers = [
        ("Content-Type", "application/x-www-form-urlencoded"),
        ("User-Agent", "Signed Out"),
        ("Connection", "close"),
    ]
    with (
        httpcore.ConnectionPool(ssl_context=_tls(), network_backend=line) as pool,
        pool.stream("POST", uri, headers=headers, content=body) as answer,
    ):
        return answer.status


class Line(httpcore.NetworkBackend):
    """Connects to the very address that it has checked, and to nothing after *deadline* (monotonic)."""

    def __init__(self, deadline: float, *, may_be_private: bool) -> None:
        self._deadline = deadline
        self._may_be_private = may_be_private

    def connect_tcp(self, host: str, port: int, *_: Any, **__: Any) -> "Stream":
        addresses = resolve(host, port)
        if not all(self._allows(address) for address in addresses):
            raise Forbidden(host)
        while addresses:
            # A share for each: one family of addresses that leads nowhere leaves time for the other.
            patience = self.left() / len(addresses)
            try:
                return Stream(httpcore.SyncBackend().connect_tcp(addresses.pop(0), port, patience), self)
            except (httpcore.ConnectError, httpcore.ConnectTimeout):
                if not addresses:
                    raise
        raise httpcore.ConnectError("a name without an address")

    def left(self) -> float:
        """Return how many seconds are left."""
        seconds = self._deadline - time.monotonic()
        if seconds <= 0:
            raise httpcore.TimeoutException
        return seconds

    def _allows(self, address: str) -> bool:
        found = ip_address(address)
        if self._may_be_private and any(found in network for network in _PRIVATE):
            return True
        return _is_public(found)


class Stream(httpcore.NetworkStream):
    """A connection under the deadline of its *line*, however little comes at a time."""

    def __init__(self, stream: httpcore.NetworkStream, line: Line) -> None:
        self._stream = stream
        self._line = line

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._stream.read(max_bytes, self._line.left())

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._stream.write(buffer, self._line.left())

    def close(self) -> None:
        self._stream.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> "Stream":
        return Stream(self._stream.start_tls(ssl_context, server_hostname, self._line.left()), self._line)

    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)


def _is_public(address: IPv4Address | IPv6Address) -> bool:
    if address.version == 6 and (address not in _UNICAST or address in _TUNNELS):
        return False  # also those that mean an IPv4 address: mapped, translated
    return address.is_global and not address.is_multicast


@cache
def _tls() -> ssl.SSLContext:
    return httpcore.default_ssl_context()
