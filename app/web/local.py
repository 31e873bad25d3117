"""Where to go next: a path of this site, or home."""

from urllib.parse import quote, urlsplit

from flask import request
from werkzeug.urls import iri_to_uri, uri_to_iri

_AS_THEY_ARE = "/:@!$'()*,;"  # in a value of a query they need no other form


def path(wanted: str | None) -> str:
    """Return *wanted* if it is a path of this site and nothing else, else `/`: no open redirect."""
    if not wanted or not wanted.startswith("/") or wanted.startswith("//"):
        return "/"
    page = wanted.partition("?")[0]
    if "\\" in page or not page.isprintable():
        return "/"
    parts = urlsplit(wanted)
    return "/" if parts.scheme or parts.netloc else iri_to_uri(wanted)


def leading_to(page: str, wanted: str | None) -> str:
    """Return the address of *page*, which goes on to *wanted*, if that is more than home."""
    found = path(wanted)
    return page if found == "/" else f"{page}?next={quoted(found)}"


def quoted(wanted: str) -> str:
    """Return a path of this site as the value of `next`.

    What it has encoded is not encoded twice, or a long request of an app would outgrow what servers and proxies read.
    """
    return quote(uri_to_iri(wanted), safe=_AS_THEY_ARE)


def came_from() -> str:
    """Return the page of this site that sent the browser here, or home."""
    page = urlsplit(request.referrer or "")
    return path(page._replace(scheme="", netloc="").geturl() if page.netloc == request.host else "")
