"""Sign up: a new account, and its first session."""

from flask import Blueprint, redirect, render_template, request
from flask.typing import ResponseReturnValue

from app.db import writing
from app.identity import activity, address, browsers
from app.identity import password as passwords
from app.identity import user as users
from app.revocation import delivery
from app.throttle import PlaceThrottle, Quota
from app.web import forms, local, mailbox, sign_in

bp = Blueprint("sign_up", __name__)
TAKEN = "This address has an account already. Sign in instead."
_made = Quota("sign-ups by place", "500 per 1 hour")
_taken = PlaceThrottle("sign-ups of a taken address", "30 per 10 minutes")


@bp.route("/sign-up", methods=["GET", "POST"])
def sign_up() -> ResponseReturnValue:
    if request.method == "GET":
        return _page(forms.SignUp(local.arguments()))
    form = forms.SignUp(request.form)
    if not form.validate():
        return _page(form), 422
    return _create(form)


def _create(form: forms.SignUp) -> ResponseReturnValue:
    _taken.check()
    _made.check()
    delivery.check_ready()
    hashed = passwords.hash(forms.text(form.password))
    with writing():
        user = users.sign_up(forms.text(form.email), forms.text(form.name), hashed)
        if user:
            _made.spend()  # if it is one too many, nothing is made
            activity.record("signed_up", user.id, browser=browsers.here())
            address.ask_proof(user)
            mail = mailbox.give(user)
            begun = sign_in.begin(
                user, user.password_version, keep=False, wanted=form.next.data, is_first=True, mail=mail
            )
            return begun or redirect("/sign-in", 303)
    _taken.count()
    form.email.errors = [TAKEN]
    return _page(form), 422


def _page(form: forms.SignUp) -> str:
    return render_template(
        "web/sign_up.html",
        form=form,
        replaced=sign_in.replaced(),
        is_taken=bool(form.email.errors) and TAKEN in form.email.errors,
    )
