"""Step-up: the user proves their identity again, and the act is carried out. The proof is the password; with a second
factor, a code instead, which a thief of the cookies and the password lacks; or a passkey that has verified its user.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

from flask import Blueprint, request
from flask.typing import ResponseReturnValue
from werkzeug.exceptions import Unauthorized

from app.identity import activity, demand, device, factors, passkey, proof, refresh_token
from app.identity.factors import Match
from app.identity.passkey import Signature
from app.identity.refresh_token import Tokens
from app.identity.session import Session
from app.identity.users import Account, User
from app.oauth import authorization
from app.web import attempts, ceremony, cookies, factor_code, forms, guard, next_page, step_up
from app.web.guard import Visit, current_user

bp = Blueprint("confirm", __name__)
Prove = Callable[[User], str | None]  # in the transaction: the word for what was proved, or None if it no longer is


@bp.route("/confirm", methods=["GET", "POST"])
@guard.without_factor
@guard.login_required
def confirm() -> ResponseReturnValue:
    asked = {name: next_page.arguments().get(name, "") for name in ("action", "next")}
    visit = guard.current()
    user, asks_factor = current_user, demand.asks(current_user)
    form = _kind(user)(request.form or None, data=asked)
    action = form.action.data or asked["action"]
    wanted = next_page.path(form.next.data or asked["next"] or "/devices")
    if action and visit.is_confined and not asks_factor:  # here the password alone carries out no act
        return guard.ask_for_factor()
    doing = step_up.describe(action) if action else None
    done = _act(form, action, wanted) if form.validate_on_submit() else None
    return done or forms.page(
        "web/confirm.html",
        form,
        main=_main(user)(data={"action": action, "next": wanted}) if isinstance(form, forms.ConfirmPasskey) else form,
        has_passkeys=passkey.has_any(user.id),
        doing=doing,
        wanted=wanted,
        is_app=authorization.leads_on(wanted),
        likes_factor=authorization.likes_factor(wanted),
        has_codes=user.has_factor or (asks_factor and factors.count_codes(user) > 0),
    )


def _kind(user: Account) -> type[forms.Proof]:
    return forms.ConfirmPasskey if "credential" in request.form else _main(user)


def _main(user: Account) -> type[forms.Proof]:
    """Return the form to show beside that of a passkey, which is the only one for an account without a password."""
    if demand.asks(user):
        return forms.ConfirmCode
    return forms.Confirm if user.has_some_password else forms.ConfirmPasskey


def _act(form: forms.Proof, action: str, wanted: str) -> ResponseReturnValue | None:
    """Check the proof; if it is right, give new tokens that carry it to this browser only. The same transaction carries
    out the *action*, if there is one; else lead on to the page that was *wanted*.
    """
    prove = _check(form)
    if prove is None:
        return None
    before = guard.current().claims.amr
    with step_up.acting(action) if action else guard.acting() as session:
        word = prove(session.user)
        if word is None:
            return None
        how = proof.repeat(before, word)
        if action and demand.confines(session.user, how.split()):  # the factor was removed just now
            return None
        tokens = refresh_token.prove(session, cookies.read(cookies.REFRESH), how)
        if tokens:
            activity.act("confirmed", session, amr=word)
            answer = _go_on(session, tokens, action, wanted)
    if tokens is None:
        raise Unauthorized
    return answer()


def _go_on(session: Session, tokens: Tokens, action: str, wanted: str) -> step_up.Answer:
    guard.renew(tokens)
    if action:
        device.use_up(session)
        return step_up.carry_out(session, action)
    return step_up.lead_on(wanted)


class Way(NamedTuple):
    """A way to prove one's identity. *find* checks the *field* of its form, before any lock is taken, and returns the
    right one; *spend* uses it up in the transaction, and returns the word for the proof, or None if it is no longer
    good. *failed*: the event of a failure; *wrong* and *late*: the page's words for it.
    """

    field: str
    find: Callable[[Visit, Any], Any]
    spend: Callable[[User, Any], str | None]
    failed: str
    wrong: str
    late: str


def _check(form: forms.Proof) -> Prove | None:
    """Check the proof, and record a failure."""
    way = _WAYS[type(form)]
    found = way.find(guard.current(), form)
    if found is None:
        with guard.acting() as session:
            activity.act(way.failed, session)
        form[way.field].errors = [way.wrong]
        return None

    def prove(locked: User) -> str | None:
        word = way.spend(locked, found)
        if word is None:
            form[way.field].errors = [way.late]
        return word

    return prove


def _find_passkey(visit: Visit, form: forms.ConfirmPasskey) -> Signature | None:
    """Accept a key of this account that has verified its user: a thief of the key lacks the PIN."""
    found = ceremony.signature(form, ceremony.CONFIRM)
    return found if found and found.user_id == visit.session.user_id and found.is_verified else None


def _find_password(visit: Visit, form: forms.Confirm) -> int | None:
    """Return the version of the password if it is right."""
    user, version = current_user, current_user.password_version
    is_right = attempts.confirm(visit.claims.sid, lambda: user.has_password(forms.text(form.password)))
    return version if is_right else None


def _spend_password(locked: User, version: int) -> str | None:
    return proof.PASSWORD if locked.password_version == version and not demand.asks(locked) else None


def _find_code(visit: Visit, form: forms.ConfirmCode) -> Match | None:
    return attempts.confirm_code(visit.claims.sid, lambda: factors.match(current_user, forms.text(form.code)))


_WAYS: dict[type[forms.Proof], Way] = {
    forms.Confirm: Way(
        "password",
        _find_password,
        _spend_password,
        failed="confirm_failed",
        wrong="This is not your password.",
        late="How you sign in was changed just now.",
    ),
    forms.ConfirmCode: Way(
        "code",
        _find_code,
        factor_code.spend,
        failed="code_confirm_failed",
        wrong=factor_code.WRONG,
        late=factor_code.WRONG,
    ),
    forms.ConfirmPasskey: Way(
        "credential",
        _find_passkey,
        passkey.spend,
        failed="passkey_confirm_failed",
        wrong=ceremony.WRONG,
        late=ceremony.WRONG,
    ),
}
