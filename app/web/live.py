"""Live pages: an open page learns that its session is over. To ask neither refreshes nor counts as use."""

from urllib.parse import quote

from flask import Blueprint, request
from flask.typing import ResponseReturnValue

from app.web import guard, local, sign_in

bp = Blueprint("live", __name__)


@bp.get("/live")
def live() -> ResponseReturnValue:
    """Answer 204 while the page's *session* goes on, else where the page *at* has to go."""
    at = local.path(request.args.get("at"))
    session = guard.peek()
    if session is None:
        return {"to": f"/sign-in?next={quote(at, safe='/')}" if sign_in.held() else "/signed-out"}, 401
    if session != request.args.get("session"):
        return {"to": at}, 409  # somebody else, or the same person anew
    return "", 204
