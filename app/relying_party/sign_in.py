"""Signing in with the issuer: authorization code, PKCE, state, nonce (OpenID Connect Core, section 3.1)."""

from contextlib import suppress
from typing import NoReturn

from flask import Blueprint, Response, redirect, render_template, request
from werkzeug.wrappers import Response as AnyResponse

from app.relying_party import id_token
from app.relying_party import party as here
from app.relying_party.attempts import Attempt
from app.relying_party.client import CodeRefused
from app.relying_party.party import Guests, party
from app.relying_party.verdict import Unheard
from app.relying_party.visits import How, Visit

bp = Blueprint("sign_in", __name__)


class Stopped(Exception):
    """The sign-in goes no further. *headline*, *why*: what its page says."""

    def __init__(self, headline: str, why: str, status: int = 400) -> None:
        super().__init__(headline)
        self.headline, self.why, self.status = headline, why, status


@bp.errorhandler(Stopped)
def say(stopped: Stopped) -> tuple[str, int]:
    return render_template("stopped.html", stopped=stopped, party=party()), stopped.status


@bp.errorhandler(Unheard)
def say_nothing_was_heard(silence: Unheard) -> tuple[str, int]:
    return say(Stopped("Signed Out does not answer", f"You were not signed in: {silence}.", 503))


@bp.get("/sign-in")
def sign_in() -> AnyResponse:
    """Lead the browser to the issuer; the answer is taken from this browser alone."""
    guests = _guests()
    if request.host != party().host:
        return redirect(f"{party().url}/sign-in", 303)  # where its cookies will be, when it comes back
    attempt = guests.attempts.begin()
    response = Response(status=303, headers={"Location": guests.client.authorize(attempt)})
    here.keep_attempt(response, attempt.key)
    return response


@bp.get("/callback")
def callback() -> Response:
    """Take the issuer's answer. Check the browser, then the issuer, and only then exchange the code."""
    guests, answer = _guests(), {name: values[0] for name, values in request.args.lists() if len(values) == 1}
    attempt = guests.attempts.take(here.attempt_key(), answer.get("state", ""))
    if attempt is None:
        _stop("This answer is not for this browser", "It was asked for by another one, long ago, or has been used.")
    if answer.get("iss") != party().issuer.url:  # RFC 9207, section 2.4
        _stop("Another site answered", "This browser was sent to Signed Out, but the answer names another site.")
    if "code" not in answer or "error" in answer:
        _stop("You were not signed in", "Signed Out was not asked to let this site know who you are.")
    return _begin(guests, _identify(guests, answer["code"], attempt))


def _identify(guests: Guests, code: str, attempt: Attempt) -> Visit:
    client = guests.client
    try:
        tokens = client.exchange(code, attempt.verifier)
    except CodeRefused:
        _stop("Signed Out takes this answer back", "It has been used before, or is too old.")
    access = tokens["access_token"]
    found = id_token.read(tokens["id_token"], party().issuer, client.id, nonce=attempt.nonce, access=access)
    person = client.person(access) if found else {}
    if found is None or person.get("sub") != found.sub:
        _stop("This answer cannot be trusted", "It does not match what this site asked for.")
    name = str(person.get("name") or "Guest")
    return Visit(found.sub, found.sid, name, found.iat, tokens["id_token"], tokens["refresh_token"])


def _begin(guests: Guests, visit: Visit) -> Response:
    before = here.visit()
    if not guests.visits.begin(visit):
        _stop("You have signed out in the meantime", "Signed Out told this site so before the sign-in was complete.")
    if before and before.is_live:
        refresh = before.refresh
        guests.visits.end(before, How.HERE)
        with suppress(Unheard):
            guests.client.revoke(refresh)
    response = Response(status=303, headers={"Location": "/"})
    here.keep_visit(response, visit.id)
    return response


def _guests() -> Guests:
    guests = party().guests
    if guests is None:
        _stop("You cannot sign in here", "This site is not registered with Signed Out.", 404)
    return guests


def _stop(headline: str, why: str, status: int = 400) -> NoReturn:
    raise Stopped(headline, why, status)
