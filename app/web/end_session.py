"""End session: an app asks that its person be signed out here too (OpenID Connect RP-Initiated Logout)."""

from dataclasses import dataclass

from flask import Blueprint, make_response, redirect, render_template, request
from flask.typing import ResponseReturnValue
from werkzeug.wrappers import Response

from app.db import StoreUnavailable
from app.identity import id_token
from app.identity.id_token import Hint
from app.oauth import client as clients
from app.oauth.client import Client
from app.web import cross_origin, guard, headers, local, sign_out

bp = Blueprint("end_session", __name__)
PATH = "/oauth/end-session"


@dataclass(frozen=True)
class Wish:
    """Who asks, as far as its ID token proves it, about whom, and where to go afterwards if that is registered."""

    client: Client | None
    hint: Hint | None
    back: str | None


@bp.route(PATH, methods=["GET", "POST"])
def end_session() -> ResponseReturnValue:
    """Ask, always: that an app sends a browser here proves no wish of its person. The button then does it."""
    decision = cross_origin.decision()
    if decision == "sign-out":
        return _leave()
    wish = _read()
    if wish is None:
        return _page(None), 400
    if guard.visit() is None and wish.back and decision is None:
        guard.await_ends()  # there is nothing to end, and the app will take it for a sign-out
        return redirect(wish.back, 303)
    return _page(wish)


def _read() -> Wish | None:
    """Read the query (section 2), or return None if its parts contradict each other."""
    given = {name: request.args.getlist(name) for name in ("id_token_hint", "client_id", "post_logout_redirect_uri")}
    if any(len(values) > 1 for values in given.values()):
        return None
    token, client_id, back = (values[0] if values else None for values in given.values())
    hint = id_token.read(token) if token else None
    if (token and hint is None) or (hint and client_id not in (None, hint.client_id)):
        return None
    client = clients.find(hint.client_id if hint else client_id or "")
    # Only the token proves who asks; a client_id alone is anybody's, so it leads nowhere.
    return Wish(client, hint, _back(client, back) if client and hint and back else None)


def _back(client: Client, uri: str) -> str | None:
    if not client.check_post_logout_redirect_uri(uri):
        return None
    state = request.args.get("state")
    return clients.lead_back(uri, [("state", state)] if state else [])


def _page(wish: Wish | None) -> Response:
    visit = guard.visit()
    about_another = bool(visit and wish and wish.hint and wish.hint.sub != visit.user.id)
    page = render_template("web/end_session.html", wish=wish, about_another=about_another, query=local.query())
    response = make_response(page)
    if wish and wish.back:
        headers.let_forms_lead_on(response)
    return response


def _leave() -> ResponseReturnValue:
    try:
        wish = _read()
    except StoreUnavailable:
        return sign_out.leave()  # where to go on to cannot be known; what it takes to end the session later is kept
    return sign_out.leave(then=wish.back) if wish else (_page(None), 400)
