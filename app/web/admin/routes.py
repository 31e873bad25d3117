"""The pages of an administrator."""

from flask import Blueprint, render_template, request
from flask.typing import ResponseReturnValue

from app.web.admin import acts, authority, people, reports

bp = Blueprint("admin", __name__, url_prefix="/admin")
bp.before_request(authority.admit)


@bp.get("")
def search() -> ResponseReturnValue:
    found = people.search(request.args.get("q", ""), request.args.get("before", ""))
    return render_template("admin/index.html", found=found, most_devices=people.MOST_DEVICES, **reports.latest())


@bp.get("/people/<user_id>")
def show(user_id: str) -> ResponseReturnValue:
    return render_template("admin/person.html", **people.about(authority.person(user_id)))


@bp.post("/people/<user_id>/sessions/<sid>/end")
def end(user_id: str, sid: str) -> ResponseReturnValue:
    return acts.ask("end", user_id, sid)


@bp.post("/people/<user_id>/end-all", defaults={"verb": "all"})
@bp.post("/people/<user_id>/recover", defaults={"verb": "recover"})
@bp.post("/people/<user_id>/disable", defaults={"verb": "disable"})
@bp.post("/people/<user_id>/enable", defaults={"verb": "enable"})
def ask(user_id: str, verb: str) -> ResponseReturnValue:
    return acts.ask(verb, user_id)
