"""A form sent twice counts once: the second request gets the first one's answer, with the same cookies.

A browser that sends a form again drops the first answer, whose cookies it then lacks. So each page has a random id, which its
forms carry. What came with the id (path, body, cookies) names a claim, which one request holds, and is the key under which
its answer is sealed: the database holds neither.

The transaction that acts also keeps the answer, so a process that is killed after it loses neither. Sign Out can make its
answer, the receipt, only when every node knows of the end. So the transaction that ends the session marks the form instead,
and the receipt is made again if the process dies before it is kept.
"""

import hmac
import re
import secrets
import time
from collections.abc import Callable
from contextlib import suppress
from functools import lru_cache
from http import HTTPStatus
from urllib.parse import parse_qs, urlsplit

from flask import Flask, Response, g, make_response, redirect, render_template, request
from flask.typing import ResponseReturnValue
from markupsafe import Markup, escape
from werkzeug.wrappers import Response as Answer

from app import context, machines
from app.capacity import admission
from app.config import settings
from app.crypto import seal
from app.identity import refresh_token
from app.oauth import code
from app.revocation import delivery
from app.store import prebuilt
from app.store.db import StoreUnavailable, after_commit, let_go
from app.web import cookies, guard, next_page
from app.web.form_claims import PATIENCE_SECONDS, Claim, Ended, Form, FormRow
from app.web.presented_tokens import PresentedTokens

FIELD = "once"
_POLL_SECONDS = 0.02
_ENDING = ("/sign-out", "/oauth/end-session")  # no store is needed, and no transaction spent, before they end anything
_NO_ONE = ""
_OLDER = re.compile(r"[A-Za-z0-9_-]{32}")


class Lost(Exception):
    """Another request has taken the claim over, so this one must not act."""


def init_app(app: Flask) -> None:
    """Have *app* release claims it has not acted on, and answer for lost ones."""
    machines.after_visitors(app, _let_go)
    app.register_error_handler(Lost, _give_way)


def field(doing: str) -> Markup:
    """Return the hidden field of a form. *doing* says what is under way once it was sent, such as "Signing in"."""
    return Markup(f'<input type="hidden" name="{FIELD}" value="{_page_id()}" data-doing="{escape(doing)}">')  # noqa: S704


def begin() -> Response | None:
    """Give the kept answer of this form again, or claim the form for this request. A program sends no id, and acts."""
    request = context.request()
    form_id = request.form.get(FIELD) if request.method == "POST" else None
    if not form_id:
        return None
    try:
        with prebuilt.reading():
            return _repeat_or_claim(Form.here(form_id, cookies.sent()))
    except StoreUnavailable:
        if request.path not in _ENDING:
            raise
        g.store_is_away = True  # which keeps no browser from forgetting its tokens
        return None


def look_again() -> Response | None:
    """Give the answer of the request that acted, where the claim is written with the act and nothing was left to do."""
    claim = _claim()
    return begin() if claim and claim.is_late else None


def result(location: str) -> Answer:
    """Lead on to what the transaction has done, and keep that answer with it. Must run inside `db.writing`. Raises Lost."""
    answer = redirect(location, HTTPStatus.SEE_OTHER)
    guard.hand_back(answer)
    keep(answer)
    return redirect(location, HTTPStatus.SEE_OTHER)


def keep(response: Answer) -> None:
    """Keep the answer to this form in the transaction. Must run inside `db.writing`. Raises Lost."""
    claim = _claim()
    if claim is None:
        return
    if not claim.keep(response):
        raise Lost
    after_commit(lambda: g.pop("claim"))  # there is nothing to let go of


def note(sid: str, *, count: int) -> None:
    """Note that the transaction ends the session *sid* of this browser, and *count* of its user's in all. Raises Lost."""
    claim = _claim()
    if claim and not claim.note(Ended(sid, count)):
        raise Lost


def noting(then: str | None) -> Callable[[str], None]:
    """Return what a transaction, in any context, calls with the id of this browser's session that it ends.

    *then*: where the answer leads, if not to the receipt. A lost claim does not stop a sign-out.
    """
    claim = _claim()

    def note_it(sid: str) -> None:
        if claim:
            claim.note(Ended(sid, then=then))

    return note_it


