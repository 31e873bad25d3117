"""Sign in with a passkey, without address or password. One that has verified its user is two factors."""

from flask import Blueprint, redirect, request
from flask.typing import ResponseReturnValue

from app.identity import demand, passkey, proof, users
from app.identity.passkey import Signature
from app.identity.users import User
from app.revocation import delivery
from app.store.db import db, writing
from app.web import ceremony, forms, next_page, sign_in

bp = Blueprint("sign_in_passkey", __name__)


@bp.route("/sign-in/passkey", methods=["GET", "POST"])
def sign_in_with_passkey() -> ResponseReturnValue:
    if request.method != "POST":  # the page after a failure, reloaded
        return redirect(next_page.address("/sign-in", next_page.arguments().get("next")), 303)
    form = forms.SignInPasskey(request.form)
    sign_in.begun.check()
    delivery.check_ready()
    signature = ceremony.signature(form, ceremony.SIGN_IN)
    done = _go_on(signature, form) if signature else None
    return done or sign_in.page(forms.SignIn(data={"next": form.next.data}), wrong=ceremony.WRONG)


def _go_on(signature: Signature, form: forms.SignInPasskey) -> ResponseReturnValue | None:
    """Begin a session, or ask for a code if there is a second factor and the key did not verify its user."""
    user = db.session.get_one(User, signature.user_id)
    version, wanted, keep = user.password_version, form.next.data, form.keep.data
    sign_in.begun.spend()
    if signature.is_verified or not demand.asks(user):
        return sign_in.begin(user, version, keep=keep, wanted=wanted, prove=lambda locked: _prove(locked, signature))
    with writing():
        locked = users.lock(user.id)
        if passkey.spend(locked, signature) is None:
            return None
        return sign_in.ask_for_code(locked, amr=proof.PASSKEY, keep=keep, wanted=wanted)


def _prove(user: User, signature: Signature) -> str | None:
    how = passkey.spend(user, signature)
    return how if signature.is_verified or not demand.asks(user) else None
