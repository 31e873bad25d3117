"""Devices: where you are signed in, and an end to any of it."""

from collections.abc import Collection
from typing import Any

from flask import Blueprint, jsonify, render_template, request
from flask.typing import ResponseReturnValue

from app import clock
from app.config import DAY
from app.identity import activity, sessions
from app.identity.session import Reason, Session
from app.web import allowed, endings, forms, guard, lifeline, once, rows, sign_out, warning
from app.web.rows import Row

bp = Blueprint("devices", __name__, url_prefix="/devices")
LISTED_DAYS = 30
LISTED = 100  # ended ones at most
PAGE = 25  # live ones on a page
MOST = 1000  # pages


@bp.get("")
@guard.required
def show() -> ResponseReturnValue:
    if guard.wants_json():
        current = guard.current().session
        alive = _first(current, sessions.live(current.user_id)) + sessions.apps(current.user_id)
        everything = rows.build(alive + _over(current), current)
        return jsonify(sessions=[rows.as_json(row) for row in everything])
    return _page()


def _page(refused: dict[str, Any] | None = None) -> str:
    """Show the sessions, and what the last action did, or why it was *refused*."""
    current = guard.current().session
    page = max(1, request.args.get("page", 1, type=int))
    live = sessions.live(current.user_id, start=min(page - 1, MOST) * PAGE, count=PAGE)
    over = _over(current) if page == 1 else []
    apps = rows.build(sessions.apps(current.user_id), current)
    shown = _first(current, live) if page == 1 else live
    browsers, warnings = rows.build(shown, current), warning.build(shown, current)
    ended = rows.build(over, current)
    count = sessions.count_live(current.user_id)
    return render_template(
        "web/devices.html",
        count=count,
        live=browsers,
        apps=apps,
        ended=ended,
        lines=lifeline.row_lines([*browsers, *apps, *ended], clock.now()),
        warnings=warnings,
        is_cut=len(over) == LISTED,
        page=page,
        pages=-(-count // PAGE),
        allowed=allowed.count(current.user_id),
        done=refused or _done([*browsers, *apps, *ended], current, warnings),
    )


@bp.post("/<sid>/end")
@guard.required
def end(sid: str) -> ResponseReturnValue:
    if sid == guard.current().session.id:
        return sign_out.leave()
    return endings.confirmed(f"end:{sid}", needless=endings.own(sid).reason is not None)


@bp.post("/<sid>/mine")
@guard.required
def answer(sid: str) -> ResponseReturnValue:
    """Say "It was me". Whoever copied the cookies would say so too, so the password has to have come after the warning."""
    since = warning.newest(endings.own(sid))
    seen = request.form.get("seen", 0, type=int)
    return endings.confirmed(f"mine:{sid}:{seen}", needless=since is None, since=since or 0)


@bp.post("/end-others")
@guard.required
def end_others() -> ResponseReturnValue:
    return endings.confirmed("others")


@bp.post("/end-all")
@guard.required
def end_all() -> ResponseReturnValue:
    return endings.confirmed("all")


@bp.post("/<sid>/name")
@guard.required
def rename(sid: str) -> ResponseReturnValue:
    form = forms.Rename(request.form)
    endings.own(sid)
    if not form.validate():
        return _page({"verb": "not-renamed", "sid": sid, "why": form.name.errors[0]}), 422
    with guard.acting() as current:
        session = sessions.lock(sid)
        if session and session.goes_on():
            session.name = form.name.data or None
            activity.record("session_renamed", current.user_id, session)
        return once.result(f"/devices?done=renamed&sid={sid}#session-{sid}")


def _first(current: Session, live: list[Session]) -> list[Session]:
    """Put this browser's own session first, wherever it stands among the others."""
    return [current, *(session for session in live if session.id != current.id)]


def _over(current: Session) -> list[Session]:
    return sessions.ended(current.user_id, clock.now() - LISTED_DAYS * DAY, LISTED)


def _done(listed: list[Row], current: Session, warnings: Collection[str]) -> dict[str, Any] | None:
    """Return the result of the last action as far as the list bears it out: an address proves nothing."""
    verb, sid = request.args.get("done"), request.args.get("sid")
    if verb == "others":
        count = sessions.count_ended_by(current, Reason.ENDED_OTHERS, clock.now() - 60)
        return {"verb": verb, "sid": None, "count": count}
    over = {"ended": True, "already": True, "renamed": False, "answered": sid in warnings}
    if verb in over and any(row.id == sid and (row.state == "ended") == over[verb] for row in listed):
        return {"verb": verb, "sid": sid, "count": 0}
    return None
