"""Step-up: prove again who you are; then what was asked for is done.

It takes the password; with a second factor, a code instead, which a thief of the cookies and the password lacks; or a
passkey that has verified its user.
"""

from collections.abc import Callable

from flask import Blueprint, render_template, request
from flask.typing import ResponseReturnValue
from werkzeug.exceptions import Unauthorized

from app.identity import activity, device, factors, passkey, proof, refresh_token
from app.identity.refresh_token import Tokens
from app.identity.session import Session
from app.identity.user import User
from app.oauth import authorization
from app.web import attempts, ceremony, cookies, endings, forms, guard, local, once, second

bp = Blueprint("confirm", __name__)
Asked = forms.Confirm | forms.ConfirmCode | forms.ConfirmPasskey
Prove = Callable[[User], str | None]  # in the transaction: the word for what was proved, or None if it no longer is


@bp.route("/confirm", methods=["GET", "POST"])
@guard.required
def confirm() -> ResponseReturnValue:
    asked = {name: local.arguments().get(name, "") for name in ("action", "next")}
    user = guard.current().user
    form = _kind(user)(request.form or None, data=asked)
    action = form.action.data or asked["action"]
    wanted = local.path(form.next.data or asked["next"] or "/devices")
    doing = endings.describe(action) if action else None
    done = _act(form, action, wanted) if request.method == "POST" and form.validate() else None
    if done:
        return done
    status = 422 if request.method == "POST" else 200
    return render_template(
        "web/confirm.html",
        form=form,
        main=_main(user)(data={"action": action, "next": wanted}) if isinstance(form, forms.ConfirmPasskey) else form,
        has_passkeys=passkey.has_any(user.id),
        doing=doing,
        wanted=wanted,
        is_app=authorization.leads_on(wanted),
        likes_factor=authorization.likes_factor(wanted),
    ), status


def _kind(user: User) -> type[Asked]:
    return forms.ConfirmPasskey if "credential" in request.form else _main(user)


def _main(user: User) -> type[Asked]:
    """Return the form to show beside that of a passkey, which is the only one for an account without a password."""
    if user.has_factor:
        return forms.ConfirmCode
    return forms.Confirm if user.has_some_password else forms.ConfirmPasskey


def _act(form: Asked, action: str, wanted: str) -> ResponseReturnValue | None:
    """Check what was given; if it is right, give this browser, and no other holder of its tokens, new ones that say so.

    The same transaction carries out the *action*, if one was asked for. Without one, lead on to the page that was *wanted*.
    """
    prove = _check(form)
    if prove is None:
        return None
    before = guard.current().claims.amr
    with endings.acting(action) as session:
        word = prove(session.user)
        if word is None:
            return None
        how = proof.repeat(before, word)
        tokens = refresh_token.prove(session, cookies.read(cookies.REFRESH), how)
        if tokens:
            activity.act("confirmed", session, amr=word)
            answer = _go_on(session, tokens, action, wanted)
    if tokens is None:
        raise Unauthorized
    return answer()


def _go_on(session: Session, tokens: Tokens, action: str, wanted: str) -> endings.Then:
    guard.renew(tokens)
    if action:
        device.use_up(session)
        return endings.carry_out(session, action)
    done = once.result(wanted)
    return lambda: done


def _check(form: Asked) -> Prove | None:
    if isinstance(form, forms.ConfirmPasskey):
        return _check_passkey(form)
    return _check_code(form) if isinstance(form, forms.ConfirmCode) else _check_password(form)


def _check_passkey(form: forms.ConfirmPasskey) -> Prove | None:
    """Accept a key of this account that has verified its user: a thief of the key lacks the PIN."""
    user_id, signature = guard.current().session.user_id, ceremony.signature(form, ceremony.CONFIRM)
    if signature is None or signature.user_id != user_id or not signature.is_verified:
        _record("passkey_confirm_failed")
        form.credential.errors = [ceremony.WRONG]
        return None

    def prove(locked: User) -> str | None:
        how = passkey.spend(locked, signature)
        if how is None:
            form.credential.errors = [ceremony.WRONG]
        return how

    return prove


def _check_password(form: forms.Confirm) -> Prove | None:
    visit = guard.current()
    user, version = visit.user, visit.user.password_version
    if not attempts.confirm(visit.claims.sid, lambda: user.has_password(forms.text(form.password))):
        _record("confirm_failed")
        form.password.errors = ["This is not your password."]
        return None

    def prove(locked: User) -> str | None:
        if locked.password_version == version and not locked.has_factor:
            return proof.PASSWORD
        form.password.errors = ["How you sign in was changed just now."]
        return None

    return prove


def _check_code(form: forms.ConfirmCode) -> Prove | None:
    visit = guard.current()
    found = attempts.confirm_code(visit.claims.sid, lambda: factors.match(visit.user, forms.text(form.code)))
    if found is None:
        _record("code_confirm_failed")
        form.code.errors = [second.WRONG]
        return None

    def prove(locked: User) -> str | None:
        word = second.spend(locked, found)
        if word is None:
            form.code.errors = [second.WRONG]
        return word

    return prove


def _record(failure: str) -> None:
    with guard.acting() as session:
        activity.act(failure, session)
