"""A forgotten password: a link to choose a new one, sent to a verified address. The answer is the same for every address."""

from flask import Blueprint, render_template, request
from flask.typing import ResponseReturnValue

from app.db import writing
from app.identity import address
from app.identity import email as emails
from app.throttle import PlaceThrottle, Throttle, TooManyMails
from app.web import forms, once

bp = Blueprint("recover", __name__)
_to_address = Throttle("recovery mails by address", "3 per 1 hour", TooManyMails)
_from_place = PlaceThrottle("recovery mails by place", "30 per 1 hour", TooManyMails)


@bp.route("/recover", methods=["GET", "POST"])
def recover() -> ResponseReturnValue:
    if request.method == "GET":
        return _page(forms.Recover(data={"email": request.args.get("email", "")}))
    form = forms.Recover(request.form)
    return _ask(form) if form.validate() else (_page(form), 422)


@bp.get("/recover/sent")
def sent() -> ResponseReturnValue:
    return render_template("web/recover_sent.html")


def _ask(form: forms.Recover) -> ResponseReturnValue:
    """Do the same for every address: what is counted, written and answered."""
    typed = forms.text(form.email)
    box = emails.mailbox(typed)
    _from_place.check()
    _to_address.check(box)
    _from_place.count()
    _to_address.count(box)
    with writing():
        address.ask_recovery(typed)
        return once.result("/recover/sent")


def _page(form: forms.Recover) -> str:
    return render_template("web/recover.html", form=form)
