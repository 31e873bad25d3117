"""The endpoints beside the token endpoint: one class for each."""

from dataclasses import asdict, dataclass
from typing import Any, Protocol

from authlib.oauth2.rfc6749 import InvalidRequestError
from authlib.oauth2.rfc6749.requests import OAuth2Request
from authlib.oauth2.rfc7009 import RevocationEndpoint
from authlib.oauth2.rfc7662 import IntrospectionEndpoint
from flask import request as http

from app.config import settings
from app.db import writing
from app.identity import access_token, activity, refresh_token, sessions
from app.identity.access_token import Claims
from app.identity.session import SITE, Reason
from app.identity.session_row import SessionRow
from app.oauth.client import CONFIDENTIAL, INTROSPECT, METHODS, Client
from app.revocation import log

_ENDS_SITE = Reason.SIGNED_OUT, "signed_out"
_ENDS_APP = Reason.REVOKED, "session_ended"
NOTE = (
    "signed_out.note"  # in the WSGI environment, out of reach for headers: the transaction that ends a session calls it
)
_OURS = ("opened", "link")  # claims that mean nothing elsewhere


class Found(Protocol):
    """A token of ours, found by what was presented."""

    @property
    def client_id(self) -> str: ...

    def revoke(self) -> None:
        """End what hangs on it."""

    def describe(self) -> dict[str, Any] | None:
        """Return what it says (RFC 7662, section 2.2) while it is good, else None. Raises StoreUnavailable."""

    def may_be_seen_by(self, client: Client) -> bool:
        """Say whether *client* may ask about it."""


class Revocation(RevocationEndpoint):
    """Token revocation (RFC 7009). What is ended follows from the token itself; a hint changes nothing.

    A token that is unknown, already ended, or another client's gets the same answer as a success, and nothing is done:
    whoever asks cannot learn whether it exists.
    """

    CLIENT_AUTH_METHODS = METHODS

    def authenticate_token(self, request: OAuth2Request, client: Client) -> Found | None:
        found = _presented(request)
        if found is None or found.client_id != client.id:
            # A line for either, as to write one takes time.
            activity.line("foreign_token_presented" if found else "unknown_token_presented", client=client.id)
            return None
        return found

    def revoke_token(self, token: Found, request: OAuth2Request) -> None:
        token.revoke()


class Introspection(IntrospectionEndpoint):
    """Token introspection (RFC 7662), for clients with a secret. A hint changes nothing.

    What is unknown, over, or not for this client to see is just not active.
    """

    CLIENT_AUTH_METHODS = CONFIDENTIAL

    def authenticate_token(self, request: OAuth2Request, client: Client) -> dict[str, Any] | None:
        found = _presented(request)
        return found.describe() if found and found.may_be_seen_by(client) else None

    def create_introspection_payload(self, token: dict[str, Any] | None) -> dict[str, Any]:
        return {"active": True, **token} if token else {"active": False}


@dataclass(frozen=True)
class RefreshOf:
    """A refresh token, used or not: its whole session ends."""

    token: str
    session: SessionRow

    @property
    def client_id(self) -> str:
        return self.session.client_id

    def may_be_seen_by(self, client: Client) -> bool:
        return self.client_id == client.id

    def describe(self) -> dict[str, Any] | None:
        session = self.session
        if not session.goes_on() or not refresh_token.is_newest(self.token):
            return None
        scope, longest = refresh_token.chain_of(self.token, session)
        issued = {"iss": settings().site_url, "exp": min(session.ends_at, longest), "iat": session.began_at}
        return issued | {"sub": session.user_id, "client_id": self.client_id, "scope": scope, "sid": session.id}

    def revoke(self) -> None:
        if self.session.await_end():  # no lock is taken for a dead token
            return
        sid = self.session.id  # read before `writing` lets go of the row, which a purge may remove
        with writing():
            session = sessions.lock(sid)
            if session is None:
                return
            reason, event = _ENDS_SITE if session.client_id == SITE else _ENDS_APP
            if session.end(reason, actor=session.id):
                activity.record(event, session.user_id, session)
                _note(sid)


@dataclass(frozen=True)
class Access:
    """An access token: it alone ends (section 2.1 leaves its refresh token to the server's policy)."""

    token: str
    claims: Claims

    @property
    def client_id(self) -> str:
        return self.claims.client_id

    def may_be_seen_by(self, client: Client) -> bool:
        return self.client_id == client.id or INTROSPECT in client.scope.split()

    def describe(self) -> dict[str, Any] | None:
        if not isinstance(access_token.check(self.token), Claims):
            return None
        said = {name: value for name, value in asdict(self.claims).items() if name not in _OURS and value is not None}
        return said | access_token.acr(self.claims) | {"token_type": "Bearer"}

    def revoke(self) -> None:
        if access_token.await_end(self.claims):
            return
        with writing():
            if sessions.lock(self.claims.sid):
                access_token.revoke(self.claims, reason=Reason.REVOKED)


def _note(sid: str) -> None:
    note = http.environ.get(NOTE)
    if note:
        note(sid)


def _presented(request: OAuth2Request) -> Found | None:
    """Return the token of this request, whatever its kind and hint. Raises InvalidRequestError where there is none."""
    token = request.form.get("token")
    if not token:
        raise InvalidRequestError("Parameter token is missing.")
    log.head()  # in a log that was cut, a token that lives may be unknown. Raises LogCut
    session = refresh_token.owner(token)
    if session:
        return RefreshOf(token, session)
    claims = access_token.read(token)
    return Access(token, claims) if claims else None
