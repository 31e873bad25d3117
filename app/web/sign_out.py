"""Sign out: the session ends at the server, and what was ended is shown and proven."""

from collections.abc import Callable
from contextlib import suppress

from flask import Blueprint, abort, g, make_response, redirect, render_template
from flask.typing import ResponseReturnValue
from werkzeug.wrappers import Response

from app import admission
from app.db import StoreUnavailable, db, writing
from app.identity import activity, sessions
from app.identity.session import Reason, Session
from app.revocation import checkpoint
from app.web import cookies, guard, lifeline, once, own_server, receipt, told
from app.web.held import ENDING_SECONDS, MOST, Held
from app.web.own_server import Exchange

bp = Blueprint("sign_out", __name__)
RECEIPT = "/signed-out"
RETRY_SECONDS = 5
Note = Callable[[str], None]


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
    here, waiting = Held.here(), Held.pending()
    held = [here, *waiting] if here else waiting
    if not held:
        return _lead_on(then)
    if g.get("store_is_away"):  # as was found out a moment ago
        return _not_yet(held)
    try:
        exchange, ended = _end(held[0], once.noting(then))
        for one in held[1:]:
            _end(one)
        if (
            ended is None
        ):  # these tokens were dead: there is nothing to tell whoever brought them, unless it was this form
            return once.look_again() or tell_again() or _lead_on(then)
    except StoreUnavailable:
        return _not_yet(held)
    return _show(held[0], ended, exchange, then=then)


def tell_again() -> Response | None:
    """Answer a form that has ended this browser's session before, in a process that died before it had answered."""
    ended = once.has_ended()
    if ended is None:
        return None
    guard.leave()
    held = Held.here()
    exchange = _end(held)[0] if ended.count is None else None
    guard.await_ends()
    return _show(held, ended.sid, exchange, ended=ended.count, then=ended.then)


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
    return _show(Held.here(), sid, None, ended=ended)


def end_late() -> bool:
    """End what earlier sign-outs could not; return whether nothing remains to be done."""
    try:
        for held in Held.pending():
            _end(held)
    except StoreUnavailable:
        return False
    return True


def _end(held: Held, note: Note | None = None) -> tuple[Exchange, str | None]:
    """Revoke by RFC 7009 and make sure of it. Return the exchange, and the id of a session that this very request ended.

    The transaction that ends it calls *note* with that id. Raises StoreUnavailable.
    """
    ended = list[str]()

    def tell(sid: str) -> None:
        ended.append(sid)
        if note:
            note(sid)

    exchange = _revoke(held, tell)
    rest = [] if held.are_over(ended) else held.rows()
    for row in rest:
        if row.id not in ended:
            _make_sure(row.id, tell)
    return exchange, ended[0] if ended else None


def _revoke(held: Held, tell: Note) -> Exchange:
    """Raise StoreUnavailable if the endpoint could not do it: the tokens must be taken to live on (section 2.2.1)."""
    if held.refresh:
        exchange = own_server.revoke(held.refresh, "refresh_token", tell)
    else:
        exchange = own_server.revoke(held.access or "", "access_token", tell)
    if exchange.response.status_code != 200:
        raise StoreUnavailable(f"revocation was answered {exchange.response.status_code}")
    return exchange


def _make_sure(sid: str, tell: Note) -> None:
    """End a session of which this browser holds the access token alone: to revoke that one would not be enough."""
    found = db.session.get(Session, sid)
    if found is None or found.await_end():
        return
    with writing():
        locked = sessions.lock(sid)
        if locked and locked.end(Reason.SIGNED_OUT, actor=sid):
            activity.record("signed_out", locked.user_id, locked)
            tell(sid)


def _show(
    held: Held, sid: str, exchange: Exchange | None, *, ended: int | None = None, then: str | None = None
) -> Response:
    """Answer with a receipt. Where it leads to an app, *then*, that should have been told before (RP-Initiated Logout,
    section 3)."""
    answer = _lead_on(then)
    try:
        proof = receipt.prove(held.access, held.refresh)
        content = receipt.describe(sid, ended=ended)
        content |= {"exchange": exchange.shown() if exchange else None, "proof": proof}
        if then:
            told.wait(content["told"])
        with writing(durable=False):
            cookies.put(answer, cookies.RECEIPT, receipt.save(content), seconds=receipt.SECONDS)
            with suppress(once.Lost):  # whoever took the claim over finds nothing left to end
                once.keep(answer)
    except (StoreUnavailable, LookupError):
        return _lead_on(then)  # it is ended; only the receipt is missing
    return answer


def _lead_on(then: str | None) -> Response:
    return clear(redirect(then or RECEIPT, 303))


def clear(response: Response) -> Response:
    """Have the browser forget its tokens, and what else this site has left there."""
    cookies.sign_out(response)
    cookies.drop(response, cookies.ENDING)
    if cookies.read(cookies.HALF):
        cookies.drop(response, cookies.HALF)
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
