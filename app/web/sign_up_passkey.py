"""Sign up with a passkey and no password. The key must verify its user: it is the only way in."""

from flask import Blueprint, request
from flask.typing import ResponseReturnValue

from app.identity import browsers, passkey
from app.identity.passkey import Passkey
from app.revocation import delivery
from app.web import ceremony, forms, next_page, sign_up

bp = Blueprint("sign_up_passkey", __name__)
_PAGE = "web/sign_up_passkey.html"


@bp.route("/sign-up/passkey", methods=["GET", "POST"])
def sign_up_with_passkey() -> ResponseReturnValue:
    if request.method != "POST":
        return sign_up.page(_PAGE, forms.SignUpPasskey(next_page.arguments()))
    form = forms.SignUpPasskey(request.form)
    done = _create(form) if form.validate() and not sign_up.is_taken(form) else None
    return done or sign_up.page(_PAGE, form)


def _create(form: forms.SignUpPasskey) -> ResponseReturnValue | None:
    sign_up.made.check()
    delivery.check_ready()
    challenge = ceremony.challenge(form, ceremony.SIGN_UP)
    owner, name = passkey.new_owner(challenge or b""), browsers.here().label
    key = ceremony.made(form, ceremony.SIGN_UP, owner, name)
    done = sign_up.start(form, "", owner, prove=lambda _: _prove(key, challenge)) if challenge and key else None
    if done is None and not sign_up.says_taken(form):
        form.credential.errors = [ceremony.WRONG]
    return done


def _prove(key: Passkey, challenge: bytes) -> str | None:
    return passkey.VERIFIED if passkey.add(key, challenge) else None
