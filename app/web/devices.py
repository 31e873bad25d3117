"""The devices page: list, name and end sessions."""

import re
from collections.abc import Collection, Sequence
from functools import partial
from typing import Any

from flask import Blueprint, jsonify, redirect, render_template, request
from flask.typing import ResponseReturnValue
from werkzeug.exceptions import NotFound

from app import clock
from app.config import DAY
from app.identity import activity, browsers, sessions, suspicion
from app.identity.session import SITE, Reason, Session, Standing
from app.identity.sessions import Cursor, Over
from app.oauth import consent
from app.store import prebuilt
from app.store.db import db
from app.web import allowed_apps, forms, guard, idempotency, lifeline, session_filter, session_list, step_up
from app.web.session_filter import Filter
from app.web.session_list import ListedSession
from app.web.sign_out import browser
from app.web.step_up import Answer

bp = Blueprint("devices", __name__, url_prefix="/devices")
LISTED_DAYS = 30
PAGE_SIZE = 25  # live ones on a page
ENDED_PAGE = 20
MOST_PAGES = 1000  # pages
_CURSOR = re.compile(r"([0-9]{1,15})-([0-9]{1,15})")


@bp.get("")
@guard.login_required
def show() -> ResponseReturnValue:
    if guard.wants_json():
        current = guard.current().session
        alive = [*_first(current, sessions.live(current.user_id)), *sessions.apps(current.user_id)]
        return _json(alive, _over(current))
    return _page()


@bp.get("/ended")
@guard.login_required
def show_ended() -> ResponseReturnValue:
    """Show more ended sessions: those after the place that `before` names."""
    current = guard.current().session
    over = _over(current, before=_cursor(request.args.get("before", "")))
    if guard.wants_json():
        return _json([], over)
    ended, now = session_list.build(over.sessions, current), clock.now()
    scale = lifeline.row_scale(ended, now)
    lines = lifeline.row_lines(ended, now)
    return render_template("web/ended.html", ended=ended, older=_older(over), scale=scale, lines=lines)


@bp.get("/<string(minlength=16):sid>")  # longer than the verbs beside it, which take no GET
@guard.login_required
def find(sid: str) -> ResponseReturnValue:
    """Redirect to the line of a session, on the page of the lists that holds it."""
    found, current = own(sid), guard.current().session
    if found.parent and found.holder is not None:
        found = found.parent
    return redirect(f"{_listed_on(found, current)}#session-{sid}", 303)


def _listed_on(found: Standing, current: Standing) -> str:
    """Return the page that lists *found*."""
    if found.goes_on():
        before = [session.id for session in sessions.live(current.user_id)]
        page = 1 + before.index(found.id) // PAGE_SIZE if found.id in before else 1
        return f"/devices?page={page}" if page > 1 and found.id != current.id else "/devices"
    if found.id in {session.id for session in _over(current).sessions}:
        return "/devices"
    return f"/devices/ended?before={found.ended_at}-{found.opened + 1}"


def _json(alive: Sequence[Standing], over: Over) -> ResponseReturnValue:
    """Return one page for programs. `next`: the next page, or null."""
    listed = session_list.build([*alive, *over.sessions], guard.current().session)
    return jsonify(sessions=[session_list.as_json(row) for row in listed], next=_older(over))


