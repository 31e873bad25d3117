"""`GET /api/me`: what a bearer token stands for."""

from flask import Blueprint
from flask.typing import ResponseReturnValue

from app.identity import bearer
from app.identity.access_token import Claims

bp = Blueprint("api", __name__, url_prefix="/api")


@bp.get("/me")
def me() -> ResponseReturnValue:
    found = bearer.check()
    if not isinstance(found, Claims):
        return found
    return {"sub": found.sub, "sid": found.sid, "client_id": found.client_id, "scope": found.scope}
