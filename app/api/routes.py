"""`GET /api/me`: what a bearer token stands for."""

from flask import Blueprint, Response, jsonify, request
from flask.typing import ResponseReturnValue

from app.identity import access_token
from app.identity.access_token import Claims

bp = Blueprint("api", __name__, url_prefix="/api")


@bp.get("/me")
def me() -> ResponseReturnValue:
    token = _bearer()
    if token is None:
        return _refuse()
    if b"access_token" in request.query_string or (request.content_length and "access_token" in request.form):
        return _refuse("invalid_request", "The token is sent in more than one way.", status=400)
    claims = access_token.check(token)
    if not isinstance(claims, Claims):
        return _refuse("invalid_token", "The token is expired, revoked or malformed.")
    return {"sub": claims.sub, "sid": claims.sid, "client_id": claims.client_id, "scope": claims.scope}


def _bearer() -> str | None:
    """Take the token from the header alone: one in the query or the body would end up in logs and histories."""
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    return token.strip() or None if scheme.lower() == "bearer" else None


def _refuse(error: str | None = None, description: str = "", *, status: int = 401) -> Response:
    """Answer with a challenge (RFC 6750, section 3): no error code where no token was sent."""
    answer = jsonify({"error": error} if error else {})
    answer.status_code = status
    detail = f', error="{error}", error_description="{description}"' if error else ""
    answer.headers["WWW-Authenticate"] = f'Bearer realm="api"{detail}'
    return answer
