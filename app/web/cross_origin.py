"""Refuses writes that another site's page sent with our cookies (cross-site request forgery), by header."""

from urllib.parse import urlencode, urlsplit

from flask import redirect, request
from werkzeug.exceptions import Forbidden
from werkzeug.wrappers import Response

from app.config import settings
from app.web import next_page

_SAFE = ("GET", "HEAD", "OPTIONS")


def check() -> None:
    """Raise Forbidden for an unsafe request that a browser says comes from another origin.

    A form then needs no hidden token. A client that sends neither header is no browser, so it holds no user's cookies.
    """
    if request.method not in _SAFE and not is_own():
        raise Forbidden("cross-origin")


def ask_again() -> Response | None:
    """Redirect a form that another site posted, or that decides nothing, to the same address: a GET changes nothing.
    Such a form comes without our cookies, so it must not count as a visitor who is not signed in.
    """
    if request.method != "POST" or ("decision" in request.form and is_own()):
        return None
    asked = urlencode([*request.form.items(multi=True)]) if request.form else next_page.query()
    return redirect(f"{request.path}?{asked}", 303)


def decision() -> str | None:
    """Return the visitor's decision by our button; `ask_again` has checked the request before."""
    return request.form.get("decision") if request.method == "POST" else None


def is_own() -> bool:
    """Return whether the request was made by a page of this site, or by no page at all."""
    site = request.headers.get("Sec-Fetch-Site")
    if site is not None:
        return site in ("same-origin", "none")
    origin = request.headers.get("Origin")
    return origin is None or _host(origin) in (_host(settings().site_url), (request.scheme, request.host))


def is_browser() -> bool:
    """Return whether the request names its origin, as each browser does with a form."""
    return "Sec-Fetch-Site" in request.headers or "Origin" in request.headers


def _host(url: str) -> tuple[str, str]:
    parts = urlsplit(url)
    return parts.scheme, parts.netloc
