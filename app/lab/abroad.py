"""What relying parties get of a run: a token signed with this site's key, and an entry in the lab's log when it ends."""

import secrets
from typing import NamedTuple

from app import clock
from app.config import settings
from app.crypto.keys import access_keys
from app.lab.player import ACCESS_LIFE
from app.lab.run import Run, Way

TYPE = "at+jwt"
_EVERYTHING = (Way.ALL, Way.DISABLED)
_BY_THE_SERVER = {Way.SIGN_OUT, Way.ELSEWHERE, Way.ALL, Way.PASSWORD, Way.DISABLED, "reuse"}


def audience() -> str:
    """Return the audience of lab tokens. The site's own API refuses them."""
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


class News(NamedTuple):
    """The arguments of `log.append`."""

    subject: str
    until: int
    pushed: bool


def news(run: Run) -> News | None:
    """Return the lab's log entry for the end of a run, once."""
    if run.told or run.ended_by not in _BY_THE_SERVER:
        return None
    stage, run.told = run.play(), True
    if "withhold" in stage.world.cut:
        return None  # the issuer lies, to relying parties as well
    subject = run.name if run.ended_by in _EVERYTHING else stage.session
    return News(subject, run.expires_at, "push" not in stage.world.cut)
