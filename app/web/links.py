"""The pages behind links in mails: each tells what its button does. Opening one changes nothing."""

from collections.abc import Callable, Collection
from functools import partial
from typing import Any

from flask import Blueprint, render_template, request
from flask.typing import ResponseReturnValue
from werkzeug.datastructures import MultiDict
from werkzeug.wrappers import Response
from wtforms import Form

from app import clock
from app.config import DAY, settings
from app.identity import (
    activity,
    browsers,
    demand,
    factors,
    half,
    letters,
    mail_address,
    passkey,
    passwords,
    sessions,
    users,
)
from app.identity.session import Reason
from app.identity.users import User
from app.mail import links, outbox
from app.mail.links import Link, Purpose
from app.oauth import consent
from app.revocation import delivery
from app.store.db import db, writing
from app.web import ceremony, factor_code, forms, guard, idempotency, sign_in

bp = Blueprint("links", __name__)
AT_ONCE = 5  # seconds; one transaction writes a notice and the fact that it reports
UNDONE_SECONDS = DAY
SHOWN_SECONDS = 10 * 60  # a link that was used says what it did
Acted = ResponseReturnValue | None
Spend = Callable[[User], str | None]  # in the transaction: what was proved, or None if it no longer is


@bp.get("/links/<token>")
def show(token: str) -> ResponseReturnValue:
    link = links.find(token)
    user = _owner(link)
    if link is None or user is None:
        return _dead()
    if link.spent_at is not None:
        is_fresh = clock.now() - link.spent_at < SHOWN_SECONDS
        return render_template("web/link_done.html", link=link, user=user, **_outcome(link)) if is_fresh else _dead()
    return _page(token, link, user) if _is_good(link, user) else _dead()


@bp.post("/links/<token>")
def spend(token: str) -> ResponseReturnValue:
    link = links.find(token)
    user = _owner(link)
    if link is None or user is None or not _is_good(link, user):
        return _dead(409)
    form = _form(link, user, request.form)
    if form is not None and not form.validate():
        return _page(token, link, user, form), 422
    return _DOES[Purpose(link.purpose)](token, link, user, form) or _dead(409)


def _owner(link: Link | None) -> User | None:
    user = db.session.get(User, link.user_id) if link else None
    return user if user and user.disabled_at is None else None


def _is_good(link: Link, user: User) -> bool:
    """Return whether the link is open and its account still as it was when the link was made."""
    if link.purpose == Purpose.RECOVER:
        return link.is_open and mail_address.is_current(link, user)
    if link.purpose == Purpose.CLAIM:
        return link.is_open and user.verified_at is None and user.lost is None
    return link.is_open


def _verify(token: str, link: Link, user: User, _form: Any) -> Acted:
    with writing():
        if not (mail_address.lock(link.address, user.id) and link.spend()):
            return None
        owner = users.lock(user.id)
        had = owner.email
        losers = mail_address.take(owner, link.address)
        if losers is None:
            return _taken()
        _take_back(losers)
        activity.record("address_verified" if owner.email == had else "address_changed", owner.id)
        return idempotency.result(f"/links/{token}")


def _move(token: str, link: Link, user: User, _form: Any) -> Acted:
    """Confirm for one of two addresses; the second confirmation changes the address."""
    new = link.about or ""
    with writing():
        if not (mail_address.lock(new, user.id) and link.spend()):
            return None
        other, owner = links.twin(link), users.lock(user.id)
        if other is None or other.about != new:
            return None
        if other.spent_at is not None:
            old = owner.email
            losers = mail_address.take(owner, new)
            if losers is None:
                return _taken()
            _take_back(losers)
            activity.record("address_changed", owner.id)
            outbox.post(letters.moved(owner.name, new, settings().site_url), old, owner.id)
        return idempotency.result(f"/links/{token}")


def _recover(token: str, link: Link, user: User, form: Any) -> Acted:
    """Set the new password, and end every session and app, before the page answers. Factors stay as they are."""
    spend = _find_second(token, user)
    if spend is None and demand.asks(user):
        return _page(token, link, user, form, is_wrong=True), 422
    hashed = _hash(form)
    with writing():
        owner = users.lock(user.id)
        if not (mail_address.is_current(link, owner) and _suffices(owner, spend)):
            return None  # what was noted of a key that counts backwards stays
        if not link.spend():
            db.session.rollback()
            return None
        owner.set_password(hashed)
        links.withdraw(owner.id, (Purpose.RECOVER,), but=link)
        _end_all(owner.id, Reason.RECOVERED)
        activity.record("recovered", owner.id, browser=browsers.here())
        response = idempotency.result(f"/links/{token}")
    guard.forget_visitor()
    return response


