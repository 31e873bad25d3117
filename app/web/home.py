"""Home: the living session, or, for a visitor, what this site is."""

from flask import Blueprint, render_template
from flask.typing import ResponseReturnValue

from app import clock
from app.identity import chains, sessions, suspicion
from app.identity.activity import Event
from app.identity.session import Standing
from app.store import prebuilt
from app.web import first_steps, guard, lifeline, session_list
from app.web.lifeline import Lane, Lifeline
from app.web.session_list import ListedSession

bp = Blueprint("home", __name__)
STROKES = 12
WARNINGS = 3
_MOST = Lane("Most sites", 0, 50, 100, 50, "alarm", "the old token is still accepted")
_HERE = Lane("This site", 0, 50, 100, 50, "ended", "the old token is refused")
_SAID = (
    "Two sessions that sign out at the same moment. On most sites the old token is still accepted until it expires. On"
    " this site it is refused from that moment on."
)
_BOTH = Lifeline((_MOST, _HERE), None, _SAID, 0, 100)


@bp.get("/")
def home() -> ResponseReturnValue:
    visit = guard.visit()
    if guard.is_confined():
        return guard.ask_for_factor()
    if visit is None:
        return render_template("web/welcome.html", line=_BOTH)
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


def _warnings(current: Standing) -> list[tuple[ListedSession, list[Event]]]:
    """Return each session of this user that has warnings, and these; this browser's first."""
    warned = sessions.warned(current.user_id)
    events = suspicion.warnings(current.user_id, warned)
    listed = session_list.build((session for session in warned if session.id in events), current)
    return [(row, events[row.id]) for row in sorted(listed, key=lambda row: not row.current)]
