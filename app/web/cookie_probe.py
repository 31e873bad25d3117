"""The probe: a browser shows that it keeps cookies before the site makes anything for it."""

from http import HTTPStatus
from urllib.parse import urlsplit

from flask import Response, make_response, render_template, request

from app.config import is_loopback, settings
from app.web import cookies, cross_origin, next_page

_DOORS = (
    "pages.sign_in",
    "pages.sign_in_passkey",
    "pages.sign_up",
    "pages.sign_up_passkey",
    "lab.experiment",
    "lab.path",
    "lab.rooms",
)


def ask() -> Response | None:
    """Refuse the form of a browser that sends back none of the cookies that its page set. A program is not asked."""
    if request.method != "POST" or not _is_untried() or not cross_origin.is_browser():
        return None
    page = render_template("web/no_cookies.html", mends=mends(), again=next_page.came_from())
    return make_response(page, HTTPStatus.UNPROCESSABLE_ENTITY)


def settle(response: Response) -> Response:
    """Try a browser at a door in each form, and keep every browser to the safest form that it keeps.

    One that has shown no Secure cookie is tried again with each page: its others, which any server or script on this
    machine may have planted, count only as long as no Secure one comes.
    """
    if request.method == "GET" and _is_untried():
        return _try(response, *cookies.forms())
    if cookies.form() is cookies.LOOPBACK:
        return _try(response, cookies.SECURE)
    if cookies.LOOPBACK in cookies.forms():
        cookies.drop_all(response, cookies.LOOPBACK)
    return response


def mends() -> dict[str, str | bool]:
    """Return what a page needs to explain how this browser can keep cookies here."""
    site = settings().site_url
    is_local = is_loopback(site)
    return {
        "host": request.host,
        "site_url": site,
        "is_elsewhere": request.host != urlsplit(site).netloc and not (is_local and is_loopback(request.host_url)),
        "is_for_this_machine": is_local,
        "is_https": settings().https,
    }


def _is_untried() -> bool:
    """Return whether this is a page where something begins, for a browser that brought no cookie."""
    return request.blueprint in _DOORS and not any(map(cookies.came, cookies.forms()))


def _try(response: Response, *forms: cookies.Form) -> Response:
    for form in forms:
        cookies.put(response, cookies.PROBE, "1", seconds=None, of=form)
    return response
