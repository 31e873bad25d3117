"""The account page: its apps, and a change of its password."""

from urllib.parse import quote

from flask import Blueprint, redirect, render_template, request
from flask.typing import ResponseReturnValue
from werkzeug.exceptions import BadRequest
from werkzeug.wrappers import Response

from app import clock
from app.capacity.throttle import Throttle, TooManyMails
from app.identity import (
    activity,
    browsers,
    demand,
    emails,
    factors,
    mail_address,
    passkey,
    passwords,
    refresh_token,
    sessions,
    users,
)
from app.identity.proof import PASSWORD, Proof
from app.identity.session import Reason, Session
from app.identity.users import Account
from app.oauth import clients, consent
from app.store import prebuilt
from app.web import allowed_apps, attempts, forms, guard, idempotency, session_list, step_up
from app.web.guard import current_user
from app.web.session_list import ListedSession
from app.web.step_up import Answer

bp = Blueprint("account", __name__, url_prefix="/account")
DONE_SECONDS = 60
NEWEST_EVENTS = 10  # events
_RESULTS = ("app_disallowed", "address_asked", "name_changed")
mails = Throttle("mails by account", "10 per 1 hour", TooManyMails)


@bp.get("")
@guard.login_required
def show() -> ResponseReturnValue:
    user = guard.current().user
    asks_factor = demand.asks(user)
    codes = factors.count_codes(user) if asks_factor else 0
    with prebuilt.reading():
        apps, passkeys = allowed_apps.build(user.id), passkey.count(user.id)
    return render_template(
        "web/account.html",
        apps=apps,
        codes=codes,
        asks_factor=asks_factor,
        passkeys=passkeys,
        done=next(filter(has_lately, _RESULTS), None),
    )


@bp.route("/name", methods=["GET", "POST"])
@guard.login_required
def name() -> ResponseReturnValue:
    form = forms.NewName(request.form or None, obj=current_user)
    if not form.validate_on_submit():
        return forms.page("web/name.html", form)
    with guard.acting() as session:
        users.lock(session.user_id).name = forms.text(form.name)
        activity.act("name_changed", session)
        return idempotency.result("/account?done=name")


@bp.route("/email", methods=["GET", "POST"])
@guard.login_required
def email() -> ResponseReturnValue:
    """Change the address. The page asks for the password each time, as an address is a way in."""
    form = forms.NewAddress(request.form or None, current_user)
    if not form.validate_on_submit():
        return forms.page("web/email.html", form)
    action = quote(f"address:{forms.text(form.email)}", safe=":@")
    return redirect(f"/confirm?action={action}&next=/account", 303)


@bp.post("/email/verify")
@guard.login_required
def verify() -> ResponseReturnValue:
    """Send the link that verifies the address again."""
    with guard.acting() as session:
        _count_mail(session.user_id)
        owner = users.lock(session.user_id)
        if owner.verified_at is None and owner.lost is None:
            mail_address.ask_proof(owner)
            activity.act("address_asked", session)
        return idempotency.result("/account?done=address")


@bp.post("/apps/<client_id>/end")
@guard.login_required
def end_app(client_id: str) -> ResponseReturnValue:
    return step_up.request(f"app:{client_id}")


@bp.route("/password", methods=["GET", "POST"])
@guard.login_required
def password() -> ResponseReturnValue:
    visit = guard.current()
    has_password = current_user.has_some_password
    proves_first = demand.asks(current_user) or not has_password
    is_fresh = has_password or visit.may_open_way  # a first password is another way in
    if proves_first and (not is_fresh or visit.asks_again(is_act=request.method == "POST")):
        return guard.ask_for_proof()
    form = (forms.ChangePassword if has_password else forms.AddPassword)(request.form or None, current_user)
    done = _change(form) if form.validate_on_submit() else None
    return done or _password_page(form)


