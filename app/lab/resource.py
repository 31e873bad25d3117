"""Where tokens are presented, from any shell: an API for each design, and the issuer's revocation endpoint.

Both play the run that the token belongs to.
"""

import hmac

from flask import Response, abort, jsonify, request
from flask.typing import ResponseReturnValue

from app.config import settings
from app.crypto import seal
from app.lab import acts, player, run_view, visitors
from app.lab.player import Answer, Design, Stage
from app.lab.run import Run
from app.machines import Machines

bp = Machines("resource", __name__, beneath=("/lab/api/",))
BOUND = "lab-bound"


@bp.get("/api/<slug>")
def api(slug: str) -> ResponseReturnValue:
    """Decide on a bearer token as the design *slug* does now."""
    design = named(slug)
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    run = visitors.run(visitor_of(token)) if scheme.lower() in ("bearer", "dpop") else None
    answer = Answer(401, "No token of a run was sent.", {})
    if run:
        proof = request.headers.get("DPoP") or request.cookies.get(BOUND)
        answer = run.play(design).check(token, *([proof] if proof else []))
    said = jsonify(
        accepted=answer.accepted, status=answer.status, reason=answer.why, asked=answer.asked, as_of=answer.as_of
    )
    return said, answer.status, {"WWW-Authenticate": 'Bearer realm="lab"'} if answer.status == 401 else {}


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
        return run.do("sign-out") if given in stage.tokens and not stage.is_over else None

    name = visitor_of(given)
    ended = acts.act(name, visitors.locked(name), end)
    if ended and not ended.is_over:
        return {"error": "temporarily_unavailable"}, 503, {"Retry-After": "5"}
    return Response(status=200)


def _is_client() -> bool:
    sender, (name, secret) = request.authorization, credentials()
    password = sender.password or "" if sender and sender.username == name else ""
    return hmac.compare_digest(password.encode(), secret.encode())


def credentials() -> tuple[str, str]:
    """Return the id and the secret of the one client of the lab's issuer."""
    return "lab", seal.derive(settings().secret_key, "secret of the lab's client").hex()


def named(slug: str) -> Design:
    """Return the design of this name, or answer that there is none."""
    return next((design for design in player.every() if design.slug == slug), None) or abort(404)


def visitor_of(token: str) -> str:
    """Return whose run a token belongs to: the second part of an opaque one, the subject of a JWT. Empty for no id."""
    kind, _, rest = token.partition(".")
    name = rest.partition(".")[0] if kind == "lab" else str(run_view.claims(token).get("sub", ""))
    return name if name.isalnum() else ""  # no database takes a lone surrogate
