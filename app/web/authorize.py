"""Authorize: an app asks for the user's identity, and the user allows or denies it."""

from collections.abc import Collection
from contextlib import suppress
from urllib.parse import unquote_plus

from flask import Blueprint, make_response, redirect, render_template, request
from flask import Response as FlaskResponse
from flask.typing import ResponseReturnValue
from werkzeug.exceptions import HTTPException
from werkzeug.wrappers import Response

from app import clock
from app.config import settings
from app.identity import activity, passkey
from app.oauth import authorization, clients, code, consent, pushed
from app.oauth.authorization import PATH, Asked, AuthorizationRefused, Over, Unanswerable
from app.store.db import StoreUnavailable, writing
from app.web import cross_origin, guard, headers, idempotency, next_page
from app.web.guard import Visit, current_user

bp = Blueprint("authorize", __name__)
_ASKING = frozenset({"consent", "select_account"})  # the page names the account, and offers to go on as another


@bp.route(PATH, methods=["GET", "POST"])
def authorize() -> ResponseReturnValue:
    """Judge the request, then the visitor, then ask."""
    decision = cross_origin.decision()
    try:
        asked = authorization.read()
        return _deny(asked, "access_denied") if decision == "deny" else _judge(asked, decision)
    except Unanswerable as problem:
        return render_template("web/unanswerable.html", is_over=isinstance(problem, Over)), 400
    except AuthorizationRefused as refused:
        return redirect(refused.location, 303)


def let_forms_lead_on(response: FlaskResponse) -> FlaskResponse:
    """Let the form of a page lead on where an app is next."""
    if response.mimetype == "text/html" and response.status_code < 500:
        with suppress(StoreUnavailable, HTTPException):  # a body that is too long, say; then the form leads nowhere
            if authorization.leads_on(next_page.path(request.form.get("next") or next_page.arguments().get("next"))):
                headers.let_forms_lead_on(response)
    return response


def _judge(asked: Asked, decision: str | None) -> ResponseReturnValue:
    """Ask the visitor to sign in, to prove their identity again, or to decide, as far as `prompt` allows."""
    visit, silent = guard.visit(), "none" in asked.prompt
    if visit is None or _is_another_user(asked, visit, silent=silent):
        has_asked = visit is not None and "since" in request.args
        return _deny(asked, "login_required") if silent or has_asked else _ask_to_sign_in(asked)
    if _is_too_old(asked, visit):
        return _deny(asked, "login_required") if silent else redirect(_by_way_of("/confirm", "asked=1"), 303)
    if decision == "allow" and request.form.get("sid", visit.session.id) == visit.session.id:
        # An app that a thief lets in would outlast the copied cookies.
        return redirect(_by_way_of("/confirm"), 303) if visit.asks_anew() else _allow(asked, _withheld(asked))
    if not asked.prompt & _ASKING and consent.is_given(current_user.id, asked.client, asked.scope):
        return _allow(asked)
    return _deny(asked, "consent_required") if silent else _ask(asked, visit)


def _is_another_user(asked: Asked, visit: Visit, *, silent: bool) -> bool:
    """Return whether the app expects another user; the answer must be about that one (OpenID Connect Core, 3.1.2.2).

    A hint that we cannot verify, as of a key that is long gone, only blocks `prompt=none`.
    """
    return bool(asked.hinted or (silent and asked.hinted is not None)) and asked.hinted != current_user.id


def _is_too_old(asked: Asked, visit: Visit) -> bool:
    """Return whether the user has to prove their identity again.

    We add `since`, from when a proof counts, and `asked` on the way back from there.
    """
    if _is_too_weak(asked, visit) and "asked" not in request.args:
        return True
    since = request.args.get("since", type=int)
    if since is not None and visit.has_proof_since(since) and not visit.is_stale:  # anyone can write that parameter
        return False
    too_old = asked.max_age is not None and not visit.has_proof_since(clock.now() - asked.max_age)
    return too_old or "login" in asked.prompt or asked.max_age == 0


def _is_too_weak(asked: Asked, visit: Visit) -> bool:
    """Return whether a second factor would make the proof as strong as the app prefers (`acr_values`). It is voluntary
    (OpenID Connect Core, section 5.5.1.1): if the user has none, gave none, or cannot be asked, the answer says so.
    """
    if not asked.wants_factor or visit.has_factor or "none" in asked.prompt:
        return False
    return current_user.has_factor or passkey.has_verifying(current_user.id)


def _ask_to_sign_in(asked: Asked) -> Response:
    if guard.is_confined():
        return redirect(_by_way_of(guard.FACTOR_PAGE), 303)
    way = _by_way_of("/sign-in", email=asked.login_hint) if asked.login_hint else ""
    return redirect(way if 0 < len(way) <= next_page.LONGEST_ADDRESS else _by_way_of("/sign-in"), 303)


def _by_way_of(page: str, *more: str, **own: str) -> str:
    """Return the address of *page*, which leads back here, with *more* in the query."""
    given = next_page.query().split("&")
    again = [part for part in given if unquote_plus(part.partition("=")[0]) not in ("since", "asked")]
    return next_page.address(page, f"{PATH}?{'&'.join([*again, *more, f'since={clock.now()}'])}", **own)


def _ask(asked: Asked, visit: Visit) -> Response:
    page = render_template(
        "web/authorize.html",
        asked=asked,
        scopes=asked.scope.split(),
        leads_to=clients.origin(asked.redirect_uri),
        ends_at=visit.session.expires_at,
        longest=settings().session_max_seconds,
        other=_by_way_of("/sign-in"),
        query=next_page.query(),
    )
    response = make_response(page)
    headers.let_forms_lead_on(response)
    return response


def _withheld(asked: Asked) -> list[str]:
    """Return the scopes that the visitor has withheld from the app."""
    return [scope for scope in asked.optional if request.form.get(f"keep_{scope}")]


def _allow(asked: Asked, withheld: Collection[str] = ()) -> Response:
    given = asked.without(withheld)
    with guard.acting() as browser:
        _spend(asked)
        if withheld or not consent.is_given(browser.user_id, asked.client, given.scope):
            activity.act("app_allowed", browser)
            consent.give(browser.user_id, asked.client, given.scope, withheld)
        return idempotency.result(asked.answer(code=code.issue(browser, given, guard.current().proof)))


def _deny(asked: Asked, error: str) -> Response:
    location = asked.answer(error=error)
    if asked.pushed is None:
        return redirect(location, 303)
    with writing():
        _spend(asked)
        return idempotency.result(location)


def _spend(asked: Asked) -> None:
    """Use a pushed request up, as it gets its answer. Must run inside `db.writing`. Raises Over."""
    if asked.pushed and not pushed.spend(asked.pushed):
        raise Over
