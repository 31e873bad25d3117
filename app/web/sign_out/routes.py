"""The pages of Sign Out: the question, the button, and the receipt with its proof."""

from types import SimpleNamespace

from flask import Blueprint, abort, render_template
from flask.typing import ResponseReturnValue
from werkzeug.wrappers import Response

from app.capacity import admission
from app.identity import sessions
from app.revocation import checkpoint
from app.web import cookies, guard, lifeline
from app.web.sign_out import back_channel, browser, receipt

bp = Blueprint("sign_out", __name__)


@bp.get("/sign-out")
@guard.without_factor
def ask() -> ResponseReturnValue:
    visit = guard.visit()
    others = None if visit is None else 0 if visit.is_confined else sessions.count_live(visit.session.user_id) - 1
    return render_template("web/sign_out.html", others=others)


@bp.post("/sign-out")
@guard.without_factor
def sign_out() -> ResponseReturnValue:
    return browser.sign_out()


@bp.get(browser.RECEIPT_PAGE)
def signed_out() -> ResponseReturnValue:
    found = _receipt()
    line = lifeline.receipt_line(found.parts, found.ended_at) if found else None
    apps = back_channel.show(found.told) if found else []
    accepted = [tried.what for tried in found.proof if not tried.refused] if found else []
    return render_template("web/receipt.html", receipt=found, line=line, told=apps, accepted=accepted)


@bp.get("/signed-out.tlog-proof")
def proof() -> ResponseReturnValue:
    """Return the proof that the end of the session is in the log, to be checked off-line."""
    found = _receipt()
    if not found or not found.position:
        abort(404)
    download = {"Content-Disposition": 'attachment; filename="signed-out.tlog-proof"'}
    with admission.turn("proofs"):
        proven = checkpoint.prove(found.position)
    return Response(proven, content_type="text/plain; charset=utf-8", headers=download)


def _receipt() -> SimpleNamespace | None:
    """Return the receipt whose id this browser holds."""
    receipt_id = cookies.read(cookies.RECEIPT)
    return receipt.find(receipt_id) if receipt_id else None
