"""Refuses writes that another site's page has sent with our cookies (cross-site request forgery), by header."""

from urllib.parse import urlsplit

from flask import request
from werkzeug.exceptions import Forbidden

from app.config import settings

_SAFE = ("GET", "HEAD", "OPTIONS")


def check() -> None:
    """Raise Forbidden for an unsafe request that a browser says comes from another origin.

    A form then needs no hidden token. A client that sends neither header is no browser, so nobody's cookies are abused.
    """
    if request.method not in _SAFE and not is_own():
        raise Forbidden("cross-origin")


def is_own() -> bool:
    """Say whether the request was made by a page of ours, or by no page at all."""
    site = request.headers.get("Sec-Fetch-Site")
    if site is not None:
        return site in ("same-origin", "none")
    origin = request.headers.get("Origin")
    return origin is None or _host(origin) in (_host(settings().site_url), (request.scheme, request.host))


def _host(url: str) -> tuple[str, str]:
    parts = urlsplit(url)
    return parts.scheme, parts.netloc
