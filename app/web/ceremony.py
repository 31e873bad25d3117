"""Passkeys in pages: the options for the script, and the response in the form.

The options come with a cookie for this purpose only: without it, no signature is accepted.
"""

import json
from collections.abc import Callable

from flask import Blueprint, abort, jsonify, request
from flask.typing import ResponseReturnValue

from app.identity import challenges, mail_address, passkey
from app.identity.passkey import Passkey, Signature
from app.web import cookies, cross_origin, forms, guard, sign_up
from app.web.guard import current_user

bp = Blueprint("ceremony", __name__, url_prefix="/passkeys")
bp.before_request(cross_origin.check)
SIGN_IN, SIGN_UP, CONFIRM, ADD, RECOVER = "sign-in", "sign-up", "confirm", "add", "recover"
WRONG = "That did not work: the page was open for too long, or this passkey is not one that it takes. Try again."


@bp.post("/ask/<purpose>")
@guard.without_factor
def ask(purpose: str) -> ResponseReturnValue:
    """Return the options for the browser. Writes nothing."""
    describe = _ASKS.get(purpose)
    if describe is None or not passkey.are_possible():
        abort(404)
    if purpose in (CONFIRM, ADD) and guard.visit() is None:
        abort(401)
    secret, stamp = cookies.read(cookies.CEREMONY) or challenges.new_secret(), challenges.new_stamp()
    challenge = challenges.of(secret, stamp, _about(purpose, request.form.get("token", "")))
    answer = jsonify(stamp=stamp, options=json.loads(describe(challenge or b"")))
    cookies.put(answer, cookies.CEREMONY, secret, seconds=challenges.SECONDS)
    return answer


def challenge(form: forms.Signed, purpose: str, token: str = "") -> bytes | None:
    """Return the challenge that this browser got for the page of *form*, or None if it has expired.

    *token*: of the link, on a link's page.
    """
    return challenges.of(cookies.read(cookies.CEREMONY), forms.text(form.stamp), _about(purpose, token))


def signature(form: forms.Signed, purpose: str, token: str = "") -> Signature | None:
    """Return the signature that came with *form*, or None if it is not valid. Nothing is used up."""
    asked = challenge(form, purpose, token)
    return passkey.check(forms.text(form.credential), asked) if asked else None


def made(form: forms.Signed, purpose: str, user_id: str, name: str) -> Passkey | None:
    """Return the new key that came with *form*, not yet stored, or None if it is not valid."""
    asked, verified = challenge(form, purpose), _must_verify(purpose)
    return passkey.make(user_id, forms.text(form.credential), asked, name, verified=verified) if asked else None


def _must_verify(purpose: str) -> bool:
    """Return whether a new key must verify its user: it is the only way in, or the second factor that is demanded."""
    return purpose == SIGN_UP or guard.current().is_confined


def _about(purpose: str, token: str) -> str:
    """Return the purpose of a challenge: one session, or one link."""
    if purpose in (CONFIRM, ADD):
        return f"{purpose} {guard.current().claims.sid}"
    return f"{purpose} {token}" if purpose == RECOVER else purpose


def _confirm(challenge: bytes) -> str:
    return passkey.ask_to_sign(challenge, guard.current().session.user_id)


def _recover(challenge: bytes) -> str:
    owner = mail_address.recovering(request.form.get("token", "")) or abort(422)
    return passkey.ask_to_sign(challenge, owner.id)


def _add(challenge: bytes) -> str:
    """Refuse without a fresh proof, for which the page asks first: the key would not be added."""
    if not guard.current().may_open_way:
        abort(422)
    user = current_user
    return passkey.ask_to_make(user.id, user.email, user.name, challenge, verified=_must_verify(ADD))


def _sign_up(challenge: bytes) -> str:
    """Refuse a form with errors, which the page then shows: the key would have no account."""
    form = forms.SignUpPasskey(request.form)
    if not form.validate() or sign_up.is_taken(form):
        abort(422)
    owner = passkey.new_owner(challenge)
    return passkey.ask_to_make(
        owner, forms.text(form.email), forms.text(form.name), challenge, verified=_must_verify(SIGN_UP)
    )


_ASKS: dict[str, Callable[[bytes], str]] = {
    SIGN_IN: passkey.ask_to_sign,
    SIGN_UP: _sign_up,
    CONFIRM: _confirm,
    ADD: _add,
    RECOVER: _recover,
}
