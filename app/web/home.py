"""Home: the living session, or, for a visitor, what this site is."""

import json
from typing import Any

import jwt
from flask import Blueprint, render_template
from flask.typing import ResponseReturnValue

from app import clock
from app.identity import refresh_token, sessions
from app.identity.session import Session
from app.web import cookies, guard, lifeline, rows, warning, words
from app.web.guard import Visit
from app.web.warning import Warning

bp = Blueprint("home", __name__)
STROKES = 12
WARNINGS = 3


@bp.get("/")
def home() -> ResponseReturnValue:
    visit = guard.visit()
    if visit is None:
        return render_template("web/welcome.html")
    chain = refresh_token.chain(visit.session.id, STROKES)
    strokes = [(link.issued_at, link.access_expires_at) for link in reversed(chain)]
    return render_template(
        "web/home.html",
        session=rows.build([visit.session], visit.session)[0],
        line=lifeline.session_line(visit.session, strokes, clock.now()),
        access=_decoded(visit),
        access_expires_at=visit.claims.exp,
        refreshed_at=chain[0].issued_at if chain else visit.claims.iat,
        refreshes=refresh_token.rotations(visit.session.id),
        cookies=_cookies(visit),
        warnings=_warnings(visit.session),
        most=WARNINGS,
    )


def _warnings(current: Session) -> list[Warning]:
    """Return the warnings about all sessions of this person, that about this one first."""
    found = warning.build(sessions.warned(current.user_id), current)
    return sorted(found.values(), key=lambda one: not one.current)


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
        "jti": "this one token's own id",
        "link": "which renewal it came with",
        "auth_time": f"you proved who you are {words.ago(value, now) if name == 'auth_time' else ''}",
        "amr": f"you proved it by {words.proof(value) if name == 'amr' else ''}",
        "acr": "how many factors that were",
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
    ]
