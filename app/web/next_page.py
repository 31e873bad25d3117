"""Where to go next: a path of this site, or home."""

import re
from collections.abc import Collection
from functools import partial
from urllib.parse import parse_qsl, quote, urlencode, urlsplit

from flask import Flask, abort, request
from werkzeug.datastructures import MultiDict
from werkzeug.urls import iri_to_uri, uri_to_iri

from app import context, machines

LONGEST_ADDRESS = 16 * 1024 - len("GET  HTTP/1.1")  # characters, in the first line of a request
_MOST_ENCODED = 12  # characters for one of a path: up to four bytes of UTF-8, each as %XX
_AS_THEY_ARE = "/:@!$'()*,;"  # in a value of a query they need no other form
_IN_QUERIES = "%!$&'()*+,/:;=?@"  # as `iri_to_uri` leaves them
_REST = re.compile(rb"(?:^|&)rest=")
_ADDED = re.compile(r"(&asked=1)?&since=[0-9]{1,12}$")  # by `authorize`, on the way to another page


def init_app(app: Flask, leading_on: Collection[str]) -> None:
    """Have *app* refuse an address that the pages of *leading_on* could not carry: for every visitor alike."""
    machines.before_visitors(app, partial(_check, leading_on))


def path(wanted: str | None) -> str:
    """Return *wanted* if it is a path of this site, else `/`: no open redirect."""
    if not wanted or not wanted.startswith("/") or wanted.startswith("//"):
        return "/"
    page = wanted.partition("?")[0]
    if "\\" in page or not page.isprintable():
        return "/"
    parts = urlsplit(wanted)
    return "/" if parts.scheme or parts.netloc else iri_to_uri(wanted)


def here() -> str:
    """Return the path and the query of this request."""
    asked = query()
    return path(f"{request.path}?{asked}" if asked else request.path)


def query() -> str:
    """Return the query of this request, as it may stand in an address."""
    return quote(request.query_string, safe=_IN_QUERIES)


def address(page: str, wanted: str | None, **own: str) -> str:
    """Return the address of *page* with parameters of its *own*, which goes on to *wanted*.

    `next` is a parameter as any other, and nothing in it is encoded twice. An address that it would make too long is the
    `rest` of the query instead, as it stands.
    """
    found, asked = path(wanted), urlencode({**own, "next": ""})
    usual = f"{page}?{asked}{quote(uri_to_iri(found), safe=_AS_THEY_ARE)}"
    return usual if len(usual) <= LONGEST_ADDRESS else f"{page}?{asked.removesuffix('next=')}rest={found}"


def arguments() -> MultiDict[str, str]:
    """Return the parameters of a page that leads on, as `address` wrote them."""
    found = _REST.search(request.query_string)
    if found is None:
        return request.args
    own = parse_qsl(request.query_string[: found.start()].decode(errors="replace"))
    return MultiDict([*own, ("next", request.query_string[found.end() :].decode(errors="replace"))])


def wanted() -> str:
    """Return the page that the visitor wants to go on to, or home."""
    return path(arguments().get("next"))


def leading_to(page: str, wanted: str | None) -> str:
    """Return the address of *page*, which goes on to *wanted*, if that is more than home."""
    return page if path(wanted) == "/" else address(page, wanted)


def came_from() -> str:
    """Return the page of this site that sent the browser here, or home."""
    page = urlsplit(request.referrer or "")
    return path(page._replace(scheme="", netloc="").geturl() if page.netloc == request.host else "")


def _check(leading_on: Collection[str]) -> None:
    request = context.request()
    if _MOST_ENCODED * (len(request.path) + len(request.query_string)) < LONGEST_ADDRESS:
        return  # however it is encoded
    if len(_ADDED.sub("", here())) > LONGEST_ADDRESS and request.blueprint not in leading_on:
        abort(414)