def _page(refused: dict[str, Any] | None = None, form: forms.Rename | None = None) -> str:
    """Show the sessions, and what the last action did, or why it was *refused*."""
    visit = guard.current()
    current, user = visit.session, visit.user
    page, wanted = max(1, request.args.get("page", 1, type=int)), Filter.of(request.args)
    is_first = page == 1 and not wanted.is_set
    with prebuilt.reading():
        count, held = sessions.count_live(user.id), sessions.apps(user.id)
        listed, found = _find(current, wanted, page) if wanted.is_set else (_live(current, page), count)
        over = _over(current) if is_first else Over([], None)
        told = activity.told_by_mail(user.id) if user.verified_at else set()
        allowed = allowed_apps.count(user.id, held)
    apps = session_list.build(held, current)
    live, warnings = session_list.build(listed, current), suspicion.warnings(user.id, listed)
    ended = session_list.build(over.sessions, current)
    everything, now = [*live, *apps, *ended], clock.now()
    scale = lifeline.row_scale(everything, now)
    return render_template(
        "web/devices.html",
        count=count,
        live=live,
        apps=apps,
        ended=ended,
        called=session_list.tell_apart([row for row in (*live, *apps) if not row.current]),
        common=session_list.in_common(live),
        scale=scale,
        lines=lifeline.row_lines(everything, now) if scale else {},
        warnings=warnings,
        told=told,
        older=_older(over),
        is_first=is_first,
        page=page,
        pages=-(-found // PAGE_SIZE),
        wanted=wanted if count >= session_filter.LEAST_SESSIONS else None,
        which=session_filter.WHICH,
        found=found,
        allowed=allowed,
        done=refused or _done(everything, current, warnings),
        form=form,
    )


@bp.post("/<sid>/end")
@guard.login_required
def end(sid: str) -> ResponseReturnValue:
    if sid == guard.current().session.id:
        return browser.sign_out()
    return step_up.request(f"end:{sid}", needless=own(sid).reason is not None)


@bp.post("/<sid>/not-me")
@guard.login_required
def disown(sid: str) -> ResponseReturnValue:
    """End another person's session. It takes the same proof as an end, so a thief with copied cookies gains nothing.

    The password is asked for as if the session went on: a change of password may have given it another id.
    """
    session, current = own(sid), guard.current().session
    if current.id in sessions.lineage(session):
        return browser.sign_out()
    return step_up.request(f"not-me:{sid}")


@bp.post("/<sid>/mine")
@guard.login_required
def answer(sid: str) -> ResponseReturnValue:
    """Take "It was me" for an answer. A thief of the cookies would say so too, so the proof must be newer than the warning."""
    found = own(sid)
    warned_at = [event.at for event in suspicion.warnings(found.user_id, [found]).get(sid, [])]
    seen = request.form.get("seen", 0, type=int)
    return step_up.request(f"mine:{sid}:{seen}", needless=not warned_at, since=max(warned_at, default=0))


@bp.post("/end-others")
@guard.login_required
def end_others() -> ResponseReturnValue:
    return step_up.request("others")


@bp.post("/end-all")
@guard.login_required
def end_all() -> ResponseReturnValue:
    return step_up.request("all")


@bp.post("/<sid>/name")
@guard.login_required
def rename(sid: str) -> ResponseReturnValue:
    form = forms.Rename(request.form)
    own(sid)
    if not form.validate():
        return _page({"verb": "not-renamed", "sid": sid, "why": form.name.errors[0]}, form), 422
    with guard.acting() as current:
        session = sessions.lock(sid)
        if session and session.goes_on():
            session.name = form.name.data or None
            activity.record("session_renamed", current.user_id, session)
        return idempotency.result(f"/devices?done=renamed&sid={sid}#done")


def own(sid: str) -> Session:
    """Return the session if it is the visitor's own; for other users it does not exist."""
    session = db.session.get(Session, sid)
    if session is None or session.user_id != guard.current().session.user_id:
        raise NotFound
    return session


def _live(current: Standing, page: int) -> Sequence[Standing]:
    live = sessions.live(current.user_id, start=min(page - 1, MOST_PAGES) * PAGE_SIZE, count=PAGE_SIZE)
    return _first(current, live) if page == 1 else live


def _find(current: Standing, wanted: Filter, page: int) -> tuple[Sequence[Standing], int]:
    """Return this page of the live sessions that fit *wanted*, and how many fit in all."""
    listed = {session.id: session for session in _first(current, sessions.live(current.user_id))}
    found = [row.id for row in session_list.build(listed.values(), current) if wanted.fits(row, clock.now())]
    start = min(page - 1, MOST_PAGES) * PAGE_SIZE
    return [listed[sid] for sid in found[start : start + PAGE_SIZE]], len(found)


def _first(current: Standing, live: Sequence[Standing]) -> Sequence[Standing]:
    """Put this browser's own session first, wherever it stands among the others."""
    return [current, *(session for session in live if session.id != current.id)]


def _over(current: Standing, *, before: Cursor | None = None) -> Over:
    return sessions.ended(current.user_id, clock.now() - LISTED_DAYS * DAY, ENDED_PAGE, before=before)


def _older(over: Over) -> str | None:
    return f"/devices/ended?before={over.older.at}-{over.older.opened}" if over.older else None


def _cursor(text: str) -> Cursor | None:
    """Parse what `_older` wrote. Anything else is the beginning of the list."""
    found = _CURSOR.fullmatch(text)
    return Cursor(int(found[1]), int(found[2])) if found else None


def _done(listed: list[ListedSession], current: Standing, warnings: Collection[str]) -> dict[str, Any] | None:
    """Return the result of the last action, if the list confirms it: an address proves nothing."""
    verb, sid = request.args.get("done"), request.args.get("sid")
    if verb == "others":
        count = sessions.count_ended_by(current, Reason.ENDED_OTHERS, clock.now() - 60)
        return {"verb": verb, "sid": None, "count": count}
    over = {"ended": True, "already": True, "renamed": False, "answered": sid in warnings}
    if verb in over and any(row.id == sid and (row.state == "ended") == over[verb] for row in listed):
        return {"verb": verb, "sid": sid, "count": 0}
    return None


def _end(current: Session, sid: str) -> Answer:
    verb, session = "already", _locked(current, sid)
    if session and session.end(Reason.ENDED_ELSEWHERE, actor=current.id):
        activity.record("session_ended" if session.client_id == SITE else "app_ended", current.user_id, session)
        verb = "ended"
    _take_back(session)
    return step_up.lead_on(f"/devices?done={verb}&sid={sid}#done")


def _disown(current: Session, sid: str) -> Answer:
    """End another person's session, also under the id that a change of password gave it since.

    That person may know the password, so the answer leads to a new one.
    """
    session = _locked(current, sid)
    if session and sessions.end_lineage(session, Reason.NOT_ME, actor=current.id):
        activity.record("not_me", current.user_id, session, browser=browsers.here())
    _take_back(session)
    return step_up.lead_on(f"/account/password?not-me={sid}")


def _answer_warning(current: Session, about: str) -> Answer:
    """Record that the uses from a new place, as far as the owner saw them, were the owner's."""
    sid, _, seen = about.partition(":")
    session = _locked(current, sid)
    if session and session.goes_on():
        suspicion.answer(session, int(seen) if seen.isascii() and seen.isdigit() and len(seen) < 20 else 0)
    return step_up.lead_on(f"/devices?done=answered&sid={sid}#done")


def _end_others(current: Session, _about: str) -> Answer:
    if sessions.end_others(current, Reason.ENDED_OTHERS):
        activity.act("others_ended", current)
    return step_up.lead_on("/devices?done=others")


def _end_all(current: Session, _about: str) -> Answer:
    count = sessions.end_all(current.user_id, Reason.ENDED_EVERYWHERE, actor=current.id)
    consent.withdraw_all(current.user_id)
    activity.act("everywhere_ended", current)
    idempotency.note(current.id, count=count)
    return lambda: browser.show_end_of_all(current.id, ended=count)


def _locked(current: Session, sid: str) -> Session | None:
    """Return the visitor's own session, locked, or None if a purge has removed it since it was found."""
    session = sessions.lock(sid)
    if session and session.user_id != current.user_id:
        raise NotFound
    return session


def _take_back(session: Session | None) -> None:
    if session and session.client_id != SITE:
        consent.withdraw(session.user_id, session.client_id)


def _describe_one(words: str, about: str) -> str:
    session = own(about.partition(":")[0])
    row = session_list.build([session], session)[0]
    return words.format(title=row.title, which=session_list.called_apart(row))


step_up.register("end", describe=partial(_describe_one, "End {which}"), perform=_end)
step_up.register("not-me", describe=partial(_describe_one, "End {which}, which was not you"), perform=_disown)
step_up.register(
    "mine",
    describe=partial(_describe_one, "Say that it was you who used {title} from a new place"),
    perform=_answer_warning,
)
step_up.register(
    "others", describe="End your other sessions", perform=_end_others, acting=lambda _about: guard.acting_in_line()
)
step_up.register("all", describe="Sign out everywhere", perform=_end_all)
