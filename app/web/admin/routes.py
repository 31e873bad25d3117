"""The pages of an administrator."""

from flask import Blueprint, render_template, request
from flask.typing import ResponseReturnValue

from app.web.admin import acts, authority, people, reports

bp = Blueprint("admin", __name__, url_prefix="/admin")
bp.before_request(authority.admit)


@bp.get("")
def search() -> ResponseReturnValue:
    found = people.search(request.args.get("q", ""), request.args.get("before", ""))
    shown = {"found": found, "reuse": reports.reuse(), "failed": reports.failed_deliveries()}
    return render_template("admin/index.html", most_devices=people.MOST_DEVICES, **shown)


@bp.get("/people/<user_id>")
def show(user_id: str) -> ResponseReturnValue:
    return render_template("admin/person.html", **people.about(authority.person(user_id)))


@bp.post("/people/<user_id>/sessions/<sid>/end")
def end(user_id: str, sid: str) -> ResponseReturnValue:
    return acts.ask("end", user_id, sid)


@bp.post("/people/<user_id>/end-all")
def end_all(user_id: str) -> ResponseReturnValue:
    return acts.ask("all", user_id)


@bp.post("/people/<user_id>/recover")
def recover(user_id: str) -> ResponseReturnValue:
    return acts.ask("recover", user_id)


@bp.post("/people/<user_id>/disable")
def disable(user_id: str) -> ResponseReturnValue:
    return acts.ask("disable", user_id)


@bp.post("/people/<user_id>/enable")
def enable(user_id: str) -> ResponseReturnValue:
    return acts.ask("enable", user_id)
