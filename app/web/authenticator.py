"""The authenticator app of an account and its recovery codes: added, removed, made again. Each takes a fresh proof."""

import json
from typing import Any

import segno
from flask import Blueprint, redirect, render_template, request
from flask.typing import ResponseReturnValue

from app import clock
from app.config import settings
from app.crypto import seal
from app.identity import activity, browsers, demand, factors, passkey, proof, refresh_token, sessions, totp, users
from app.identity.proof import Proof
from app.identity.session import Reason, Session
from app.identity.users import Account
from app.web import account, attempts, factor_code, forms, guard, idempotency, next_page, sign_in
from app.web.guard import current_user

bp = Blueprint("authenticator", __name__, url_prefix="/account")
PAGE, KEYS = "/account/authenticator", "/account/passkeys"
DRAFT_SECONDS = 30 * 60  # to find a phone, and to write ten codes down
_LATE = "This page was open for too long. Here is a new one."


@bp.route("/authenticator", methods=["GET", "POST"])
@guard.without_factor
@guard.proved
def turn_on() -> ResponseReturnValue:
    user = current_user
    if user.has_factor:
        done = account.has_lately("factor_added")
        codes, has_passkeys = factors.count_codes(user), passkey.has_verifying(user.id)
        return render_template(
            "web/authenticator.html", codes=codes, done=done, has_passkeys=has_passkeys, wanted=next_page.wanted()
        )
    form = forms.TurnOn(request.form or None)
    draft = _opened(form, user) if request.method == "POST" else None
    if not (draft or guard.current().may_open_way):  # with the key, a thief with copied cookies could confirm later
        return guard.ask_for_proof()
    response = _turn_on(form, draft) if draft and form.validate() else None
    return response or _draw(form, draft or {"secret": totp.new_secret(), "codes": factors.new_codes()})


@bp.route("/authenticator/remove", methods=["GET", "POST"])
@guard.proved
def turn_off() -> ResponseReturnValue:
    visit = guard.current()
    form, is_demanded = forms.EndOthers(request.form or None), demand.is_last_met_by(current_user)
    if request.method != "POST" or is_demanded:
        return _ask_to_turn_off(form, is_demanded=is_demanded)
    with guard.acting_in_line() as session:
        owner = users.lock(session.user_id)
        # Nothing to remove, or added since by another browser, or the last one that is demanded.
        if not (owner.has_factor and visit.has_factor) or demand.is_last_met_by(owner):
            return redirect(request.path, 303)
        factors.turn_off(owner)
        go_on(session, "factor_removed", visit.proof, end_others=form.end_others.data)
        return idempotency.result("/account/authenticator/remove?done=removed")


@bp.route("/recovery-codes", methods=["GET", "POST"])
@guard.proved
def make_codes() -> ResponseReturnValue:
    user = current_user
    if not demand.asks(user):
        return redirect(PAGE, 303)
    form, done = forms.NewCodes(request.form or None), account.has_lately("codes_made")
    draft = _opened(form, user) if request.method == "POST" else None
    if draft:
        with guard.acting() as session:
            factors.replace_codes(session.user, draft["codes"])
            activity.act("codes_made", session)
            return idempotency.result(next_page.address("/account/recovery-codes", next_page.wanted(), done="made"))
    if not (done or guard.current().may_open_way):
        return guard.ask_for_proof()
    codes, left = factors.new_codes(), factors.count_codes(user)
    form.draft.data = _sealed(user, {"codes": codes})
    return forms.page(
        "web/recovery_codes.html",
        form,
        codes=codes,
        left=left,
        done=done,
        added=account.has_lately("passkey_added"),
        wanted=next_page.wanted(),
        back=PAGE if user.has_factor else KEYS,
    )


def _ask_to_turn_off(form: forms.EndOthers, *, is_demanded: bool) -> ResponseReturnValue:
    return forms.page(
        "web/authenticator_remove.html",
        form,
        done=account.has_lately("factor_removed"),
        is_demanded=is_demanded,
        asks=demand.asks(current_user),
        hanging=sign_in.replaced(),
    )


def _turn_on(form: forms.TurnOn, draft: dict[str, Any]) -> ResponseReturnValue | None:
    """Require the app from now on, if the typed code is its code."""
    visit, typed = guard.current(), forms.text(form.code).replace(" ", "")
    step = attempts.confirm_code(visit.claims.sid, lambda: totp.step(draft["secret"], typed, clock.now()))
    if step is None:
        form.code.errors = [f"{factor_code.WRONG} Check that the clock of your phone is right."]
        return None
    with guard.acting_in_line() as session:
        owner = users.lock(session.user_id)
        if owner.has_factor or not visit.suffices_for(owner):
            return redirect(PAGE, 303)
        factors.turn_on(owner, draft["secret"], step, draft["codes"])
        known = Proof(visit.claims.auth_time, proof.repeat(visit.claims.amr, proof.CODE))
        go_on(session, "factor_added", known, end_others=form.end_others.data)
        return idempotency.result(next_page.address(PAGE, next_page.wanted(), done="added"))


def go_on(session: Session, event: str, known: Proof, *, end_others: bool) -> None:
    """Go on in a new session, as after a change of password: copies of this one's tokens end here."""
    if end_others:
        sessions.end_others(session, Reason.FACTOR_CHANGED)
    renewed = session.renew(browsers.here())
    activity.act(event, renewed)
    guard.renew(refresh_token.issue(renewed, proof=known))


def _draw(form: forms.TurnOn, draft: dict[str, Any]) -> ResponseReturnValue:
    user = current_user
    if request.method == "POST" and not form.errors:
        form.code.errors = [_LATE]
    form.draft.data = _sealed(user, draft)
    secret = draft["secret"]
    qr = segno.make(totp.address(secret, account=user.email, site="Signed Out"), error="m", micro=False)
    return forms.page(
        "web/authenticator_add.html",
        form,
        qr=qr.svg_inline(dark="#000", light="#fff", omitsize=True, svgclass="qr"),
        secret=" ".join(secret[start : start + 4] for start in range(0, len(secret), 4)),
        codes=draft["codes"],
        action=next_page.leading_to(request.path, next_page.wanted()),
        hanging=sign_in.replaced(),
        has_passkeys=passkey.has_verifying(user.id),
    )


def _sealed(user: Account, draft: dict[str, Any]) -> str:
    """Return the draft for the page's form, sealed: the site stores nothing before the form is sent."""
    content = json.dumps({"until": clock.now() + DRAFT_SECONDS, **draft})
    return seal.close(settings().secret_key, _purpose(user), content).hex()


def _opened(form: forms.TurnOn | forms.NewCodes, user: Account) -> dict[str, Any] | None:
    try:
        opened = seal.reveal(settings().secret_key, _purpose(user), bytes.fromhex(form.draft.data or ""))
    except ValueError:
        return None
    draft: dict[str, Any] = json.loads(opened) if opened else {"until": 0}
    return draft if clock.now() < draft["until"] else None


def _purpose(user: Account) -> str:
    return f"what {request.path} showed in {guard.current().session.origin} of {user.id}"
