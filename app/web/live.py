"""Live pages: an open page learns that its session is over. Its questions neither refresh nor count as use."""

from flask import request
from flask.typing import ResponseReturnValue

from app import clock
from app.identity.session import Reason, Session
from app.machines import Machines
from app.store.db import db
from app.web import guard, next_page
from app.web.presented_tokens import PresentedTokens

bp = Machines("live", __name__, reads_cookies=True)
PATH = "/live"
ANSWER_SECONDS = 10  # within which the answer to a sign-out has come, or never will


@bp.get(PATH)
def live() -> ResponseReturnValue:
    """Answer 204 while the page's *session* goes on, else where the page *at* has to go.

    202 if this browser itself has just ended it: leaving now would cancel the redirect under way.
    """
    at = next_page.path(request.args.get("at"))
    session = guard.peek()
    if session is None:
        tokens = PresentedTokens.here()
        if any(_has_just_ended(session.id) for session in tokens.sessions()):
            return "", 202
        # The answer does not tell whether they are our tokens.
        return {"to": next_page.address("/sign-in", at) if tokens else "/signed-out"}, 401
    if session != request.args.get("session"):
        return {"to": at}, 409  # another user signed in here, or the same one again
    return "", 204


def _has_just_ended(sid: str) -> bool:
    """Return whether this browser has just ended the session by signing out or in: its new cookies are on their way."""
    session = db.session.get(Session, sid)
    ending = session.ending if session else None
    if ending is None or clock.now() - ending.at >= ANSWER_SECONDS:
        return False
    return ending.actor == sid or ending.reason == Reason.REPLACED
