"""The revocation endpoint of the lab's issuer (RFC 7009): a refresh token of a run, used or not, ends its session."""

import hmac

from flask import Blueprint, Response
from flask import request as sent
from flask.typing import ResponseReturnValue

from app.config import settings
from app.crypto import seal
from app.lab import resource
from app.lab.player import Stage
from app.lab.run import Run

bp = Blueprint("revoke", __name__)


def credentials() -> tuple[str, str]:
    """Return the id and the secret of the one client of the lab's issuer."""
    return "lab", seal.derive(settings().secret_key, "secret of the lab's client").hex()


@bp.post("/revoke")
def revoke() -> ResponseReturnValue:
    """Answer the client 200 whatever the token was (section 2.2); 401 without its credentials (section 2.1), and 503 if
    nothing can be written."""
    if not _is_client():
        return {"error": "invalid_client"}, 401, {"WWW-Authenticate": 'Basic realm="lab"'}
    given = sent.form.get("token", "")

    def end(run: Run) -> Stage | None:
        stage = run.play()
        return run.do("revoke") if given in stage.tokens and not stage.is_over else None

    ended = resource.change(given, end)
    if ended and ended.refused_write:
        return {"error": "temporarily_unavailable"}, 503, {"Retry-After": "5"}
    return Response(status=200)


def _is_client() -> bool:
    sender, (name, secret) = sent.authorization, credentials()
    return bool(sender and sender.username == name and hmac.compare_digest(sender.password or "", secret))
