"""RP-Initiated Logout (OpenID Connect): an app asks that its user be signed out here too."""

from dataclasses import dataclass

from flask import Blueprint, make_response, redirect, render_template, request
from flask.typing import ResponseReturnValue
from werkzeug.wrappers import Response

from app.identity import id_token
from app.identity.id_token import Hint
from app.oauth import clients
from app.oauth.clients import Client
from app.store.db import StoreUnavailable
from app.web import cross_origin, guard, headers, next_page
from app.web.sign_out import browser

bp = Blueprint("end_session", __name__)
PATH = "/oauth/end-session"


@dataclass(frozen=True)
class LogoutRequest:
    """The app that asks, if its ID token proves it, the user it is about, and where to lead back, if registered."""

    client: Client | None
    hint: Hint | None
    back: str | None


@bp.route(PATH, methods=["GET", "POST"])
@guard.without_factor
def end_session() -> ResponseReturnValue:
    """Always ask: a redirect does not prove the user's intent. The button then signs out."""
    decision = cross_origin.decision()
    if decision == "sign-out":
        return _sign_out()
    asked = _read()
    if asked is None:
        return _page(None), 400
    if guard.visit() is None and asked.back and decision is None:
        guard.await_ends()  # there is nothing to end, and the app will take it for a sign-out
        return redirect(asked.back, 303)
    return _page(asked)


def _read() -> LogoutRequest | None:
    """Read the query (section 2), or return None if its parts contradict each other."""
    given = {name: request.args.getlist(name) for name in ("id_token_hint", "client_id", "post_logout_redirect_uri")}
    if any(len(values) > 1 for values in given.values()):
        return None
    token, client_id, back = (values[0] if values else None for values in given.values())
    hint = id_token.read(token) if token else None
    if (token and hint is None) or (hint and client_id not in (None, hint.client_id)):
        return None
    client = clients.find(hint.client_id if hint else client_id or "")
    # Only the token proves which app asks. Anyone can send a client_id, so that alone leads nowhere.
    return LogoutRequest(client, hint, _back(client, back) if client and hint and back else None)


def _back(client: Client, uri: str) -> str | None:
    if not client.check_post_logout_redirect_uri(uri):
        return None
    state = request.args.get("state")
    return clients.lead_back(uri, [("state", state)] if state else [])


def _page(asked: LogoutRequest | None) -> Response:
    visit = guard.visit()
    about_another = bool(visit and asked and asked.hint and asked.hint.sub != visit.user.id)
    page = render_template("web/end_session.html", asked=asked, about_another=about_another, query=next_page.query())
    response = make_response(page)
    if asked and asked.back:
        headers.let_forms_lead_on(response)
    return response


def _sign_out() -> ResponseReturnValue:
    try:
        asked = _read()
    except StoreUnavailable:
        return browser.sign_out()  # where to lead back cannot be known; what it takes to end the session later is kept
    return browser.sign_out(then=asked.back) if asked else (_page(None), 400)
