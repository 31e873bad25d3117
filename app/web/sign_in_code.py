"""The second page of a sign-in: the password or the passkey was right, and a code is asked for. Until then, no session begins."""

from flask import Blueprint, redirect, request
from flask.typing import ResponseReturnValue

from app.identity import factors, half, passkey, proof
from app.identity.factors import Match
from app.identity.half import HalfSignIn
from app.identity.users import User
from app.revocation import delivery
from app.store.db import db
from app.web import cookies, factor_code, forms, next_page, sign_in

bp = Blueprint("sign_in_code", __name__)


@bp.route("/sign-in/code", methods=["GET", "POST"])
def ask() -> ResponseReturnValue:
    found = half.find(cookies.read(cookies.HALF))
    form = forms.Code(request.form or None, data={"next": next_page.wanted()})
    if found is None:
        return _start_over(form)
    done = _finish(found, form) if form.validate_on_submit() else None
    return done or _page(found, form)


def _page(found: HalfSignIn, form: forms.Code) -> ResponseReturnValue:
    """Ask for a code, or, of a user who has no app, for the passkey that is the second factor."""
    user = db.session.get_one(User, found.user_id)
    return forms.page(
        "web/sign_in_code.html",
        form,
        given=found.amr,
        keep=found.keep,
        has_app=user.has_factor,
        has_codes=user.has_factor or factors.count_codes(user) > 0,
        has_passkeys=not user.has_factor and passkey.has_verifying(user.id),
    )


def _finish(found: HalfSignIn, form: forms.Code) -> ResponseReturnValue | None:
    """Sign the user in if the code is good. The earlier proof may be void by now: then start over."""
    delivery.check_ready()
    user = db.session.get_one(User, found.user_id)
    code = factor_code.find(user, forms.text(form.code))
    if code is None:
        form.code.errors = [factor_code.WRONG]
        return None
    begun = sign_in.begin(
        user,
        found.password_version,
        keep=found.keep,
        wanted=form.next.data,
        prove=lambda locked: _prove(locked, found, code),
    )
    return begun or _start_over(form)


def _prove(user: User, found: HalfSignIn, code: Match) -> str | None:
    word = factor_code.spend(user, code)
    return proof.join(found.amr, word) if word and half.finish(found) else None


def _start_over(form: forms.Code) -> ResponseReturnValue:
    return redirect(next_page.address("/sign-in", form.next.data, late="1"), 303)
