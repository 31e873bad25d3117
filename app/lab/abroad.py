"""What verifiers elsewhere get of a run: a token signed by this site's own key, and word of its end in the lab's log."""

import secrets

from app import clock
from app.config import settings
from app.keys import access_keys
from app.lab import log
from app.lab.player import ACCESS_LIFE
from app.lab.run import Run, Way

TYPE = "at+jwt"
_EVERYTHING = (Way.ALL, Way.DISABLED)
_BY_THE_SERVER = {Way.SIGN_OUT, Way.ELSEWHERE, Way.ALL, Way.PASSWORD, Way.DISABLED, "reuse"}


def audience() -> str:
    """Return whom lab tokens are meant for: not the site's own API, which refuses them."""
    return f"{settings().site_url}/lab"


def token(run: Run, whose: str = "thief") -> str:
    """Sign what the thief holds, or the phone. Relying parties keep real time, also where the run's clock differs."""
    stage = run.play()
    session = stage.held.get(whose, {}).get("session", stage.session)
    issued = stage.issued_at[-1] if session == stage.session else run.began_at
    claims = {
        "iss": settings().site_url,
        "aud": audience(),
        "sub": run.name,
        "sid": session,
        "jti": secrets.token_urlsafe(12),
        "opened": run.opened,
        "iat": issued,
        "exp": issued + ACCESS_LIFE,
    }
    return access_keys().signing(clock.now()).sign(claims, TYPE)


def tell(run: Run) -> None:
    """Append the end of a run to the lab's log, once. Must run inside `db.writing`."""
    if run.told or run.ended_by not in _BY_THE_SERVER:
        return
    stage, run.told = run.play(), True
    if "withhold" in stage.world.cut:
        return  # the issuer lies, to relying parties as well
    subject = run.name if run.ended_by in _EVERYTHING else stage.session
    log.append(subject, until=run.expires_at, pushed="push" not in stage.world.cut)
