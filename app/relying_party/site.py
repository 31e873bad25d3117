"""The pages of this site: one that says how it hears of revocations, and one resource behind a bearer token."""

from collections.abc import Callable

from flask import Blueprint, Flask, Response, current_app, jsonify, render_template, request

from app.relying_party import token
from app.relying_party.deliveries import Ask, Delivery, Never, Poll
from app.relying_party.issuer import Issuer
from app.relying_party.push import Push
from app.relying_party.verdict import Unheard, Verdict

DELIVERIES = ("never", "ask", "poll", "push")
bp = Blueprint("site", __name__)
_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'",
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}


def create_site(issuer_url: str, delivery: str, every: float) -> Flask:
    """Build the site. It starts to hear of revocations at once, so build it in the process that answers."""
    site = Flask(__name__)
    issuer = Issuer(issuer_url)
    makes: dict[str, Callable[[], Delivery]] = {
        "never": Never,
        "ask": lambda: Ask(issuer),
        "poll": lambda: Poll(issuer, every),
        "push": lambda: Push(issuer),
    }
    made = makes[delivery]()
    made.start()
    site.extensions |= {"issuer": issuer, "news": made}
    site.register_blueprint(bp)
    site.after_request(_careful)
    return site


@bp.get("/")
def home() -> str:
    issuer, news = _parts()
    return render_template(
        "home.html", issuer=issuer, news=news, heard=news.heard(), age=news.age(), is_silent=news.is_silent()
    )


@bp.get("/api/me")
def me() -> Response:
    """Decide on a bearer token as this site's delivery does."""
    _, news = _parts()
    verdict = _decide()
    answer = jsonify({"delivery": news.name, **verdict.as_json()})
    answer.status_code = verdict.status
    if verdict.status == 401:
        answer.headers["WWW-Authenticate"] = 'Bearer realm="relying party"'
    if verdict.status == 503:
        answer.headers["Retry-After"] = "1"
    return answer


def _decide() -> Verdict:
    issuer, news = _parts()
    scheme, _, given = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not given:
        return Verdict(401, "No token was sent.", "nothing")
    try:
        read = token.read(given.strip(), issuer)
        return read if isinstance(read, Verdict) else news.decide(read)
    except Unheard as silence:
        return Verdict(503, f"It cannot know: {silence}.", "no answer")


def _parts() -> tuple[Issuer, Delivery]:
    return current_app.extensions["issuer"], current_app.extensions["news"]


def _careful(response: Response) -> Response:
    response.headers.update(_HEADERS)
    return response
