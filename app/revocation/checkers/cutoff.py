"""The cut-off: for each user the position up to which every session is over."""

from app.revocation.entries import Bearer, Entry, Kind, Scope


class Cutoff:
    """Remembers one position a user, so that who signs in again, even in the same second, is not refused."""

    def __init__(self) -> None:
        self._cuts: dict[str, tuple[int, int]] = {}
        self.horizon = 0

    def __len__(self) -> int:
        return len(self._cuts)

    def apply(self, entry: Entry) -> None:
        if entry.kind is Kind.REVOKED and entry.scope is Scope.USER:
            self._cuts[entry.subject] = (entry.position, entry.until)

    def allows(self, bearer: Bearer) -> bool:
        position, _ = self._cuts.get(bearer.sub, (0, 0))
        return bearer.opened > position and bearer.exp > self.horizon

    def forget(self, now: int) -> None:
        for subject, (_, until) in list(self._cuts.items()):
            if until <= now:
                self.horizon = max(self.horizon, until)
                del self._cuts[subject]
