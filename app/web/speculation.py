"""A page that a browser loads before its user asks for it (prefetch, prerender) is no use of the session.

It is not given: each page that is read counts as a use, or a copy of the cookies could read unseen. Browsers throw away a
speculative answer other than 2xx, and ask again when the user opens the page.
"""

from flask import Flask, Response, request

from app.web import assets, cookies

_HEADERS = ("Sec-Purpose", "Purpose", "X-Purpose", "X-Moz")  # the standard, and what older browsers send
_PURPOSES = frozenset({"prefetch", "prerender", "preview"})


def init_app(app: Flask) -> None:
    """Have *app* refuse such a request before anything looks at its cookies."""
    app.before_request(_refuse)


def _refuse() -> Response | None:
    if request.method not in ("GET", "HEAD") or request.blueprint == assets.bp.name:
        return None
    if not _is_speculative() or not cookies.sent():
        return None
    return Response("This page is given when it is opened, and not before.\n", 503, content_type="text/plain")


def _is_speculative() -> bool:
    values = (request.headers.get(name, "") for name in _HEADERS)
    return any(value.partition(";")[0].strip().lower() in _PURPOSES for value in values)
