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
    claims = access_token.check(token)
    if not isinstance(claims, Claims):
        return _refuse('error="invalid_token", error_description="The token is expired, revoked or malformed."')
    return {"sub": claims.sub, "sid": claims.sid, "client_id": claims.client_id, "scope": claims.scope}


def _bearer() -> str | None:
    """Take the token from the header alone: one in the query or the body would end up in logs and histories."""
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    return token.strip() or None if scheme.lower() == "bearer" else None


def _refuse(detail: str = "") -> Response:
    """Answer 401 with a challenge (RFC 6750, section 3): no error code where no token was sent."""
    challenge = 'Bearer realm="api"' + (f", {detail}" if detail else "")
    answer = jsonify(error="invalid_token") if detail else jsonify({})
    answer.status_code = 401
    answer.headers["WWW-Authenticate"] = challenge
    return answer
