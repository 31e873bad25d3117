"""The endpoints for machines: one line each."""

from typing import Any

from flask import Blueprint, Flask, Response

from app.oauth import metadata
from app.oauth.server import init_app as init_server
from app.oauth.server import server

bp = Blueprint("oauth", __name__)


def init_app(app: Flask) -> None:
    """Add the authorization server and its endpoints to *app*."""
    init_server(app)
    app.register_blueprint(bp)


@bp.post("/oauth/token")
def token() -> Response:
    answer: Response = server.create_token_response()
    return answer


@bp.post("/oauth/revoke")
def revoke() -> Response:
    answer: Response = server.create_endpoint_response("revocation")
    return answer


@bp.get("/oauth/jwks")
def jwks() -> dict[str, Any]:
    return metadata.keys()


@bp.get("/.well-known/oauth-authorization-server")
def describe() -> dict[str, Any]:
    return metadata.describe()
