"""The pages of this site: one names the signed-in user and how the site learns of a sign-out; one resource needs a bearer token."""

from collections.abc import Callable
from typing import Any

from flask import Blueprint, Flask, Response, jsonify, render_template, request

from app.relying_party import party as here
from app.relying_party import sign_in, sign_out, token, watch, words
from app.relying_party.attempts import Attempts
from app.relying_party.client import Client
from app.relying_party.deliveries import Ask, Delivery, Never, Poll, Push
from app.relying_party.issuer import Issuer
from app.relying_party.party import Guests, Party, party
from app.relying_party.verdict import Unheard, Verdict
from app.relying_party.visits import Visits

DELIVERIES: dict[str, Callable[[Issuer, float], Delivery]] = {
    "never": lambda _issuer, _every: Never(),
    "ask": lambda issuer, _every: Ask(issuer),
    "poll": Poll,
    "push": lambda issuer, _every: Push(issuer),
}
LONGEST_REQUEST = 64 * 1024
bp = Blueprint("site", __name__)


def create_site(
    issuer: Issuer, delivery: str, every: float, url: str, client_id: str | None = None, secret: str = ""
) -> Flask:
    """Build the site at the public address *url*. It hears of nothing before its party is started."""
    site = Flask(__name__)
    site.config["MAX_CONTENT_LENGTH"] = LONGEST_REQUEST
    client = Client(issuer, client_id, secret, url) if client_id else None
    guests = _guests(client, delivery, every) if client else None
    site.extensions["party"] = Party(url, issuer, DELIVERIES[delivery](issuer, every), guests)
    for pages in (bp, sign_in.bp, sign_out.bp):
        site.register_blueprint(pages)
    site.after_request(_careful)
    site.add_template_filter(words.ago)
    site.add_template_filter(words.time_of_day)
    return site


@bp.get("/")
def home() -> tuple[str, int]:
    visit, guests, silence = here.visit(), party().guests, None
    if visit and guests and visit.is_live:
        try:
            guests.watch.look(visit)
        except Unheard as found:
            silence = str(found)
    page = render_template("home.html", party=party(), visit=visit, silence=silence)
    return page, 503 if silence else 200


@bp.get("/tokens")
def tokens() -> str:
    """Show how this site decides on bearer tokens."""
    news = party().news
    about = {"heard": news.heard(), "age": news.age(), "is_silent": news.is_silent()}
    return render_template("tokens.html", party=party(), news=news, **about)


@bp.get("/state")
def state() -> dict[str, str]:
    """Answer an open page that polls its state, from memory, without asking the issuer."""
    return {"state": _state()}


@bp.get("/api/me")
def me() -> Response:
    """Decide on a bearer token as this site's delivery does."""
    verdict = _decide()
    answer = jsonify({"delivery": party().news.name, **verdict.as_json()})
    answer.status_code = verdict.status
    if verdict.status == 401:
        answer.headers["WWW-Authenticate"] = 'Bearer realm="relying party"'
    if verdict.status == 503:
        answer.headers["Retry-After"] = "1"
    return answer


@bp.app_context_processor
def _for_pages() -> dict[str, Any]:
    return {"state": _state}


def _state() -> str:
    visit = here.visit()
    return "visitor" if visit is None else "live" if visit.is_live else "ended"


def _decide() -> Verdict:
    scheme, _, given = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not given:
        return Verdict(401, "No token was sent.", "nothing")
    try:
        read = token.read(given.strip(), party().issuer)
        return read if isinstance(read, Verdict) else party().news.decide(read)
    except Unheard as silence:
        return Verdict(503, f"It cannot know: {silence}.", "no answer")


def _guests(client: Client, delivery: str, every: float) -> Guests:
    visits = Visits()
    return Guests(client, visits, Attempts(), watch.make(delivery, client, visits, every))


def _careful(response: Response) -> Response:
    forms = f"'self' {party().issuer.url}"  # a sign-out is led on to the issuer: browsers hold that to the same rule
    response.headers.update(
        {
            "Content-Security-Policy": "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; img-src 'self'; "
            f"frame-ancestors 'none'; base-uri 'none'; form-action {forms}",
            "Cache-Control": "no-store",
            "Referrer-Policy": "same-origin",  # with no-referrer, forms over plain http would send `Origin: null`
            "X-Content-Type-Options": "nosniff",
            "Cross-Origin-Opener-Policy": "same-origin",
            "Cross-Origin-Resource-Policy": "same-origin",
        }
    )
    return response
