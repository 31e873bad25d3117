"""A forgotten password: a link to choose a new one, sent to a verified address. The answer is the same for every address."""

from flask import Blueprint, render_template, request
from flask.typing import ResponseReturnValue

from app.capacity import throttle
from app.capacity.throttle import Limit, PlaceThrottle, Throttle, TooManyMails
from app.identity import emails, known_place, mail_address, users
from app.network.address import here, subnet
from app.store.db import writing
from app.web import forms, idempotency

bp = Blueprint("recover", __name__)
_to_address = Throttle("recovery mails by address", "3 per 1 hour", TooManyMails)
_at_known_place = Throttle("recovery mails by address and known place", "3 per 1 hour", TooManyMails)
_from_place = PlaceThrottle("recovery mails by place", "30 per 1 hour", TooManyMails)


@bp.route("/recover", methods=["GET", "POST"])
def recover() -> ResponseReturnValue:
    if request.method != "POST":
        return forms.page("web/recover.html", forms.Recover(data={"email": request.args.get("email", "")}))
    form = forms.Recover(request.form)
    return _ask(form) if form.validate() else forms.page("web/recover.html", form)


@bp.get("/recover/sent")
def sent() -> ResponseReturnValue:
    return render_template("web/recover_sent.html")


def _ask(form: forms.Recover) -> ResponseReturnValue:
    """Count, write and answer the same for every address."""
    typed = forms.text(form.email)
    limits = [*_from_place.here(), _limit(typed)]
    throttle.check(limits)
    throttle.count(limits)
    with writing():
        mail_address.ask_recovery(typed)
        return idempotency.result("/recover/sent")


def _limit(typed: str) -> Limit:
    """Return the limit on mails to this address. At a place that the account knows, visitors elsewhere do not use it up."""
    user, place, box = users.find(typed), subnet(here()), emails.mailbox(typed)
    is_known = known_place.is_known(user.id if user else "", place)  # the same work for an address without an account
    return (_at_known_place, (place, box)) if is_known else (_to_address, (box,))
