"""Sign this browser out: end its session, have it forget its tokens, and answer with the receipt."""

from contextlib import suppress

from flask import g, redirect
from flask.typing import ResponseReturnValue
from werkzeug.wrappers import Response

from app.store import prebuilt
from app.store.db import StoreUnavailable, writing
from app.web import cookies, guard, idempotency
from app.web.own_server import Exchange
from app.web.presented_tokens import PresentedTokens
from app.web.sign_out import back_channel, receipt, retry, revocation

RECEIPT_PAGE = "/signed-out"


def sign_out(then: str | None = None) -> ResponseReturnValue:
    """End this browser's sessions, and redirect to the receipt, or to *then*. Does not need the guard: expired tokens
    and a dead store are no obstacle.
    """
    guard.forget_visitor()
    here, waiting = PresentedTokens.here(), retry.pending()
    held = [here, *waiting] if here else waiting
    if not held:
        return lead_on(then)
    if g.get("store_is_away"):  # as was found out a moment ago
        return retry.put_off(held)
    try:
        exchange, ended = revocation.end(held[0], idempotency.noting(then))
        for one in held[1:]:
            revocation.end(one)
        if ended is None:  # the tokens were dead: their holder sees nothing, unless this form has ended them
            return idempotency.look_again() or repeat() or lead_on(then)
    except StoreUnavailable:
        return retry.put_off(held)
    return _show(held[0], ended, exchange, then=then)


def repeat() -> Response | None:
    """Answer a form that has ended this browser's session before, in a process that died before it had answered."""
    ended = idempotency.has_ended()
    if ended is None:
        return None
    guard.forget_visitor()
    held = PresentedTokens.here()
    exchange = revocation.end(held)[0] if ended.count is None else None
    guard.await_ends()
    return _show(held, ended.sid, exchange, ended=ended.count, then=ended.then)


def show_end_of_all(sid: str, *, ended: int) -> ResponseReturnValue:
    """Answer after *ended* sessions, *sid* of this browser among them, were ended together."""
    guard.forget_visitor()
    return _show(PresentedTokens.here(), sid, None, ended=ended)


def lead_on(then: str | None = None) -> Response:
    """Redirect to the receipt, or to *then*. The browser deletes its tokens, and everything else this site stored
    there."""
    response = redirect(then or RECEIPT_PAGE, 303)
    cookies.sign_out(response)
    cookies.drop(response, cookies.ENDING)
    if cookies.read(cookies.HALF):
        cookies.drop(response, cookies.HALF)
    # Not "cookies": that would reach every site under the same domain.
    response.headers["Clear-Site-Data"] = '"cache", "storage"'
    return response


def _show(
    held: PresentedTokens, sid: str, exchange: Exchange | None, *, ended: int | None = None, then: str | None = None
) -> Response:
    """Answer with a receipt. An app to which it leads, *then*, should have been told before (RP-Initiated Logout,
    section 3)."""
    answer = lead_on(then)
    try:
        proof = receipt.prove(held.access, held.refresh)
        with prebuilt.reading():
            content = receipt.describe(sid, ended=ended)
            content |= {"exchange": exchange.describe() if exchange else None, "proof": proof}
            if then:
                back_channel.wait(content["told"])
            with writing(durable=False):
                cookies.put(answer, cookies.RECEIPT, receipt.save(content), seconds=receipt.SECONDS)
                with suppress(idempotency.Lost):  # the request that took the claim over finds nothing left to end
                    idempotency.keep(answer)
    except (StoreUnavailable, LookupError):
        return lead_on(then)  # it is ended; only the receipt is missing
    return answer
