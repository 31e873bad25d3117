"""The revocation endpoint of the lab's issuer (RFC 7009): a refresh token of a run, used or not, ends its session."""

from flask import Blueprint, Response
from flask import request as sent
from flask.typing import ResponseReturnValue

from app import admission
from app.db import writing
from app.lab import bench, issuer, resource
from app.lab.issuer import Unwritten
from app.lab.run import Run, Way

bp = Blueprint("revoke", __name__)


@bp.post("/revoke")
def revoke() -> ResponseReturnValue:
    """Answer 200 whatever the token was, so that nobody learns whether it exists; 503 if nothing can be written."""
    given = sent.form.get("token", "")
    try:
        with admission.turn("acts"), writing():
            found = bench.lock(resource.bench_name(given))
            run = found.read_run() if found else None
            if found and run and issuer.knows(run, given):
                _end(run)
                found.run = run.to_json()
    except Unwritten:
        return {"error": "temporarily_unavailable"}, 503, {"Retry-After": "5"}
    return Response(status=200)


def _end(run: Run) -> None:
    at = issuer.now(run)
    if issuer.is_over(run, run.laptop, at):
        return
    issuer.end(run, Way.SIGN_OUT)
    run.copied = run.copied or run.held
    run.ended_at, run.ended_by, run.held = at, Way.SIGN_OUT.value, None
