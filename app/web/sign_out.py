"""Sign out: the session ends at the server, and what was ended is shown and proven."""

import json
from dataclasses import dataclass

from flask import Blueprint, abort, make_response, redirect, render_template
from flask.typing import ResponseReturnValue
from werkzeug.wrappers import Response

from app import admission, clock, seal
from app.config import settings
from app.db import StoreUnavailable, db, writing
from app.identity import access_token, activity, refresh_token, sessions
from app.identity.session import SITE, Reason, Session
from app.revocation import checkpoint
from app.web import cookies, guard, lifeline, own_server, receipt, told
from app.web.own_server import Exchange

bp = Blueprint("sign_out", __name__)
RECEIPT = "/signed-out"
RETRY_SECONDS = 5
ENDING_SECONDS = 60 * 60
_ENDING = "tokens that may only be ended"


@dataclass(frozen=True)
class Held:
    """The tokens that this browser holds. Either may have expired."""

    access: str | None
    refresh: str | None

    @classmethod
    def here(cls) -> "Held":
        return cls(cookies.read(cookies.ACCESS), cookies.read(cookies.REFRESH))

    @classmethod
    def pending(cls) -> "Held":
        """Open what an earlier sign-out could not end."""
        cookie = cookies.read(cookies.ENDING) or ""
        try:
            opened = seal.reveal(settings().secret_key, _ENDING, bytes.fromhex(cookie))
        except ValueError:
            opened = None
        sealed_at, access, refresh = json.loads(opened) if opened else (0, None, None)
        return cls(access, refresh) if clock.now() - sealed_at < ENDING_SECONDS else cls(None, None)

    def sealed(self) -> str:
        """Return both in a form that is good for ending them, for a while, and for nothing else."""
        content = json.dumps([clock.now(), self.access, self.refresh])
        return seal.close(settings().secret_key, _ENDING, content).hex()

    def __bool__(self) -> bool:
        return bool(self.access or self.refresh)


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
    held, response = Held.here() or Held.pending(), redirect(then or RECEIPT, 303)
    if not held:
        return _clear(response)
    try:
        exchange, already = _end(held)
    except StoreUnavailable:
        return _not_yet(held)
    return _show(response, held, exchange, already=already, wait=then is not None)


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


def farewell(*, ended: int) -> ResponseReturnValue:
    """Answer after *ended* sessions, this one among them, were ended together."""
    guard.leave()
    return _show(redirect(RECEIPT, 303), Held.here(), None, ended=ended)


def end_late() -> bool:
    """End what an earlier sign-out could not; say whether nothing remains to be done."""
    held = Held.pending()
    try:
        if held:
            _end(held)
    except StoreUnavailable:
        return False
    return True


def _end(held: Held) -> tuple[Exchange, bool]:
    """Revoke by RFC 7009 and make sure of it. Return the exchange, and whether the session had ended before.

    Raises StoreUnavailable if the endpoint could not do it: the tokens must be taken to live on (section 2.2.1).
    """
    before = _session(held)
    already = before is not None and before.ended_entry is not None
    if held.refresh:
        exchange = own_server.revoke(held.refresh, "refresh_token")
    else:
        exchange = own_server.revoke(held.access or "", "access_token")
    if exchange.response.status_code != 200:
        raise StoreUnavailable(f"revocation was answered {exchange.response.status_code}")
    for session in (_session(Held(held.access, None)), _session(Held(None, held.refresh))):
        _make_sure(session)
    return exchange, already


def _make_sure(session: Session | None) -> None:
    """End a session of which this browser holds the access token alone: to revoke that one would not be enough."""
    if session is None or session.await_end():
        return
    sid = session.id  # read before `writing` lets go of the row
    with writing():
        locked = sessions.lock(sid)
        if locked and locked.end(Reason.SIGNED_OUT, actor=locked.id):
            activity.record("signed_out", locked.user_id, locked)


def _session(held: Held) -> Session | None:
    if held.refresh:
        found = refresh_token.owner(held.refresh)
        if found and found.client_id == SITE:
            return found
    claims = access_token.read(held.access) if held.access else None
    return db.session.get(Session, claims.sid) if claims and claims.client_id == SITE else None


def _show(
    response: Response,
    held: Held,
    exchange: Exchange | None,
    *,
    already: bool = False,
    ended: int | None = None,
    wait: bool = False,
) -> Response:
    """Have *response* carry a receipt. *wait*: it leads to an app, which should have been told before (RP-Initiated
    Logout, section 3)."""
    try:
        proof = receipt.prove(held.access, held.refresh)
        session = _session(held)
        if session:
            content = receipt.describe(session, already=already, ended=ended)
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


def _not_yet(held: Held) -> Response:
    """Say plainly that the server could not end it, and keep what is needed to do so, and for nothing else."""
    page = render_template("web/sign_out_failed.html", retry_after=RETRY_SECONDS)
    response = make_response(page, 503, {"Retry-After": str(RETRY_SECONDS)})
    cookies.sign_out(response)
    cookies.put(response, cookies.ENDING, held.sealed(), seconds=ENDING_SECONDS)
    return response
