"""The account, and a change of its password."""

from flask import Blueprint, redirect, render_template, request
from flask.typing import ResponseReturnValue

from app import admission, clock
from app.db import writing
from app.identity import activity, browsers, refresh_token, sessions
from app.identity import password as passwords
from app.identity import user as users
from app.identity.session import Reason, Session
from app.web import attempts, forms, guard

bp = Blueprint("account", __name__, url_prefix="/account")
DONE_SECONDS = 60
NEWEST = 10  # events


@bp.get("")
@guard.required
def show() -> ResponseReturnValue:
    return render_template("web/account.html")


@bp.route("/password", methods=["GET", "POST"])
@guard.required
def password() -> ResponseReturnValue:
    form = forms.ChangePassword(request.form or None, guard.current().user)
    if request.method == "POST" and form.validate() and _change(form):
        return redirect("/account/password?done=changed", 303)
    status = 422 if request.method == "POST" else 200
    return render_template("web/password.html", form=form, done="done" in request.args and _was_changed()), status


def _was_changed() -> bool:
    """Return whether the password was changed a moment ago: an address proves nothing."""
    newest = activity.latest(guard.current().user.id, NEWEST)
    return any(event.event == "password_changed" and clock.now() - event.at < DONE_SECONDS for event in newest)


def _change(form: forms.ChangePassword) -> bool:
    visit = guard.current()
    user, version = visit.user, visit.user.password_version
    if not attempts.confirm(visit.claims.sid, lambda: user.has_password(forms.text(form.current))):
        with writing():
            activity.record("confirm_failed", user.id, visit.session, address=browsers.here().address)
        form.current.errors = ["This is not your password."]
        return False
    hashed = passwords.hash(forms.text(form.password))
    with admission.turn("endings"), guard.acting() as session:
        owner = users.lock(user.id)
        if owner.password_version != version:
            form.current.errors = ["Your password was changed just now, from elsewhere."]
            return False
        owner.set_password(hashed)
        if form.end_others.data:
            sessions.end_others(session, Reason.PASSWORD_CHANGED)
        activity.record("password_changed", user.id, session)
        tokens = refresh_token.issue(_replace(session))
    guard.renew(tokens)
    return True


def _replace(session: Session) -> Session:
    """End this browser's session too and begin a new one in its place, which goes on with the name and history.

    Copies of the old cookies are worth nothing from here on: only an entry of the log ends access tokens at once.
    """
    session.end(Reason.REPLACED, actor=session.id)
    begun = Session.start(session.user, browsers.here(), keep=session.keep, name=session.name)
    begun.began_at, begun.places = session.began_at, session.places
    session.hand_on(begun)
    return begun
