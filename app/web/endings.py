"""What can be ended once it is certain who asks: one session, the others, or everything; and what an administrator can."""

from flask import redirect
from flask.typing import ResponseReturnValue
from werkzeug.exceptions import BadRequest, NotFound

from app.db import db
from app.identity import activity, sessions
from app.identity.session import SITE, Reason, Session
from app.oauth import consent
from app.web import guard, rows, sign_out
from app.web.admin import acts


def perform(action: str) -> ResponseReturnValue:
    """Carry out `others`, `all`, `end:` and a session's id, or `admin:` and an act of an administrator."""
    verb, _, sid = action.partition(":")
    if verb == "admin":
        return acts.perform(sid)
    if verb == "end":
        return _end_one(sid)
    return _end_everything() if verb == "all" else _end_others()


def describe(action: str) -> str:
    """Say in words what *action* will end. Raises BadRequest if it is none of ours, NotFound if not the visitor's."""
    verb, _, sid = action.partition(":")
    if verb == "admin":
        return acts.describe(sid)
    if verb == "end":
        session = own(sid)
        return f"End {rows.build([session], session)[0].title}"
    found = {"others": "End your other sessions", "all": "Sign out everywhere"}.get(action)
    if found is None:
        raise BadRequest
    return found


def own(sid: str) -> Session:
    """Return the session if it is the visitor's own; to anybody else it does not exist."""
    session = db.session.get(Session, sid)
    if session is None or session.user_id != guard.current().session.user_id:
        raise NotFound
    return session


def _end_one(sid: str) -> ResponseReturnValue:
    own(sid)
    verb = "already"
    with guard.acting() as current:
        session = sessions.lock(sid)
        if session and session.end(Reason.ENDED_ELSEWHERE, actor=current.id):
            activity.record("session_ended" if session.client_id == SITE else "app_ended", current.user_id, session)
            verb = "ended"
        if session and session.client_id != SITE:
            consent.withdraw(session.user_id, session.client_id)
    return redirect(f"/devices?done={verb}&sid={sid}#session-{sid}", 303)


def _end_others() -> ResponseReturnValue:
    with guard.acting() as current:
        if sessions.end_others(current, Reason.ENDED_OTHERS):
            activity.record("others_ended", current.user_id, current)
    return redirect("/devices?done=others", 303)


def _end_everything() -> ResponseReturnValue:
    with guard.acting() as current:
        count = sessions.end_all(current.user_id, Reason.ENDED_EVERYWHERE, actor=current.id)
        activity.record("everywhere_ended", current.user_id, current)
    return sign_out.farewell(ended=count)
