"""The denylist: the ids of what was revoked, until it would have expired anyway."""

import heapq

from app.revocation.entries import Bearer, Entry, Kind, Scope


class Denylist:
    """Remembers revoked sessions and tokens, each by its id."""

    def __init__(self) -> None:
        self._revoked: set[str] = set()
        self._expiries: list[tuple[int, str]] = []
        self.horizon = 0

    def __len__(self) -> int:
        return len(self._revoked)

    def apply(self, entry: Entry) -> None:
        if entry.kind is Kind.REVOKED and entry.scope is not Scope.USER and entry.subject not in self._revoked:
            self._revoked.add(entry.subject)
            heapq.heappush(self._expiries, (entry.until, entry.subject))

    def allows(self, bearer: Bearer) -> bool:
        known = bearer.sid in self._revoked or bearer.jti in self._revoked
        return not known and bearer.exp > self.horizon

    def forget(self, now: int) -> None:
        while self._expiries and self._expiries[0][0] <= now:
            self.horizon, subject = heapq.heappop(self._expiries)
            self._revoked.discard(subject)
