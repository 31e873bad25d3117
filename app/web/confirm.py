"""Step-up: prove again who you are; then what was asked for is done."""

from flask import Blueprint, redirect, render_template, request
from flask.typing import ResponseReturnValue
from werkzeug.exceptions import Unauthorized

from app.db import writing
from app.identity import activity, refresh_token
from app.web import attempts, cookies, endings, forms, guard, local

bp = Blueprint("confirm", __name__)


@bp.route("/confirm", methods=["GET", "POST"])
@guard.required
def confirm() -> ResponseReturnValue:
    asked = {name: local.arguments().get(name, "") for name in ("action", "next")}
    form = forms.Confirm(request.form or None, data=asked)
    action = form.action.data or asked["action"]
    wanted = local.path(form.next.data or asked["next"] or "/devices")
    doing = endings.describe(action) if action else None
    if request.method == "POST" and form.validate() and _prove(form):
        return endings.perform(action) if action else redirect(wanted, 303)
    status = 422 if request.method == "POST" else 200
    return render_template(
        "web/confirm.html", form=form, doing=doing, back=None if wanted == "/devices" else "/"
    ), status


def _prove(form: forms.Confirm) -> bool:
    """Check the password; if it is right, give this browser, and no other holder of its tokens, new ones that say so."""
    visit = guard.current()
    user = visit.user
    version = user.password_version
    if not attempts.confirm(visit.claims.sid, lambda: user.has_password(forms.text(form.password))):
        with writing():
            activity.act("confirm_failed", visit.session)
        form.password.errors = ["This is not your password."]
        return False
    with guard.acting() as session:
        if session.user.password_version != version:
            form.password.errors = ["Your password was changed just now."]
            return False
        tokens = refresh_token.prove(session, cookies.read(cookies.REFRESH))
        if tokens:
            activity.act("confirmed", session)
    if tokens is None:
        raise Unauthorized
    guard.renew(tokens)
    return True
