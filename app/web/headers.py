"""Response headers that make a browser careful."""

from flask import Flask, Response

from app.config import settings

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
_ALWAYS = (
    ("Content-Security-Policy", _POLICY),
    # Not no-referrer: with it, forms over plain http would send `Origin: null`.
    ("Referrer-Policy", "same-origin"),
    ("X-Content-Type-Options", "nosniff"),
    ("Cross-Origin-Opener-Policy", "same-origin"),
    ("Cross-Origin-Resource-Policy", "same-origin"),
)


def init_app(app: Flask) -> None:
    """Add the headers to every answer."""
    app.after_request(_add)


def _add(response: Response) -> Response:
    headers = response.headers
    headers.setdefault("Cache-Control", "no-store")  # files have their own
    headers.extend(_ALWAYS)
    if settings().https:
        headers.add("Strict-Transport-Security", "max-age=63072000; includeSubDomains")
    return response
