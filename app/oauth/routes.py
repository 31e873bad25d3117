"""The endpoints for machines: one line each."""

from typing import Any

from flask import Flask, Response, abort, request
from flask.typing import ResponseReturnValue

from app import clock
from app.identity import bearer, status_list
from app.identity.access_token import Claims
from app.machines import Machines, for_browser_apps
from app.oauth import cors, metadata
from app.oauth import userinfo as person
from app.oauth.endpoints import Pushing
from app.oauth.logout import outbox
from app.oauth.server import server

bp = Machines("oauth", __name__, beneath=("/oauth/", "/.well-known/", "/status-lists"))


def init_app(app: Flask) -> None:
    """Add the authorization server and its endpoints to *app*."""
    server.init_app(app)
    cors.init_app(app)
    outbox.init_app(app)
    status_list.init_app(app)
    app.register_blueprint(bp)


@bp.post("/oauth/token")
@for_browser_apps
def token() -> Response:
    return server.exchange()


@bp.post("/oauth/revoke")
@for_browser_apps
def revoke() -> Response:
    return server.answer("revocation")


@bp.post("/oauth/introspect")
def introspect() -> Response:
    return server.answer("introspection")


@bp.post("/oauth/par")
@for_browser_apps
def push() -> Response:
    return server.answer(Pushing.ENDPOINT_NAME)


@bp.route("/oauth/userinfo", methods=["GET", "POST"])
@for_browser_apps
def userinfo() -> ResponseReturnValue:
    found = bearer.check(scope="openid")
    return person.describe(found) if isinstance(found, Claims) else found


@bp.get("/oauth/jwks")
@for_browser_apps
def jwks() -> dict[str, Any]:
    return metadata.keys()


@bp.get("/status-lists")
def list_status_lists() -> dict[str, Any]:
    return {"status_lists": [status_list.uri(number) for number in range(status_list.count())]}


@bp.get("/status-lists/<int:number>")
def read_status_list(number: int) -> Response:
    """Give a list (Token Status List, section 8)."""
    if "time" in request.args:
        abort(501)
    try:
        found = status_list.read(number)
    except LookupError:
        abort(404)
    response = Response(content_type=f"application/{status_list.TYPE}")
    response.headers |= {
        "Access-Control-Allow-Origin": "*",
        # A copy in a cache is never older than the time to live that it states.
        "Cache-Control": f"public, max-age={found.made_at + status_list.TTL - clock.now()}",
        "Vary": "Accept-Encoding",
    }
    if request.accept_encodings["gzip"]:
        response.set_data(found.gzipped)
        response.headers["Content-Encoding"] = "gzip"
    else:
        response.set_data(found.token)
    response.add_etag()
    response.make_conditional(request)
    return response


@bp.get("/.well-known/oauth-authorization-server")
@bp.get("/.well-known/openid-configuration")
@for_browser_apps
def describe() -> dict[str, Any]:
    return {**metadata.describe()}
