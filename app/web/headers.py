"""Security headers of every answer."""

from collections.abc import Callable, Iterable
from typing import Any
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

from flask import Flask
from werkzeug.wrappers import Response

from app.config import settings

_CSP = "Content-Security-Policy"
_POLICY = "; ".join(
    (
        "default-src 'none'",
        "object-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self'",
        "connect-src 'self'",
        "form-action 'self'",
        "frame-ancestors 'none'",
        "base-uri 'none'",
    )
)
_LEADING_ON = _POLICY.replace("form-action 'self'; ", "")
_ALWAYS = (
    # Not no-referrer: with it, forms over plain http would send `Origin: null`.
    ("Referrer-Policy", "same-origin"),
    ("X-Content-Type-Options", "nosniff"),
    ("Cross-Origin-Opener-Policy", "same-origin"),
    ("Cross-Origin-Resource-Policy", "same-origin"),
)
_UNLESS_GIVEN = (("Cache-Control", "no-store"), (_CSP, _POLICY))  # files have their own
_HSTS = ("Strict-Transport-Security", "max-age=63072000; includeSubDomains")
Write = Callable[[bytes], object]


def init_app(app: Flask) -> None:
    """Add the headers to every answer."""
    app.wsgi_app = SecurityHeaders(app.wsgi_app, hsts=settings().hsts)  # type: ignore[method-assign]


def let_forms_lead_on(response: Response) -> None:
    """Leave `form-action` out on this one page, whose form leads on to a registered app.

    Chromium checks every redirect after a form against it. The app may redirect to another origin or to the scheme of a
    native app, and this site cannot know which.
    """
    response.headers[_CSP] = _LEADING_ON


class SecurityHeaders:
    """Adds them below Flask, whose own way checks, at each request, what never changes: a tenth of a small answer."""

    def __init__(self, wsgi_app: WSGIApplication, *, hsts: bool) -> None:
        self._wsgi_app = wsgi_app
        self._always = [*_ALWAYS, _HSTS] if hsts else [*_ALWAYS]

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        def start(status: str, headers: list[tuple[str, str]], problem: Any = None, /) -> Write:
            given = {name for name, _ in headers}
            own = [(name, value) for name, value in _UNLESS_GIVEN if name not in given]
            return start_response(status, [*headers, *own, *self._always], problem)

        return self._wsgi_app(environ, start)
