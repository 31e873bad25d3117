"""Your data: a copy of it, and the deletion of your account."""

import json

from flask import Blueprint, Response, redirect, render_template
from flask.typing import ResponseReturnValue

from app.identity import activity
from app.web import deletion, export, guard
from app.web.guard import current_user

bp = Blueprint("own_data", __name__, url_prefix="/account")


@bp.get("/data")
@guard.login_required
def show() -> ResponseReturnValue:
    visit = guard.current()
    refusal = deletion.refusal(current_user)
    return render_template("web/own_data.html", parts=export.PARTS, is_stale=visit.is_stale, refusal=refusal)


@bp.get("/export")
@guard.login_required
def download() -> ResponseReturnValue:
    """Return the copy, after a step-up: it holds more than the pages, and a thief would want it."""
    if guard.current().asks_again():
        return redirect(f"/confirm?next={deletion.PAGE}", 303)
    with guard.acting() as session:
        activity.act("data_exported", session)
    document = json.dumps(export.of(current_user), indent=2, ensure_ascii=False)
    named = {"Content-Disposition": 'attachment; filename="signed-out-account.json"'}
    return Response(document + "\n", content_type="application/json", headers=named)


@bp.get("/export/schema")
def schema() -> ResponseReturnValue:
    """Return what the copy holds, as a JSON Schema."""
    return Response(json.dumps(export.schema(), indent=2) + "\n", content_type="application/schema+json")


@bp.post("/delete")
@guard.login_required
def delete() -> ResponseReturnValue:
    """Ask for a proof of identity, however fresh the last one is: a copy of the cookies has that one, too."""
    return redirect("/confirm?action=delete", 303)
