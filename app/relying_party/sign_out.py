"""Sign-out: by the visitor's button, or by the issuer's message (Back-Channel Logout)."""

from contextlib import suppress

from flask import Blueprint, Response, abort, jsonify, redirect, render_template, request
from werkzeug.wrappers import Response as AnyResponse

from app.relying_party import logout_token
from app.relying_party import party as here
from app.relying_party.party import Guests, party
from app.relying_party.verdict import Unheard
from app.relying_party.visits import How, Visit

bp = Blueprint("sign_out", __name__)


@bp.post("/sign-out")
def sign_out() -> AnyResponse:
    """End the session here, its tokens at the issuer, and ask there whether to sign out altogether."""
    if not _is_own():
        abort(403)
    visit, guests = here.visit(), party().guests
    if visit is None or guests is None or not visit.is_live:
        return redirect("/", 303)
    return redirect(_leave(guests, visit), 303)


@bp.get("/signed-out")
def signed_out() -> str:
    """Show the end: the issuer sends the browser back here, or this site does if the issuer cannot be reached."""
    visit = here.visit()
    is_back = visit is not None and not visit.is_live and request.args.get("state") == visit.logout_state
    return render_template("signed_out.html", is_back=is_back, party=party())


@bp.post("/backchannel-logout")
def hear() -> tuple[Response, int]:
    """Take the issuer's message. A wrong one gets 400; without the issuer's keys the answer is 503, so it comes again."""
    guests = party().guests
    if guests is None or party().news.name != "push":
        abort(404)
    try:
        logout = logout_token.read(_single("logout_token"), party().issuer, guests.client.id)
    except Unheard as silence:
        return _problem("temporarily_unavailable", str(silence)), 503
    if logout is None:
        return _problem("invalid_request", "This is no logout token of our issuer for us."), 400
    guests.visits.hear(logout)
    return jsonify({}), 200


def _leave(guests: Guests, visit: Visit) -> str:
    """End the session here first, so it is over even if the issuer does not answer."""
    client, id_token, refresh = guests.client, visit.id_token, visit.refresh
    guests.visits.end(visit, How.HERE)
    with suppress(Unheard):
        client.revoke(refresh)
    try:
        return client.end_session(id_token, visit.logout_state)
    except Unheard:
        return "/signed-out"


def _is_own() -> bool:
    """Return whether the request comes from a page of this site, or from no page. Only programs send neither header."""
    site, origin = request.headers.get("Sec-Fetch-Site"), request.headers.get("Origin")
    if site is not None:
        return site in ("same-origin", "none")
    return origin in (None, party().url, request.host_url.rstrip("/"))


def _single(name: str) -> str:
    given = request.form.getlist(name)
    return given[0] if len(given) == 1 else ""


def _problem(error: str, description: str) -> Response:
    return jsonify({"error": error, "error_description": description})
