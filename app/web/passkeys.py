"""The passkeys of an account: listed, added, named, removed. Adding or removing one takes a fresh proof: each is a way in."""

from flask import Blueprint, abort, redirect, render_template, request
from flask.typing import ResponseReturnValue

from app.identity import activity, browsers, demand, factors, half, passkey, users
from app.identity.passkey import Passkey
from app.identity.proof import Proof
from app.identity.users import User
from app.web import account, authenticator, ceremony, forms, guard, idempotency, next_page, sign_in
from app.web.guard import current_user

bp = Blueprint("passkeys", __name__, url_prefix="/account/passkeys")
PAGE = "/account/passkeys"


@bp.get("")
@guard.login_required
def show() -> ResponseReturnValue:
    keys = passkey.of_user(guard.current().session.user_id)
    done = next((event for event in _RESULTS if account.has_lately(event)), None)
    user = current_user
    codes = factors.count_codes(user) if demand.asks(user) and not user.has_factor else None
    return render_template(
        "web/passkeys.html",
        keys=keys,
        most=passkey.MOST_PASSKEYS,
        done=_RESULTS.get(done or ""),
        codes=codes,
        wanted=next_page.wanted(),
    )


@bp.route("/add", methods=["GET", "POST"])
@guard.without_factor
@guard.login_required
def add() -> ResponseReturnValue:
    """Add a key that was just made: its challenge is given only after a fresh proof."""
    form = forms.AddPasskey(request.form or None, data={"name": browsers.here().label})
    visit = guard.current()
    asks = visit.asks_anew() if form.credential.data else not visit.may_open_way
    if asks:
        return guard.ask_for_proof()
    done = _add(form) if form.validate_on_submit() else None
    return done or forms.page("web/passkeys_add.html", form, wanted=next_page.wanted(), hanging=sign_in.replaced())


@bp.post("/<key_id>/name")
@guard.login_required
def rename(key_id: str) -> ResponseReturnValue:
    form = forms.RenamePasskey(request.form)
    _own(key_id)
    if not form.validate():
        return redirect(PAGE, 303)
    with guard.acting() as session:
        users.lock(session.user_id)
        _own(key_id).name = forms.text(form.name)
        activity.act("passkey_renamed", session)
        return idempotency.result(f"{PAGE}?done=renamed#passkey-{key_id}")


@bp.route("/<key_id>/remove", methods=["GET", "POST"])
@guard.proved
def remove(key_id: str) -> ResponseReturnValue:
    visit, key, form = guard.current(), _own(key_id), forms.EndOthers(request.form or None)
    is_last, is_demanded = passkey.is_last_way_in(current_user, key), demand.is_last_met_by(current_user, key)
    if request.method != "POST" or is_last or is_demanded:
        return forms.page(
            "web/passkeys_remove.html",
            form,
            key=key,
            is_last=is_last,
            is_demanded=is_demanded,
            hanging=sign_in.replaced(),
        )
    with guard.acting_in_line() as session:
        owner = users.lock(session.user_id)
        key = _own(key_id)
        if not (_may_go(owner, key) and visit.suffices_for(owner)):
            return redirect(request.path, 303)  # another browser has changed it
        passkey.remove(key)
        half.forget(owner.id)
        authenticator.go_on(session, "passkey_removed", visit.proof, end_others=form.end_others.data)
        return idempotency.result(f"{PAGE}?done=removed")


def _may_go(owner: User, key: Passkey) -> bool:
    return not (passkey.is_last_way_in(owner, key) or demand.is_last_met_by(owner, key))


def _own(key_id: str) -> Passkey:
    """Return the key if it is the visitor's own; other users get 404."""
    return passkey.own(guard.current().session.user_id, key_id) or abort(404)


def _add(form: forms.AddPasskey) -> ResponseReturnValue | None:
    visit = guard.current()
    challenge = ceremony.challenge(form, ceremony.ADD)
    key = ceremony.made(form, ceremony.ADD, visit.session.user_id, forms.text(form.name))
    if challenge and key:
        with guard.acting_in_line() as session:
            owner = users.lock(session.user_id)
            if visit.suffices_for(owner) and passkey.add(key, challenge):
                authenticator.go_on(session, "passkey_added", _proof(key), end_others=form.end_others.data)
                return idempotency.result(_then(owner))
    form.credential.errors = [ceremony.WRONG]
    return None


def _proof(key: Passkey) -> Proof:
    """Return the proof of this visit; a key that verified its user when it was made adds a second factor to it."""
    known = guard.current().proof
    return Proof(known.at, passkey.VERIFIED) if key.verifies and not guard.current().has_factor else known


def _then(owner: User) -> str:
    """Redirect to the recovery codes if a lost key would lock its owner out and there are none yet."""
    wanted = next_page.arguments().get("next")
    if demand.asks(owner) and not factors.count_codes(owner):
        return next_page.address("/account/recovery-codes", wanted, done="added")
    return next_page.address(PAGE, wanted, done="added")


_RESULTS = {
    "passkey_added": "The passkey was added. From now on it signs you in. This browser stays signed in, with new tokens.",
    "passkey_removed": "The passkey was removed: it no longer signs you in. This browser stays signed in, with new tokens.",
    "passkey_renamed": "The passkey has its new name.",
}
