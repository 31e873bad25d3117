"""The tokens that this browser presents, and what they can still end."""

from collections.abc import Collection
from dataclasses import dataclass

from app import clock
from app.identity import access_token, refresh_token, session_row
from app.identity.session import SITE
from app.identity.session_row import SessionRow
from app.revocation import delivery
from app.web import cookies


@dataclass(frozen=True)
class PresentedTokens:
    """Both tokens, as the browser presented them at the time *at*. Either may be missing, or dead."""

    access: str | None
    refresh: str | None
    at: int

    @classmethod
    def here(cls) -> "PresentedTokens":
        return cls(cookies.read(cookies.ACCESS), cookies.read(cookies.REFRESH), clock.now())

    def sessions(self) -> list[SessionRow]:
        """Return the browser sessions of these tokens, over or not: one, unless cookies were mixed.

        A refresh token counts even if it was exchanged; an access token that had expired does not count at all.
        """
        link = refresh_token.find(self.refresh) if self.refresh else None
        claims = access_token.read(self.access) if self.access else None
        found = [link.session] if link else []
        if claims and claims.exp > self.at and claims.sid not in [session.id for session in found]:
            named = session_row.find(claims.sid)
            found += [named] if named else []
        return [session for session in found if session.client_id == SITE]

    def user_id(self) -> str | None:
        """Return the user of the access token, if it is good. Memory tells, without a look-up in most cases."""
        claims = access_token.read(self.access) if self.access else None
        is_good = claims and claims.client_id == SITE and claims.exp > self.at and delivery.allows(claims)
        return claims.sub if claims and is_good else None

    def are_over(self, ended: Collection[str]) -> bool:
        """Return whether the tokens name no session but these, one of which is that of the refresh token."""
        claims = access_token.read(self.access) if self.access else None
        return bool(ended) and self.refresh is not None and (claims is None or claims.sid in ended)

    def __bool__(self) -> bool:
        return bool(self.access or self.refresh)
