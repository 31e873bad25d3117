"""The revocation endpoint of the lab's issuer (RFC 7009): a refresh token of a run, used or not, ends its session."""

from flask import Blueprint, Response
from flask import request as sent
from flask.typing import ResponseReturnValue

from app import admission
from app.db import writing
from app.lab import abroad, bench, resource

bp = Blueprint("revoke", __name__)


@bp.post("/revoke")
def revoke() -> ResponseReturnValue:
    """Answer 200 whatever the token was, so that nobody learns whether it exists; 503 if nothing can be written."""
    given = sent.form.get("token", "")
    with admission.turn("acts"), writing():
        found = bench.lock(resource.bench_name(given))
        run = found.read_run() if found else None
        if found and run and given in run.play().tokens and not run.play().is_over:
            stage = run.do("revoke")
            abroad.tell(run)
            found.run = run.to_json()
            if stage.refused_write:
                return {"error": "temporarily_unavailable"}, 503, {"Retry-After": "5"}
    return Response(status=200)
