"""The denylist: everything revoked, until it would have expired anyway."""

from array import array

from app.revocation.checkers.bitmap import Bitmap
from app.revocation.checkers.expiry import Expiries
from app.revocation.entries import Bearer, Entry, Kind, Scope


class Denylist:
    """Remembers revoked sessions by the position at which they opened, one bit each, and revoked tokens by their id."""

    def __init__(self) -> None:
        self._sessions = Bitmap()
        self._tokens: set[str] = set()
        self._session_expiries = Expiries[int](lambda: array("Q"))
        self._token_expiries = Expiries[str]()

    def __len__(self) -> int:
        return len(self._sessions) + len(self._tokens)

    @property
    def horizon(self) -> int:
        return max(self._session_expiries.horizon, self._token_expiries.horizon)

    def apply(self, entry: Entry) -> None:
        if entry.kind is not Kind.REVOKED:
            return
        if entry.scope is Scope.SESSION:
            if self._sessions.add(entry.opened):
                self._session_expiries.add(entry.until, entry.opened)
        elif entry.scope is Scope.TOKEN and entry.subject not in self._tokens:
            self._tokens.add(entry.subject)
            self._token_expiries.add(entry.until, entry.subject)

    def allows(self, bearer: Bearer) -> bool:
        return bearer.opened not in self._sessions and bearer.jti not in self._tokens and bearer.exp > self.horizon

    def forget(self, now: int) -> None:
        for position in self._session_expiries.pop(now):
            self._sessions.remove(position)
        self._tokens.difference_update(self._token_expiries.pop(now))

    def snapshot(self) -> bytes:
        return b"".join((*self._sessions.pages(), *(name.encode() for name in sorted(self._tokens))))
