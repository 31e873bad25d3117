"""Devices: where you are signed in, and an end to any of it."""

from typing import Any

from flask import Blueprint, jsonify, redirect, render_template, request
from flask.typing import ResponseReturnValue

from app import clock
from app.config import DAY
from app.identity import activity
from app.identity import session as sessions
from app.identity.session import Reason, Session
from app.web import endings, forms, guard, lifeline, rows, sign_out
from app.web.rows import Row

bp = Blueprint("devices", __name__, url_prefix="/devices")
LISTED_DAYS = 30
LISTED = 100  # ended ones at most


@bp.get("")
@guard.required
def show() -> ResponseReturnValue:
    current = guard.current().session
    live = sessions.live(current.user_id)
    over = sessions.ended(current.user_id, clock.now() - LISTED_DAYS * DAY, LISTED)
    listed = rows.build(sorted(live, key=lambda session: session.id != current.id) + over, current)
    if guard.wants_json():
        return jsonify(sessions=[rows.as_json(row) for row in listed])
    return render_template(
        "web/devices.html",
        live=listed[: len(live)],
        ended=listed[len(live) :],
        lines=lifeline.row_lines(listed, clock.now()),
        is_cut=len(over) == LISTED,
        done=_done(listed, current),
    )


@bp.post("/<sid>/end")
@guard.required
def end(sid: str) -> ResponseReturnValue:
    if sid == guard.current().session.id:
        return sign_out.leave()
    return _confirmed(f"end:{sid}", needless=endings.own(sid).reason is not None)


@bp.post("/end-others")
@guard.required
def end_others() -> ResponseReturnValue:
    return _confirmed("others")


@bp.post("/end-all")
@guard.required
def end_all() -> ResponseReturnValue:
    return _confirmed("all")


@bp.post("/<sid>/name")
@guard.required
def rename(sid: str) -> ResponseReturnValue:
    form = forms.Rename(request.form)
    endings.own(sid)
    verb = "not-renamed"
    with guard.acting() as current:
        session = sessions.lock(sid)
        if form.validate() and session and session.goes_on():
            session.name = form.name.data or None
            activity.record("session_renamed", current.user_id, session)
            verb = "renamed"
    return redirect(f"/devices?done={verb}&sid={sid}#session-{sid}", 303)


def _confirmed(action: str, *, needless: bool = False) -> ResponseReturnValue:
    """Carry out *action*, after the password is confirmed if that was too long ago."""
    if guard.current().session.is_stale() and not needless:
        return redirect(f"/confirm?action={action}", 303)
    return endings.perform(action)


def _done(listed: list[Row], current: Session) -> dict[str, Any] | None:
    """Return the result of the last action as far as the list bears it out: an address proves nothing."""
    verb, sid = request.args.get("done"), request.args.get("sid")
    if verb == "others":
        count = sessions.count_ended_by(current, Reason.ENDED_OTHERS, clock.now() - 60)
        return {"verb": verb, "sid": None, "count": count}
    over = {"ended": True, "already": True, "renamed": False, "not-renamed": False}
    if verb in over and any(row.id == sid and (row.state == "ended") == over[verb] for row in listed):
        return {"verb": verb, "sid": sid, "count": 0}
    return None
