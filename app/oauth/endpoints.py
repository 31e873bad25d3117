"""The endpoints beside the token endpoint: one class for each."""

from dataclasses import dataclass
from typing import Protocol

from authlib.oauth2.rfc6749 import InvalidRequestError
from authlib.oauth2.rfc6749.requests import OAuth2Request
from authlib.oauth2.rfc7009 import RevocationEndpoint

from app.db import writing
from app.identity import access_token, activity, refresh_token, sessions
from app.identity.access_token import Claims
from app.identity.session import SITE, Reason
from app.oauth.client import METHODS, Client


class Revocable(Protocol):
    """A token of ours, found by what was presented."""

    @property
    def client_id(self) -> str: ...

    def revoke(self) -> None:
        """End what hangs on it."""


class Revocation(RevocationEndpoint):
    """Token revocation (RFC 7009). What is ended follows from the token itself; a hint changes nothing.

    A token that is unknown, already ended, or another client's gets the same answer as a success, and nothing is done:
    whoever asks cannot learn whether it exists.
    """

    CLIENT_AUTH_METHODS = METHODS

    def authenticate_token(self, request: OAuth2Request, client: Client) -> Revocable | None:
        token = request.form.get("token")
        if not token:
            raise InvalidRequestError("Parameter token is missing.")
        found = _find(token)
        if found is None or found.client_id != client.id:
            # A line for either, as to write one takes time.
            activity.line("foreign_token_presented" if found else "unknown_token_presented", client=client.id)
            return None
        return found

    def revoke_token(self, token: Revocable, request: OAuth2Request) -> None:
        token.revoke()


@dataclass(frozen=True)
class RefreshOf:
    """A refresh token, used or not: its whole session ends."""

    sid: str
    client_id: str

    def revoke(self) -> None:
        with writing():
            session = sessions.lock(self.sid)
            reason = Reason.SIGNED_OUT if self.client_id == SITE else Reason.REVOKED
            if session and session.end(reason, actor=session.id):
                activity.record("signed_out" if self.client_id == SITE else "session_ended", session.user_id, session)


@dataclass(frozen=True)
class Access:
    """An access token: it alone ends (section 2.1 leaves its refresh token to the server's policy)."""

    claims: Claims

    @property
    def client_id(self) -> str:
        return self.claims.client_id

    def revoke(self) -> None:
        with writing():
            if sessions.lock(self.claims.sid):
                access_token.revoke(self.claims, reason=Reason.REVOKED)


def _find(token: str) -> Revocable | None:
    session = refresh_token.owner(token)
    if session:
        return RefreshOf(session.id, session.client_id)
    claims = access_token.read(token)
    return Access(claims) if claims else None
