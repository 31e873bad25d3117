"""The tokens that this browser holds: what they can still end, and nothing else."""

import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

from app import clock, seal
from app.config import settings
from app.db import db
from app.identity import access_token, refresh_token, session_row
from app.identity.session import SITE, Session
from app.identity.session_row import SessionRow
from app.web import cookies

ENDING_SECONDS = 60 * 60
MOST = 3  # sign-outs that wait in one cookie, for which a browser has 4,096 characters
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
    def pending(cls) -> list["Held"]:
        """Open what earlier sign-outs could not end, the newest first."""
        opened = [cls(access, refresh, at) for at, access, refresh in _open(cookies.read(cookies.ENDING) or "")]
        return [held for held in opened if clock.now() - held.at < ENDING_SECONDS]

    @staticmethod
    def seal(waiting: Sequence["Held"]) -> str:
        """Return the first of these in a form that can only end them, for a while."""
        content = json.dumps([[held.at, held.access, held.refresh] for held in waiting[:MOST]])
        return urlsafe_b64encode(seal.close(settings().secret_key, _ENDING, content)).decode()

    def sessions(self) -> list[Session]:
        """Return the `rows` as ORM objects."""
        found = (db.session.get(Session, row.id) for row in self.rows())
        return [session for session in found if session]

    def rows(self) -> list[SessionRow]:
        """Return the browser sessions of these tokens, over or not: one, unless cookies were mixed.

        A refresh token counts even if it was exchanged; an access token that had expired does not count at all.
        """
        owner = refresh_token.owner(self.refresh) if self.refresh else None
        claims = access_token.read(self.access) if self.access else None
        named = session_row.find(claims.sid) if claims and claims.exp > self.at else None
        found = {session.id: session for session in (owner, named) if session and session.client_id == SITE}
        return list(found.values())

    def are_over(self, ended: Collection[str]) -> bool:
        """Return whether the tokens name no session but these, one of which is that of the refresh token."""
        claims = access_token.read(self.access) if self.access else None
        return bool(ended) and self.refresh is not None and (claims is None or claims.sid in ended)

    def __bool__(self) -> bool:
        return bool(self.access or self.refresh)


def _open(cookie: str) -> list[list[Any]]:
    try:
        opened = seal.reveal(settings().secret_key, _ENDING, urlsafe_b64decode(cookie))
    except ValueError:
        return []
    found: list[list[Any]] = json.loads(opened) if opened else []
    return found
