"""Where tokens are presented: an API for each design, the issuer's token endpoint, and a page behind a session cookie.

All of them take real requests, from the lab itself or from anybody's shell.
"""

from flask import Blueprint, Response, abort, jsonify, request
from flask.typing import ResponseReturnValue

from app import admission
from app.db import writing
from app.lab import bearer, bench, issuer, places, verifier
from app.lab.designs import ALL, Fault
from app.lab.issuer import Unwritten
from app.lab.run import Run
from app.lab.verifier import Verdict

bp = Blueprint("resource", __name__)
TIME = "Lab-Time"
COOKIE = "lab-session"


@bp.get("/api/<slug>")
def api(slug: str) -> ResponseReturnValue:
    """Decide on a bearer token as the design *slug* does, now or at the moment that `Lab-Time` names."""
    design = ALL.get(slug) or abort(404)
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    run = _run_of(token) if scheme.lower() == "bearer" else None
    if run is None:
        return _answer(Verdict(401, "No token of a run was sent.", "nothing"))
    return _answer(verifier.decide(design, run, token, _moment(run)))


@bp.get("/page")
def page() -> ResponseReturnValue:
    """Decide on a session cookie, as a site with sessions at the server does."""
    cookie = request.cookies.get(COOKIE, "")
    run = _run_of(cookie)
    if run is None:
        return _answer(Verdict(401, "No session of a run was sent.", "nothing"))
    return _answer(verifier.decide(ALL["session"], run, cookie, _moment(run)))


@bp.post("/token")
def token() -> ResponseReturnValue:
    """Exchange a refresh token, as the issuer of the run does: it looks at its own table, whatever the design."""
    given = request.form.get("refresh_token", "")
    if _is_refused_anyhow(_run_of(given)):
        return jsonify(error="invalid_grant"), 400  # a refusal needs no lock
    try:
        with admission.turn("acts"), writing():
            found = bench.lock(bench_name(given))
            run = found.read_run() if found else None
            if found is None or run is None or not issuer.knows(run, given):
                return jsonify(error="invalid_grant"), 400
            judgement = issuer.meet(run, places.here())
            pocket = issuer.refresh(run, found.id, given)
            found.run = run.to_json()
    except Unwritten:
        return jsonify(error="temporarily_unavailable"), 503
    if pocket is None:
        return jsonify(error="invalid_grant"), 400
    tokens = {"access_token": pocket.access, "opaque": pocket.opaque, "refresh_token": pocket.refresh}
    return jsonify(tokens | {"place": judgement.reaction})


def _is_refused_anyhow(run: Run | None) -> bool:
    """Return whether no refresh token of the run can be good; not while its store is down, which is said first."""
    if run is None:
        return True
    at = issuer.now(run)
    return not run.is_down(Fault.STORE, at) and issuer.is_over(run, run.laptop, at)


def _run_of(token: str) -> Run | None:
    found = bench.find(bench_name(token))
    return found.read_run() if found else None


def bench_name(token: str) -> str:
    """Return whose run a token belongs to: the second part of an opaque one, a claim of a JWT."""
    kind, _, rest = token.partition(".")
    if kind in ("refresh", "opaque", "session"):
        return rest.partition(".")[0]
    read = bearer.read_jwt(token)
    return read.bench if read else ""


def _moment(run: Run) -> int:
    asked = request.headers.get(TIME, "")
    return int(asked) if asked.isascii() and asked.isdigit() and len(asked) < 12 else issuer.now(run)


def _answer(verdict: Verdict) -> Response:
    response = jsonify(verdict.as_json())
    response.status_code = verdict.status
    if verdict.status == 401:
        response.headers["WWW-Authenticate"] = 'Bearer realm="lab"'
    return response
