"""What my browser holds: the cookies of its session, and each claim of its access token, explained."""

from typing import Any

import jwt
from flask import Blueprint, render_template
from flask.typing import ResponseReturnValue

from app import clock
from app.identity.session import Standing
from app.web import binding, cookies, guard, words
from app.web.guard import Visit

bp = Blueprint("holds", __name__)


@bp.get("/holds")
@guard.login_required
def show() -> ResponseReturnValue:
    visit = guard.current()
    return render_template("web/holds.html", access=_decoded(visit), cookies=_cookies(visit))


def _decoded(visit: Visit) -> dict[str, Any]:
    token = jwt.decode_complete(visit.access, options={"verify_signature": False})
    return {
        "parts": visit.access.split("."),
        "header": words.claims(token["header"], clock.now()),
        "claims": words.claims(token["payload"], clock.now()),
    }


def _cookies(visit: Visit) -> list[dict[str, Any]]:
    session = visit.session
    return [
        {
            "name": cookies.name(cookies.ACCESS),
            "holds": "the access token below",
            "attributes": cookies.attributes(),
            "until": visit.claims.exp if session.keep else None,
        },
        {
            "name": cookies.name(cookies.REFRESH),
            "holds": "a refresh token: random, good for one use, and known to the server only by its hash",
            "attributes": cookies.attributes(),
            "until": session.expires_at if session.keep else None,
        },
        *_bound(visit.session),
    ]


def _bound(session: Standing) -> list[dict[str, Any]]:
    """Describe the cookie that a bound session's browser gets for each proof."""
    found = binding.proved(session) if session.bound_at is not None else None
    if found is None:
        return []
    holds = "that this device has proved its key lately: without it, the other two are worthless"
    about = {"holds": holds, "attributes": cookies.attributes(), "until": found.until}
    return [{"name": cookies.name(cookies.BOUND), **about}]