def _password_page(form: forms.AddPassword) -> ResponseReturnValue:
    user_id, done = current_user.id, has_lately("password_changed")
    has_apps, lasting = allowed_apps.count(user_id, sessions.apps(user_id)) > 0, sessions.has_lasting(user_id)
    return forms.page("web/password.html", form, has_apps=has_apps, lasting=lasting, done=done, disowned=_disowned())


def _disowned() -> ListedSession | None:
    """Return the session that `not-me` names, if it has ended: the query alone proves nothing."""
    current, sid = guard.current().session, request.args.get("not-me", "")
    found = [session for session in sessions.named(current.user_id, {sid}) if session.reason is not None]
    return session_list.build(found, current)[0] if found else None


def has_lately(what: str) -> bool:
    """Return whether this page shows the result of a recent act: its address alone proves nothing."""
    newest = activity.latest(current_user.id, NEWEST_EVENTS) if "done" in request.args else []
    return any(event.event == what and clock.now() - event.at < DONE_SECONDS for event in newest)


def _change(form: forms.AddPassword) -> Response | None:
    visit = guard.current()
    user, version = current_user, current_user.password_version
    if isinstance(form, forms.ChangePassword) and not _is_current(form, user):
        return None
    hashed = passwords.hash(forms.text(form.password))
    with guard.acting_in_line() as session:
        owner = users.lock(user.id)
        if owner.password_version != version or (demand.asks(owner) and not visit.has_factor):
            form.password.errors = ["How you sign in was changed just now, from elsewhere."]
            return None
        owner.set_password(hashed)
        if form.end_others.data:
            sessions.end_others(session, Reason.PASSWORD_CHANGED)
        if form.end_apps.data:
            _end_all_apps(session)
        renewed = session.renew(browsers.here())
        activity.act("password_changed", renewed)
        is_proved = isinstance(form, forms.ChangePassword) and not demand.asks(owner)
        known = Proof(clock.now(), PASSWORD) if is_proved else visit.proof
        guard.renew(refresh_token.issue(renewed, proof=known))
        return idempotency.result("/account/password?done=changed")


def _is_current(form: forms.ChangePassword, user: Account) -> bool:
    """Check the password that is to be replaced."""
    is_right = attempts.confirm(guard.current().claims.sid, lambda: user.has_password(forms.text(form.current)))
    if not is_right:
        with guard.acting() as session:
            activity.act("confirm_failed", session)
        form.current.errors = ["This is not your password."]
    return is_right


def _end_all_apps(session: Session) -> None:
    ended = sessions.end_apps(session, Reason.PASSWORD_CHANGED)
    if consent.withdraw_all(session.user_id) or ended:
        activity.act("apps_disallowed", session)


def _end_app(current: Session, client_id: str) -> Answer:
    """Withdraw the consent to one app, and end all its sessions."""
    ended = sessions.end_apps(current, Reason.ENDED_ELSEWHERE, client_id=client_id)
    if consent.withdraw(current.user_id, client_id) or ended:
        activity.act("app_disallowed", current)
    return step_up.lead_on("/account?done=disallowed#apps")


def _ask_for_address(current: Session, typed: str) -> Answer:
    """Send the links by which another address is confirmed."""
    _count_mail(current.user_id)
    mail_address.ask_change(users.lock(current.user_id), _read(typed))
    activity.act("address_asked", current)
    return step_up.lead_on("/account?done=address")


def _count_mail(user_id: str) -> None:
    mails.check(user_id)
    mails.count(user_id)


def _read(typed: str) -> str:
    """Return the address that was typed. Raises BadRequest if it is none."""
    try:
        emails.check(typed)
    except ValueError as problem:
        raise BadRequest from problem
    if len(typed) > emails.LONGEST_ADDRESS:
        raise BadRequest
    return typed.strip()


step_up.register(
    "app",
    describe=lambda client_id: f"Take back what you allowed {clients.names([client_id])[client_id]}",
    perform=_end_app,
    acting=lambda _client_id: guard.acting_in_line(),
)
step_up.register("address", describe=lambda typed: f"Ask for {_read(typed)} as your address", perform=_ask_for_address)
