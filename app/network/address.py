"""The address of a client, read only here: servers and proxies write it in many forms; here one address has one
text."""

import re
from collections.abc import Iterable
from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address, ip_network
from typing import TYPE_CHECKING

from flask import Flask, request
from werkzeug.middleware.proxy_fix import ProxyFix

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

Address = IPv4Address | IPv6Address
UNKNOWN = "0.0.0.0"  # noqa: S104 - a peer without an address, as on a UNIX socket
_BRACKETS = re.compile(r"\[([^\[\]]+)\](?::[0-9]{0,5})?")
_PORT = re.compile(r":[0-9]{0,5}$")
_TRANSLATED = IPv6Network("64:ff9b::/96")  # RFC 6052, section 2.1


def init_app(app: Flask) -> None:
    """Have *app* trust as many proxies as configured, and no other client, about scheme and address."""
    hops = app.extensions["settings"].trusted_proxies
    if hops:
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=0, x_proto=hops, x_host=0)  # type: ignore[method-assign]
    app.wsgi_app = Edge(app.wsgi_app, hops)  # type: ignore[method-assign]


class Edge:
    """Give the application the client's address in REMOTE_ADDR, as the outermost trusted proxy saw it. *proxies*: how many there are."""

    def __init__(self, app: "WSGIApplication", proxies: int) -> None:
        self._app, self._proxies = app, proxies

    def __call__(self, environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        peer, forwarded = environ.get("REMOTE_ADDR") or "", environ.get("HTTP_X_FORWARDED_FOR", "")
        environ["REMOTE_ADDR"] = client(peer, forwarded, self._proxies) if self._proxies else _peer(peer)
        return self._app(environ, start_response)


@lru_cache(1024)
def _peer(peer: str) -> str:
    """Return the address of the connected peer, cached: the server wrote it, so it is short."""
    return client(peer, "", 0)


def here() -> str:
    """Return the address that the current request came from."""
    return request.remote_addr or UNKNOWN


def client(peer: str, forwarded: str, proxies: int) -> str:
    """Return the client's address: from X-Forwarded-For, or, if that has no valid one, the *peer's*. Each proxy adds
    one entry at the end. Entries before those of trusted proxies are the client's claims. So the list is cut at every
    comma: in a quoted string the client could hide the entries that follow its own.
    """
    entries = forwarded.split(",")  # an empty entry is a proxy's too: without it, a claim would take its place
    said = read(entries[-proxies]) if 0 < proxies <= len(entries) else None
    return str(said or read(peer) or UNKNOWN)


def read(text: str) -> Address | None:
    """Return the address that *text* names: alone, or in brackets, with a port, or with a zone. None if it names none.

    An IPv4 address within IPv6 is that IPv4 address.
    """
    text = text.strip().strip('"')
    bracketed = _BRACKETS.fullmatch(text)
    if bracketed:
        return _number(bracketed[1])
    return _number(text) or _number(_PORT.sub("", text))  # in this order: the last group of IPv6 looks like a port


def is_loopback(text: str) -> bool:
    """Return whether *text* is an address of this very machine; names are for `config.is_loopback`."""
    found = read(text)
    return found is not None and found.is_loopback


def subnet(text: str) -> str:
    """Return the network of one household: the IPv4 address, or the IPv6 /64 in which its devices change theirs."""
    found = read(text)
    return _network(found, 64) if isinstance(found, IPv6Address) else str(found or UNKNOWN)


def block(text: str) -> str | None:
    """Return the IPv6 /48, as much as one customer may get (RFC 6177), or None for IPv4."""
    found = read(text)
    return _network(found, 48) if isinstance(found, IPv6Address) else None


def network(text: str) -> str | None:
    """Return the IPv4 /24 or the IPv6 /48 of an address: about what one provider gives to one place."""
    found = read(text)
    return _network(found, 48 if found.version == 6 else 24) if found else None


def _number(text: str) -> Address | None:
    try:
        found = ip_address(text.partition("%")[0])
    except ValueError:
        return None
    return _within(found) or found


def _within(address: Address) -> IPv4Address | None:
    """Return the IPv4 address that an IPv6 one stands for: mapped by a socket that takes both, or translated (NAT64)."""
    if isinstance(address, IPv4Address):
        return None
    if address not in _TRANSLATED:
        return address.ipv4_mapped
    translated = IPv4Address(int(address) & 0xFFFFFFFF)
    return translated if translated.is_global else None  # section 3.1: no others are translated by this prefix


def _network(address: Address, bits: int) -> str:
    return str(ip_network((address, bits), strict=False))
