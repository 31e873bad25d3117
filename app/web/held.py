"""The tokens that this browser holds: what they can still end, and nothing else."""

import json
from dataclasses import dataclass

from app import clock, seal
from app.config import settings
from app.db import db
from app.identity import access_token, refresh_token
from app.identity.session import SITE, Session
from app.web import cookies

ENDING_SECONDS = 60 * 60
_ENDING = "tokens that may only be ended"


@dataclass(frozen=True)
class Held:
    """Both tokens, as the browser showed them at the time *at*. Either may be missing, or dead."""

    access: str | None
    refresh: str | None
    at: int

    @classmethod
    def here(cls) -> "Held":
        return cls(cookies.read(cookies.ACCESS), cookies.read(cookies.REFRESH), clock.now())

    @classmethod
    def pending(cls) -> "Held":
        """Open what an earlier sign-out could not end."""
        cookie = cookies.read(cookies.ENDING) or ""
        try:
            opened = seal.reveal(settings().secret_key, _ENDING, bytes.fromhex(cookie))
        except ValueError:
            opened = None
        sealed_at, access, refresh = json.loads(opened) if opened else (0, None, None)
        in_time = clock.now() - sealed_at < ENDING_SECONDS
        return cls(access, refresh, sealed_at) if in_time else cls(None, None, sealed_at)

    def sealed(self) -> str:
        """Return both in a form that can only end them, for a while."""
        content = json.dumps([self.at, self.access, self.refresh])
        return seal.close(settings().secret_key, _ENDING, content).hex()

    def sessions(self) -> list[Session]:
        """Return the browser sessions of these tokens, over or not: one, unless cookies were mixed.

        A refresh token counts even if it was exchanged; an access token that had expired does not count at all.
        """
        owner = refresh_token.owner(self.refresh) if self.refresh else None
        claims = access_token.read(self.access) if self.access else None
        named = db.session.get(Session, claims.sid) if claims and claims.exp > self.at else None
        found = {session.id: session for session in (owner, named) if session and session.client_id == SITE}
        return list(found.values())

    def __bool__(self) -> bool:
        return bool(self.access or self.refresh)
