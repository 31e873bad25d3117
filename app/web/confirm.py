"""Step-up: prove again who you are; then what was asked for is done."""

from flask import Blueprint, render_template, request
from flask.typing import ResponseReturnValue
from werkzeug.exceptions import Unauthorized

from app.db import writing
from app.identity import activity, refresh_token
from app.identity.refresh_token import Tokens
from app.identity.session import Session
from app.web import attempts, cookies, endings, forms, guard, local, once

bp = Blueprint("confirm", __name__)


@bp.route("/confirm", methods=["GET", "POST"])
@guard.required
def confirm() -> ResponseReturnValue:
    asked = {name: local.arguments().get(name, "") for name in ("action", "next")}
    form = forms.Confirm(request.form or None, data=asked)
    action = form.action.data or asked["action"]
    wanted = local.path(form.next.data or asked["next"] or "/devices")
    doing = endings.describe(action) if action else None
    done = _act(form, action, wanted) if request.method == "POST" and form.validate() else None
    if done:
        return done
    status = 422 if request.method == "POST" else 200
    return render_template(
        "web/confirm.html", form=form, doing=doing, back=None if wanted == "/devices" else "/"
    ), status


def _act(form: forms.Confirm, action: str, wanted: str) -> ResponseReturnValue | None:
    """Check the password; if it is right, give this browser, and no other holder of its tokens, new ones that say so.

    The same transaction carries out the *action*, if one was asked for. Without one, lead on to the page that was *wanted*.
    """
    visit = guard.current()
    user = visit.user
    version = user.password_version
    if not attempts.confirm(visit.claims.sid, lambda: user.has_password(forms.text(form.password))):
        with writing():
            activity.act("confirm_failed", visit.session)
        form.password.errors = ["This is not your password."]
        return None
    with endings.acting(action) as session:
        if session.user.password_version != version:
            form.password.errors = ["Your password was changed just now."]
            return None
        tokens = refresh_token.prove(session, cookies.read(cookies.REFRESH))
        if tokens:
            answer = _go_on(session, tokens, action, wanted)
    if tokens is None:
        raise Unauthorized
    return answer()


def _go_on(session: Session, tokens: Tokens, action: str, wanted: str) -> endings.Then:
    activity.act("confirmed", session)
    guard.renew(tokens)
    if action:
        return endings.carry_out(session, action)
    done = once.result(wanted)
    return lambda: done
