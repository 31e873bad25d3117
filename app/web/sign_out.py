"""Sign out: the session ends at the server, and what was ended is shown and proven."""

from flask import Blueprint, abort, g, make_response, redirect, render_template
from flask.typing import ResponseReturnValue
from werkzeug.wrappers import Response

from app import admission
from app.db import StoreUnavailable, db, writing
from app.identity import activity, sessions
from app.identity.session import Reason, Session
from app.revocation import checkpoint
from app.web import cookies, guard, lifeline, own_server, receipt, told
from app.web.held import ENDING_SECONDS, MOST, Held
from app.web.own_server import Exchange

bp = Blueprint("sign_out", __name__)
RECEIPT = "/signed-out"
RETRY_SECONDS = 5


@bp.get("/sign-out")
def ask() -> ResponseReturnValue:
    visit = guard.visit()
    others = sessions.count_live(visit.session.user_id) - 1 if visit else None
    return render_template("web/sign_out.html", others=others)


@bp.post("/sign-out")
def sign_out() -> ResponseReturnValue:
    return leave()


def leave(then: str | None = None) -> ResponseReturnValue:
    """End what this browser holds, and go on to the receipt, or to *then*.

    Asks nothing of the guard: expired tokens and a dead store are no obstacle.
    """
    guard.leave()
    here, waiting, response = Held.here(), Held.pending(), redirect(then or RECEIPT, 303)
    held = [here, *waiting] if here else waiting
    if not held:
        return _clear(response)
    if g.get("store_is_away"):  # as was found out a moment ago
        return _not_yet(held)
    try:
        found = [(one, *_end(one)) for one in held]
    except StoreUnavailable:
        return _not_yet(held)
    latest, exchange, ended = found[0]
    if ended is None:  # these tokens were dead: there is nothing to tell whoever brought them
        return _clear(response)
    return _show(response, latest, ended, exchange, wait=then is not None)


@bp.get(RECEIPT)
def signed_out() -> ResponseReturnValue:
    receipt_id = cookies.read(cookies.RECEIPT)
    found = receipt.find(receipt_id) if receipt_id else None
    line = lifeline.receipt_line(found["parts"], found["ended_at"]) if found else None
    apps = told.show(found["told"]) if found else []
    return render_template("web/receipt.html", receipt=found, line=line, told=apps)


@bp.get("/signed-out.tlog-proof")
def proof() -> ResponseReturnValue:
    """Hand the person the proof that the end of the session is in the log, to be checked off-line."""
    receipt_id = cookies.read(cookies.RECEIPT)
    found = receipt.find(receipt_id) if receipt_id else None
    if not found or not found.get("position"):
        abort(404)
    download = {"Content-Disposition": 'attachment; filename="signed-out.tlog-proof"'}
    with admission.turn("proofs"):
        proven = checkpoint.prove(found["position"])
    return Response(proven, content_type="text/plain; charset=utf-8", headers=download)


def farewell(sid: str, *, ended: int) -> ResponseReturnValue:
    """Answer after *ended* sessions, *sid* of this browser among them, were ended together."""
    guard.leave()
    return _show(redirect(RECEIPT, 303), Held.here(), sid, None, ended=ended)


def end_late() -> bool:
    """End what earlier sign-outs could not; return whether nothing remains to be done."""
    try:
        for held in Held.pending():
            _end(held)
    except StoreUnavailable:
        return False
    return True


def _end(held: Held) -> tuple[Exchange, str | None]:
    """Revoke by RFC 7009 and make sure of it. Return the exchange, and the id of the session that this very request ended.

    Raises StoreUnavailable if the endpoint could not do it: the tokens must be taken to live on (section 2.2.1).
    """
    if held.refresh:
        exchange = own_server.revoke(held.refresh, "refresh_token")
    else:
        exchange = own_server.revoke(held.access or "", "access_token")
    if exchange.response.status_code != 200:
        raise StoreUnavailable(f"revocation was answered {exchange.response.status_code}")
    held_sessions = [session.id for session in held.sessions()]  # read before `writing` lets go of the rows
    ended = [sid for sid in held_sessions if sid in exchange.ended or _make_sure(sid)]
    return exchange, ended[0] if ended else None


def _make_sure(sid: str) -> bool:
    """End a session of which this browser holds the access token alone: to revoke that one would not be enough."""
    found = db.session.get(Session, sid)
    if found is None or found.await_end():
        return False
    with writing():
        locked = sessions.lock(sid)
        if locked is None or not locked.end(Reason.SIGNED_OUT, actor=sid):
            return False
        activity.record("signed_out", locked.user_id, locked)
        return True


def _show(
    response: Response,
    held: Held,
    sid: str,
    exchange: Exchange | None,
    *,
    ended: int | None = None,
    wait: bool = False,
) -> Response:
    """Have *response* carry a receipt. *wait*: it leads to an app, which should have been told before (RP-Initiated
    Logout, section 3)."""
    try:
        proof = receipt.prove(held.access, held.refresh)
        content = receipt.describe(sid, ended=ended)
        content |= {"exchange": exchange.shown() if exchange else None, "proof": proof}
        cookies.put(response, cookies.RECEIPT, receipt.save(content), seconds=receipt.SECONDS)
        if wait:
            told.wait(content["told"])
    except StoreUnavailable:
        pass  # it is ended; only the receipt is missing
    return _clear(response)


def _clear(response: Response) -> Response:
    cookies.sign_out(response)
    cookies.drop(response, cookies.ENDING)
    # Not "cookies": that would reach every site under the same domain.
    response.headers["Clear-Site-Data"] = '"cache", "storage"'
    return response


def _not_yet(held: list[Held]) -> Response:
    """Say plainly that the server could not end it, and keep what is needed to do so, and for nothing else.

    *held*: the newest first. A cookie holds so many; what is older is given up, and the page says so.
    """
    given_up = max(0, len(held) - MOST)
    page = render_template("web/sign_out_failed.html", retry_after=RETRY_SECONDS, given_up=given_up)
    response = make_response(page, 503, {"Retry-After": str(RETRY_SECONDS)})
    cookies.sign_out(response)
    cookies.put(response, cookies.ENDING, Held.seal(held), seconds=ENDING_SECONDS)
    return response