def _find_second(token: str, user: User) -> Spend | None:
    """Return a function that uses up the second factor that recovery asks for, or None if no valid one was given.

    A passkey that has verified its user does as well as a code.
    """
    if not demand.asks(user):
        return None
    if "credential" in request.form:
        signature = ceremony.signature(forms.Signed(request.form), ceremony.RECOVER, token)
        is_good = signature is not None and signature.user_id == user.id and signature.is_verified
        return partial(passkey.spend, signature=signature) if signature and is_good else None
    code = factor_code.find(user, request.form.get("code", ""))
    return partial(factor_code.spend, found=code) if code else None


def _suffices(owner: User, spend: Spend | None) -> bool:
    """Use up the second factor, if there is one by now."""
    return not demand.asks(owner) or (spend is not None and spend(owner) is not None)


def _claim(_token: str, link: Link, user: User, form: Any) -> Acted:
    """Start an account with an address that another account holds unverified."""
    hashed = _hash(form)
    with writing():
        if not (mail_address.lock(link.address, user.id) and link.spend()):
            return None
        losers = mail_address.take(None, link.address)
        made = users.sign_up(link.address, forms.text(form.name), hashed) if losers is not None else None
        if made is None:
            db.session.rollback()
            return _taken()
        _take_back(losers or ())
        made.verified_at = clock.now()
        activity.record("signed_up", made.id, browser=browsers.here())
        activity.record("address_verified", made.id)
        begun = sign_in.begin(made, made.password_version, keep=False, wanted="/", is_first=True)
        return begun or _taken()


def _not_me(token: str, link: Link, user: User, _form: Any) -> Acted:
    """End the session that a notice was about, or all of them. It needs no sign-in: a thief may have changed the password."""
    delivery.check_ready()
    with writing():
        owner = users.lock(user.id)
        if not link.spend():
            return None
        session = sessions.lock(link.session_id) if link.session_id else None
        half.forget(owner.id)  # a sign-in that waits for a code would end up beyond the cut
        if link.about == "passkey_added":
            passkey.remove_since(user.id, link.made_at - AT_ONCE)
        if _undoes_factor(link, owner):
            factors.turn_off(owner)
            activity.record("factor_removed", owner.id, browser=browsers.here())
        if session:
            sessions.end_lineage(session, Reason.NOT_ME)
        elif link.session_id is None:
            _end_all(user.id, Reason.NOT_ME)
        activity.record("not_me", user.id, session, browser=browsers.here())
        response = idempotency.result(f"/links/{token}")
    guard.forget_visitor()
    return response


def _undoes_factor(link: Link, user: User) -> bool:
    """Return whether the link also removes the second factor that it is about: a thief's would block the owner's recovery.

    For a day only: after that, a reader of the mailbox alone must not get past the factor.
    """
    return link.about == "factor_added" and user.has_factor and clock.now() - link.made_at < UNDONE_SECONDS


_DOES: dict[Purpose, Callable[[str, Link, User, Any], Acted]] = {
    Purpose.VERIFY: _verify,
    Purpose.RECOVER: _recover,
    Purpose.CLAIM: _claim,
    Purpose.MOVE_FROM: _move,
    Purpose.MOVE_TO: _move,
    Purpose.NOT_ME: _not_me,
}


def _end_all(user_id: str, reason: Reason) -> None:
    sessions.end_all(user_id, reason)
    consent.withdraw_all(user_id)


def _take_back(losers: Collection[User]) -> None:
    for loser in losers:
        consent.withdraw_all(loser.id)


def _outcome(link: Link) -> dict[str, bool]:
    other = links.twin(link) if link.purpose in (Purpose.MOVE_FROM, Purpose.MOVE_TO) else None
    return {"waits": other is not None and other.spent_at is None}


def _page(token: str, link: Link, user: User, form: Form | None = None, *, is_wrong: bool = False) -> str:
    session = sessions.named(user.id, {link.session_id}) if link.session_id else []
    asks_second = link.purpose == Purpose.RECOVER and demand.asks(user)
    return render_template(
        "web/link.html",
        token=token,
        link=link,
        user=user,
        form=form or _form(link, user, None),
        wrong=(ceremony.WRONG if "credential" in request.form else factor_code.WRONG) if is_wrong else None,
        by_passkey="credential" in request.form,
        undoes_factor=_undoes_factor(link, user),
        asks_second=asks_second,
        has_passkeys=asks_second and passkey.has_verifying(user.id),
        session=session[0] if session else None,
    )


def _form(link: Link, user: User, sent: MultiDict[str, str] | None) -> Form | None:
    """Return the form of a link that chooses a password."""
    if link.purpose == Purpose.RECOVER:
        return forms.NewPassword(sent, user)
    return forms.Claim(sent, link.address) if link.purpose == Purpose.CLAIM else None


def _hash(form: Any) -> str:
    """Return the hash of the chosen password, unless this node could not tell the others what it ends."""
    delivery.check_ready()
    return passwords.hash(forms.text(form.password))


def _dead(status: int = 404) -> tuple[str, int]:
    return render_template("web/link_dead.html"), status


def _taken() -> Response | tuple[str, int]:
    """Answer that another account has the address by now. The link is spent, so it cannot be tried again."""
    return render_template("web/link_taken.html"), 409
