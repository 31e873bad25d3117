"""The cut-off: for each user the position up to which every session is over."""

from app.revocation.checkers.expiry import Expiries
from app.revocation.entries import Bearer, Entry, Kind, Scope


class Cutoff:
    """Remembers one position per user, so a new sign-in, even in the same second, is accepted."""

    def __init__(self) -> None:
        self._cuts: dict[str, int] = {}
        self._expiries = Expiries[tuple[str, int]]()

    def __len__(self) -> int:
        return len(self._cuts)

    @property
    def horizon(self) -> int:
        return self._expiries.horizon

    def apply(self, entry: Entry) -> None:
        if (
            entry.kind is Kind.REVOKED
            and entry.scope is Scope.USER
            and entry.position > self._cuts.get(entry.subject, 0)
        ):
            self._cuts[entry.subject] = entry.position
            self._expiries.add(entry.until, (entry.subject, entry.position))

    def allows(self, bearer: Bearer) -> bool:
        return bearer.opened > self._cuts.get(bearer.sub, 0) and bearer.exp > self.horizon

    def forget(self, now: int) -> None:
        for subject, position in self._expiries.pop(now):
            if self._cuts.get(subject) == position:
                del self._cuts[subject]

    def snapshot(self) -> bytes:
        return "".join(f"{subject} {position}\n" for subject, position in sorted(self._cuts.items())).encode()
