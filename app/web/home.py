"""Home: the living session, or, for a visitor, what this site is."""

from flask import Blueprint, render_template
from flask.typing import ResponseReturnValue

from app import clock
from app.identity import chains, sessions
from app.identity.session import Standing
from app.store import prebuilt
from app.web import first_steps, guard, lifeline, session_list, warning
from app.web.warning import Warning

bp = Blueprint("home", __name__)
STROKES = 12
WARNINGS = 3


@bp.get("/")
def home() -> ResponseReturnValue:
    visit = guard.visit()
    if guard.is_confined():
        return guard.ask_for_factor()
    if visit is None:
        return render_template("web/welcome.html")
    current, user = visit.session, visit.user
    with prebuilt.reading():
        chain, refreshes = chains.newest(current.id, STROKES), chains.rotations(current.id)
        steps, warnings = first_steps.build(user), _warnings(current)
    strokes = [(link.issued_at, link.access_expires_at) for link in reversed(chain)]
    return render_template(
        "web/home.html",
        session=session_list.build([current], current)[0],
        line=lifeline.session_line(current, strokes, clock.now()),
        access_expires_at=visit.claims.exp,
        refreshed_at=chain[0].issued_at if chain else visit.claims.iat,
        refreshes=refreshes,
        steps=steps,
        warnings=warnings,
        most=WARNINGS,
    )


def _warnings(current: Standing) -> list[Warning]:
    """Return the warnings about all sessions of this person, that about this one first."""
    found = warning.build(sessions.warned(current.user_id), current)
    return sorted(found.values(), key=lambda one: not one.current)
