"""Cross-origin requests: apps in a browser may call the endpoints they need, from their registered origins."""

from flask import Flask, Response

from app import context, machines
from app.oauth import clients
from app.store.db import StoreUnavailable

_PREFLIGHT_SECONDS = 600


def init_app(app: Flask) -> None:
    """Have each answer of the endpoints for programs name the origin that may read it."""
    for part in ("oauth", "api"):
        app.after_request_funcs.setdefault(part, []).append(allow)


def allow(response: Response) -> Response:
    """Name the origin of the request where a public client is registered with it, and no other; never with cookies.

    The authorization endpoint is not among them, as only a person's browser goes there (RFC 9700, section 2.6).
    """
    request = context.request()
    if context.app().view_functions.get(request.endpoint or "") not in machines.browser_apps:
        return response
    response.headers.add("Vary", "Origin")
    origin = request.environ.get("HTTP_ORIGIN")
    if origin and _is_known(origin):
        response.headers["Access-Control-Allow-Origin"] = origin
        response.headers["Access-Control-Expose-Headers"] = "WWW-Authenticate, Retry-After, DPoP-Nonce"
        if request.method == "OPTIONS":
            response.headers["Access-Control-Allow-Methods"] = response.headers.get("Allow", "")
            response.headers["Access-Control-Allow-Headers"] = "Authorization, Content-Type, DPoP"
            response.headers["Access-Control-Max-Age"] = str(_PREFLIGHT_SECONDS)
    return response


def _is_known(origin: str) -> bool:
    try:
        return clients.is_browser_origin(origin)
    except StoreUnavailable:
        return False
