"""Devices: where you are signed in, and an end to any of it."""

import re
from collections.abc import Collection
from typing import Any

from flask import Blueprint, jsonify, render_template, request
from flask.typing import ResponseReturnValue

from app import clock
from app.config import DAY
from app.identity import activity, sessions
from app.identity.session import Reason, Session
from app.identity.sessions import Cursor, Over
from app.web import allowed, endings, filters, forms, guard, lifeline, once, rows, sign_out, warning
from app.web.filters import Filter
from app.web.rows import Row

bp = Blueprint("devices", __name__, url_prefix="/devices")
LISTED_DAYS = 30
PAGE = 25  # live ones on a page
ENDED_PAGE = 20
MOST = 1000  # pages
_CURSOR = re.compile(r"([0-9]{1,15})-([0-9]{1,15})")


@bp.get("")
@guard.required
def show() -> ResponseReturnValue:
    if guard.wants_json():
        current = guard.current().session
        alive = _first(current, sessions.live(current.user_id)) + sessions.apps(current.user_id)
        return _json(alive, _over(current))
    return _page()


@bp.get("/ended")
@guard.required
def show_ended() -> ResponseReturnValue:
    """Show more ended sessions: those after the place that `before` names."""
    current = guard.current().session
    over = _over(current, before=_cursor(request.args.get("before", "")))
    if guard.wants_json():
        return _json([], over)
    ended, now = rows.build(over.sessions, current), clock.now()
    scale = lifeline.row_scale(ended, now)
    lines = lifeline.row_lines(ended, now)
    return render_template("web/ended.html", ended=ended, older=_older(over), scale=scale, lines=lines)


def _json(alive: list[Session], over: Over) -> ResponseReturnValue:
    """Return one page for programs. `next`: the next page, or null."""
    listed = rows.build(alive + over.sessions, guard.current().session)
    return jsonify(sessions=[rows.as_json(row) for row in listed], next=_older(over))


def _page(refused: dict[str, Any] | None = None) -> str:
    """Show the sessions, and what the last action did, or why it was *refused*."""
    visit = guard.current()
    current, user = visit.session, visit.user
    page = max(1, request.args.get("page", 1, type=int))
    count, wanted = sessions.count_live(user.id), Filter.of(request.args)
    shown, found = _find(current, wanted, page) if wanted.is_set else (_live(current, page), count)
    is_first = page == 1 and not wanted.is_set
    over = _over(current) if is_first else Over([], None)
    apps = rows.build(sessions.apps(user.id), current)
    browsers, warnings = rows.build(shown, current), warning.build(shown, current)
    ended = rows.build(over.sessions, current)
    everything, now = [*browsers, *apps, *ended], clock.now()
    return render_template(
        "web/devices.html",
        count=count,
        live=browsers,
        apps=apps,
        ended=ended,
        called=rows.tell_apart([row for row in (*browsers, *apps) if not row.current]),
        common=rows.in_common(browsers),
        scale=lifeline.row_scale(everything, now),
        lines=lifeline.row_lines(everything, now),
        warnings=warnings,
        told=activity.told_by_mail(user.id, [row.id for row in browsers]) if user.verified_at else set(),
        older=_older(over),
        is_first=is_first,
        page=page,
        pages=-(-found // PAGE),
        wanted=wanted if count >= filters.LEAST else None,
        which=filters.WHICH,
        found=found,
        allowed=allowed.count(user.id),
        done=refused or _done(everything, current, warnings),
    )


@bp.post("/<sid>/end")
@guard.required
def end(sid: str) -> ResponseReturnValue:
    if sid == guard.current().session.id:
        return sign_out.leave()
    return endings.confirmed(f"end:{sid}", needless=endings.own(sid).reason is not None)


@bp.post("/<sid>/not-me")
@guard.required
def disown(sid: str) -> ResponseReturnValue:
    """End another person's session. It takes the same proof as an end, so a thief with copied cookies gains nothing.

    The password is asked for as if the session went on: a change of password may have given it another id.
    """
    session, current = endings.own(sid), guard.current().session
    if current.id in sessions.lineage(session):
        return sign_out.leave()
    return endings.confirmed(f"not-me:{sid}")


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
        return once.result(f"/devices?done=renamed&sid={sid}#done")


def _live(current: Session, page: int) -> list[Session]:
    live = sessions.live(current.user_id, start=min(page - 1, MOST) * PAGE, count=PAGE)
    return _first(current, live) if page == 1 else live


def _find(current: Session, wanted: Filter, page: int) -> tuple[list[Session], int]:
    """Return this page of the live sessions that fit *wanted*, and how many fit in all."""
    listed = {session.id: session for session in _first(current, sessions.live(current.user_id))}
    found = [row.id for row in rows.build(listed.values(), current) if wanted.fits(row, clock.now())]
    start = min(page - 1, MOST) * PAGE
    return [listed[sid] for sid in found[start : start + PAGE]], len(found)


def _first(current: Session, live: list[Session]) -> list[Session]:
    """Put this browser's own session first, wherever it stands among the others."""
    return [current, *(session for session in live if session.id != current.id)]


def _over(current: Session, *, before: Cursor | None = None) -> Over:
    return sessions.ended(current.user_id, clock.now() - LISTED_DAYS * DAY, ENDED_PAGE, before=before)


def _older(over: Over) -> str | None:
    return f"/devices/ended?before={over.older.at}-{over.older.opened}" if over.older else None


def _cursor(text: str) -> Cursor | None:
    """Parse what `_older` wrote. Anything else is the beginning of the list."""
    found = _CURSOR.fullmatch(text)
    return Cursor(int(found[1]), int(found[2])) if found else None


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
