"""Activity: what happened to this account."""

from flask import Blueprint, render_template
from flask.typing import ResponseReturnValue

from app.identity import activity
from app.web import browsers, guard

bp = Blueprint("activity", __name__)


@bp.get("/activity")
@guard.required
def show() -> ResponseReturnValue:
    current = guard.current().session
    events = [
        {
            "at": event.at,
            "event": event.event,
            "label": browsers.describe(event.user_agent).label if event.user_agent else None,
            "address": event.address,
            "here": event.session_id == current.id,
        }
        for event in activity.latest(current.user_id)
    ]
    return render_template("web/activity.html", events=events)
