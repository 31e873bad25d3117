"""`GET /api/me`: the claims of a bearer token."""

from functools import lru_cache

from flask import Flask, Response, json
from flask.typing import ResponseReturnValue

from app.api import log, openapi
from app.identity import bearer
from app.identity.access_token import CACHED, Claims
from app.machines import Machines, for_browser_apps

bp = Machines("api", __name__, url_prefix="/api", beneath=("/api/",))


def init_app(app: Flask) -> None:
    """Add the resource, the log for monitors, and the description of all endpoints for programs."""
    for blueprint in (bp, log.bp, openapi.bp):
        app.register_blueprint(blueprint)


@bp.get("/me")
@for_browser_apps
def me() -> ResponseReturnValue:
    found = bearer.check()
    if not isinstance(found, Claims):
        return found
    return Response(_described(found), content_type="application/json")


@lru_cache(CACHED)
def _described(claims: Claims) -> bytes:
    """Return the answer, made once for each token: it repeats the claims, which the caller has checked."""
    said = {"sub": claims.sub, "sid": claims.sid, "client_id": claims.client_id, "scope": claims.scope}
    return f"{json.dumps(said)}\n".encode()
