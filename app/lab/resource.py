"""Where tokens are presented: an API for each design, a page behind a session cookie, and the issuer's endpoints.

All of them take real requests, from any shell, and play the run that the token belongs to.
"""

import hmac
from typing import Any

from flask import Response, abort, jsonify, request
from flask.typing import ResponseReturnValue

from app.config import settings
from app.crypto import seal
from app.lab import acts, player, run_view, visitors
from app.lab.home.sessions import LIFE
from app.lab.player import Answer, Design, Stage
from app.lab.run import Run, reference
from app.machines import Machines
from app.store.db import writing

bp = Machines("resource", __name__, beneath=("/lab/api/",))
TIME = "Lab-Time"
COOKIE, BOUND = "lab-session", "lab-bound"
_NO_TOKEN = Answer(401, "No token of a run was sent.", {})


@bp.get("/api/<slug>")
def api(slug: str) -> ResponseReturnValue:
    """Decide on a bearer token as the design *slug* does, now or at the moment that `Lab-Time` names."""
    design = named(slug)
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    run = visitors.run(visitor_of(token)) if scheme.lower() in ("bearer", "dpop") else None
    if run is None:
        return _answer(_NO_TOKEN)
    proof = request.headers.get("DPoP") or request.cookies.get(BOUND)
    stage = run.play(design, _moment(run))
    return _answer(stage.check(token, *([proof] if proof else [])))


@bp.get("/page")
def page() -> ResponseReturnValue:
    """Decide on a session cookie, as a site with sessions at the server does."""
    cookie = request.cookies.get(COOKIE, "")
    run = visitors.run(visitor_of(cookie))
    if run is None:
        return _answer(_NO_TOKEN)
    stage = run.play(at=_moment(run))
    stage.held["guest"] = {"cookie": cookie}
    return _answer(stage.open_page("guest"))


@bp.post("/token")
def token() -> ResponseReturnValue:
    """Exchange a refresh token, as the issuer of the run does, for tokens of the design that is asked for."""
    given, design = request.form.get("refresh_token", ""), named(request.form.get("design", reference().slug))

    def use(run: Run) -> tuple[Run, str] | None:
        whose = None if run.is_full else run.play().holder(given)
        return (run, whose) if whose and run.do("refresh", whose) else None

    run, whose = _change(given, use) or (None, "")
    stage = run.play(design) if run else None
    if stage and stage.refused_write:
        return jsonify(error="temporarily_unavailable"), 503
    if not (stage and stage.exchanged):
        return jsonify(error="invalid_grant"), 400
    held = stage.held[whose]
    return jsonify(access_token=held["access"], refresh_token=held["refresh"], token_type="Bearer")  # noqa: S106


@bp.post("/revoke")
def revoke() -> ResponseReturnValue:
    """End the session of a refresh token, used or not (RFC 7009).

    The client gets 200 whatever the token was (section 2.2); 401 without its credentials (section 2.1), and 503 if
    nothing can be written."""
    if not _is_client():
        return {"error": "invalid_client"}, 401, {"WWW-Authenticate": 'Basic realm="lab"'}
    given = request.form.get("token", "")

    def end(run: Run) -> Stage | None:
        stage = run.play()
        return run.do("revoke") if given in stage.tokens and not stage.is_over else None

    ended = _change(given, end)
    if ended and ended.refused_write:
        return {"error": "temporarily_unavailable"}, 503, {"Retry-After": "5"}
    return Response(status=200)


def _is_client() -> bool:
    sender, (name, secret) = request.authorization, credentials()
    password = sender.password or "" if sender and sender.username == name else ""
    return hmac.compare_digest(password.encode(), secret.encode())


def credentials() -> tuple[str, str]:
    """Return the id and the secret of the one client of the lab's issuer."""
    return "lab", seal.derive(settings().secret_key, "secret of the lab's client").hex()


def _change(given: str, use: acts.Change) -> Any:
    """Apply *use* to the run of a token, and return its result. If that is empty, take no lock."""
    name = visitor_of(given)
    act = acts.Act(name, visitors.find(name), use)
    if not act.result:
        return None
    with writing():
        visitor = visitors.lock(name)
        return act.write(visitor) if visitor else None


def named(slug: str) -> Design:
    """Return the design of this name, or answer that there is none."""
    return next((design for design in player.every() if design.slug == slug), None) or abort(404)


def visitor_of(token: str) -> str:
    """Return whose run a token belongs to: the second part of an opaque one, the subject of a JWT. Empty for no id."""
    kind, _, rest = token.partition(".")
    name = rest.partition(".")[0] if kind == "lab" else str(run_view.claims(token).get("sub", ""))
    return name if name.isalnum() else ""  # no database takes a lone surrogate


def _moment(run: Run) -> int:
    asked = request.headers.get(TIME, "")
    if not (asked.isascii() and asked.isdigit() and len(asked) < 12):
        return run.now
    return min(max(0, int(asked) - run.began_at), LIFE + 1)


def _answer(answer: Answer) -> Response:
    response = jsonify(
        accepted=answer.accepted, status=answer.status, reason=answer.why, asked=answer.asked, as_of=answer.as_of
    )
    response.status_code = answer.status
    if answer.status == 401:
        response.headers["WWW-Authenticate"] = 'Bearer realm="lab"'
    return response
