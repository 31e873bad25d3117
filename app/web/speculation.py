"""A page that a browser loads before its user asks for it (prefetch, prerender) is no use of the session, so it is
refused: each page that is read counts as a use, or a copy of the cookies could read unseen. Browsers throw away a
speculative answer other than 2xx, and ask again when the user opens the page.
"""

from flask import Flask, Response

from app import context, machines
from app.web import assets, cookies

_HEADERS = ("HTTP_SEC_PURPOSE", "HTTP_PURPOSE", "HTTP_X_PURPOSE", "HTTP_X_MOZ")  # the standard's, and of older browsers
_PURPOSES = frozenset({"prefetch", "prerender", "preview"})


def init_app(app: Flask) -> None:
    """Have *app* refuse such a request before anything looks at its cookies."""
    machines.before_visitors(app, _refuse)


def _refuse() -> Response | None:
    request = context.request()
    if request.method not in ("GET", "HEAD") or request.blueprint == assets.bp.name:
        return None
    if not _is_speculative() or not cookies.sent():
        return None
    return Response("This page is given when it is opened, and not before.\n", 503, content_type="text/plain")


def _is_speculative() -> bool:
    environ = context.request().environ
    values = [environ[name] for name in _HEADERS if name in environ]
    return any(value.partition(";")[0].strip().lower() in _PURPOSES for value in values)
