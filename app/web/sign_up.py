"""Sign up: a new account, and its first session."""

from collections.abc import Callable

from flask import Blueprint, request
from flask.typing import ResponseReturnValue

from app.capacity.throttle import PlaceThrottle, Quota
from app.identity import activity, browsers, mail_address, passwords, users
from app.identity.users import User
from app.revocation import delivery
from app.store.db import db, writing
from app.web import forms, mailbox, next_page, sign_in

bp = Blueprint("sign_up", __name__)
TAKEN = "This address has an account already. Sign in instead."
made = Quota("sign-ups by place", "500 per 1 hour")
_taken = PlaceThrottle("sign-ups of a taken address", "30 per 10 minutes")


@bp.route("/sign-up", methods=["GET", "POST"])
def sign_up() -> ResponseReturnValue:
    if request.method != "POST":
        return page("web/sign_up.html", forms.SignUp(next_page.arguments()))
    form = forms.SignUp(request.form)
    done = _create(form) if form.validate() else None
    return done or page("web/sign_up.html", form)


def page(template: str, form: forms.SignUp | forms.SignUpPasskey) -> ResponseReturnValue:
    return forms.page(template, form, replaced=sign_in.replaced(), is_taken=says_taken(form))


def _create(form: forms.SignUp) -> ResponseReturnValue | None:
    _taken.check()
    made.check()
    delivery.check_ready()
    return start(form, passwords.hash(forms.text(form.password)))


def start(
    form: forms.SignUp | forms.SignUpPasskey,
    hashed: str,
    user_id: str | None = None,
    prove: Callable[[User], str | None] = sign_in.by_password,
) -> ResponseReturnValue | None:
    """Make the account and begin its first session. None if the address is taken, or *prove* fails: then nothing is made."""
    with writing():
        user = users.sign_up(forms.text(form.email), forms.text(form.name), hashed, user_id)
        if user:
            made.spend()  # if it is one too many, nothing is made
            activity.record("signed_up", user.id, browser=browsers.here())
            mail_address.ask_proof(user)
            mail = mailbox.give(user)
            begun = sign_in.begin(
                user, user.password_version, keep=False, wanted=form.next.data, is_first=True, mail=mail, prove=prove
            )
            if begun is None:
                db.session.rollback()
            return begun
    _refuse(form)
    return None


def is_taken(form: forms.SignUpPasskey) -> bool:
    """Return whether the address has an account, and say so in the form. Raises TooManyRequests."""
    _taken.check()
    taken = users.find(forms.text(form.email)) is not None
    if taken:
        _refuse(form)
    return taken


def _refuse(form: forms.SignUp | forms.SignUpPasskey) -> None:
    _taken.count()
    form.email.errors = [TAKEN]


def says_taken(form: forms.SignUp | forms.SignUpPasskey) -> bool:
    """Return whether the form says that the address is taken."""
    return bool(form.email.errors) and TAKEN in form.email.errors
