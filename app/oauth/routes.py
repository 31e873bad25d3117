"""The endpoints for machines: one line each."""

import gzip
from typing import Any

from flask import Blueprint, Flask, Response, abort, request
from flask.typing import ResponseReturnValue

from app.identity import bearer, status_list
from app.identity.access_token import Claims
from app.oauth import cors, metadata
from app.oauth import userinfo as person
from app.oauth.logout import outbox
from app.oauth.server import init_app as init_server
from app.oauth.server import server

bp = Blueprint("oauth", __name__)


def init_app(app: Flask) -> None:
    """Add the authorization server and its endpoints to *app*."""
    init_server(app)
    cors.init_app(app)
    outbox.init_app(app)
    app.register_blueprint(bp)


@bp.post("/oauth/token")
def token() -> Response:
    answer: Response = server.create_token_response()
    return answer


@bp.post("/oauth/revoke")
def revoke() -> Response:
    answer: Response = server.create_endpoint_response("revocation")
    return answer


@bp.post("/oauth/introspect")
def introspect() -> Response:
    answer: Response = server.create_endpoint_response("introspection")
    return answer


@bp.route("/oauth/userinfo", methods=["GET", "POST"])
def userinfo() -> ResponseReturnValue:
    found = bearer.check(scope="openid")
    return person.describe(found) if isinstance(found, Claims) else found


@bp.get("/oauth/jwks")
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
    if number >= status_list.count():
        abort(404)
    response = Response(status_list.token(number), content_type=f"application/{status_list.TYPE}")
    response.headers |= {
        "Access-Control-Allow-Origin": "*",
        "Cache-Control": f"public, max-age={status_list.TTL}",
        "Vary": "Accept-Encoding",
    }
    if request.accept_encodings["gzip"]:
        response.set_data(gzip.compress(response.get_data()))
        response.headers["Content-Encoding"] = "gzip"
    return response


@bp.get("/.well-known/oauth-authorization-server")
def describe() -> dict[str, Any]:
    return metadata.describe()


@bp.get("/.well-known/openid-configuration")
def describe_openid() -> dict[str, Any]:
    return metadata.describe()