def has_ended() -> Ended | None:
    """Return what this form has ended before, in a process that died before it had made the answer."""
    claim = _claim()
    return claim.ended if claim else None


def _claim() -> Claim | None:
    found: Claim | None = context.g().get("claim")
    return found


def _repeat_or_claim(form: Form) -> Response | None:
    while True:
        found = _await(form)
        answer = _open(form, found)
        if answer:
            return answer
        if not _is_for_visitor(form.id):
            return _refuse()
        claim = form.claim_late() if found is None and request.path in _ENDING else form.claim(found)
        if claim:
            g.claim = claim
            return None


def _await(form: Form) -> FormRow | None:
    """Return the row of this form, once no other request is acting on it, or none that still lives."""
    found = form.read()
    if found is None or not found.is_under_way:
        return found
    until = time.monotonic() + PATIENCE_SECONDS
    with admission.turn("forms"):
        while found and found.is_under_way and time.monotonic() < until:
            let_go()
            time.sleep(_POLL_SECONDS)
            found = form.read()
    return found


def _open(form: Form, found: FormRow | None) -> Response | None:
    """Return the answer that was kept, when all that it says is true everywhere: the first request may still wait."""
    headers = form.open(found)
    if headers is None:
        return None
    answer = Response(status=HTTPStatus.SEE_OTHER)
    answer.headers.clear()
    answer.headers.extend([(name, value) for name, value in headers if name != "Content-Length"])
    if not _gives_what_lives(answer):
        return None
    guard.forget_visitor()  # the answer has its cookies
    delivery.settle_all()
    return answer


def _let_go(response: Response) -> Response:
    """Let go of a claim that has brought no result, so that the form can be sent again."""
    claim: Claim | None = context.g().pop("claim", None)
    if claim:
        with suppress(StoreUnavailable):  # the answer stands, and the claim runs out
            claim.let_go()
    return response


def _give_way(_lost: Lost) -> ResponseReturnValue:
    """Answer as the request does that has taken the claim over."""
    claim = _claim()
    answer = _open(claim.form, _await(claim.form)) if claim else None
    return answer or context.app().handle_user_exception(admission.Full("forms"))


def _gives_what_lives(answer: Response) -> bool:
    """Check that the tokens or the code in the answer, if any, are still unused and good."""
    token = cookies.given(answer).get(cookies.REFRESH)
    link = refresh_token.find(token) if token else None
    if token and not (link and link.is_newest and link.session.goes_on()):
        return False
    codes = parse_qs(urlsplit(answer.location or "").query).get("code", [])
    return all(code.is_unused(one) for one in codes)


def _page_id() -> str:
    """Return the id of the page that is being made, and of all its forms."""
    here = context.g()
    found: str | None = here.get("page_id")
    if found is None:
        visit, chosen = guard.visit(), secrets.token_urlsafe(24)
        found = here.page_id = f"{chosen}.{_mark(chosen, visit.user.id if visit else _NO_ONE)}"
    return found


def _mark(chosen: str, whose: str) -> str:
    """Return a mark that tells only us for whom a page was made."""
    return hmac.digest(_key(settings().secret_key), f"{chosen} {whose}".encode(), "sha256").hex()[:32]


@lru_cache
def _key(secret: str) -> bytes:
    return seal.derive(secret, "for whom a page was made")


def _is_for_visitor(form_id: str) -> bool:
    """Return whether the page was made for the user who is signed in now, if both the page and this browser have one.

    An id without a mark is of a page from before an upgrade. It is no weaker than none, which a program sends.
    """
    if _OLDER.fullmatch(form_id):
        return True
    chosen, _, mark = form_id.partition(".")

    def is_for(one: str) -> bool:
        return hmac.compare_digest(mark.encode(), _mark(chosen, one).encode())

    held = PresentedTokens.here()
    user_id = held.user_id()
    if user_id and is_for(user_id):
        return True
    here = {session.user_id for session in held.sessions() if session.goes_on()}
    return not here or any(map(is_for, (*here, _NO_ONE)))


def _refuse() -> Response:
    """Tell the visitor that the page was made for another user, and offer it again."""
    page = next_page.came_from()
    again = next_page.address("/sign-in", page)
    return make_response(render_template("errors/another.html", page=page, again=again), HTTPStatus.CONFLICT)
