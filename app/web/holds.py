"""What my browser holds: the cookies of its session, and each claim of its access token, explained."""

import json
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
    claims = jwt.decode(visit.access, options={"verify_signature": False})
    return {
        "parts": visit.access.split("."),
        "header": jwt.get_unverified_header(visit.access),
        "claims": claims,
        "json": json.dumps(claims, indent=2),
        "words": [(name, value, _meaning(name, value)) for name, value in claims.items()],
    }


def _meaning(name: str, value: Any) -> str:
    now = clock.now()
    return {
        "iss": "issued by this site",
        "aud": "meant for this site's own API",
        "sub": "about you, by an id that says nothing else",
        "client_id": "given to this site's own pages",
        "scope": "for this session only",
        "sid": f"session {words.shorten(str(value))}: what Sign Out ends",
        "jti": "the id of this one token",
        "link": "which renewal it came with",
        "auth_time": f"you proved who you are {words.ago(value, now) if name == 'auth_time' else ''}",
        "amr": f"you proved it by {words.proof(value) if name == 'amr' else ''}",
        "acr": "how many factors you used",
        "opened": f"your session is entry {value} of the revocation log",
        "iat": f"issued {words.ago(value, now) if name == 'iat' else ''}",
        "status": "where a verifier that cannot ask us finds out whether it is over",
        "exp": f"expires {words.until(value, now) if name == 'exp' else ''}",
    }.get(name, "")


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
