"""The allowlist: every live session. It refuses what it does not know."""

from app.revocation.checkers.bitmap import Bitmap
from app.revocation.checkers.expiry import Expiries
from app.revocation.entries import Bearer, Entry, Kind, Scope


class Allowlist:
    """Remembers sessions by the position at which they opened. Coarse: a revoked token ends its whole session."""

    horizon = 0  # what is forgotten is refused by itself

    def __init__(self) -> None:
        self._live = Bitmap()
        self._read = 0
        self._expiries = Expiries[int]()

    def __len__(self) -> int:
        return len(self._live)

    def apply(self, entry: Entry) -> None:
        if entry.position <= self._read:  # read before: an opening must not undo an end
            return
        self._read = entry.position
        if entry.kind is Kind.OPENED:
            self._live.add(entry.opened)
            self._expiries.add(entry.until, entry.opened)
        elif entry.scope is not Scope.USER:
            self._live.discard(entry.opened)

    def allows(self, bearer: Bearer) -> bool:
        return bearer.opened in self._live

    def forget(self, now: int) -> None:
        for position in self._expiries.pop(now):
            self._live.discard(position)

    def snapshot(self) -> bytes:
        return b"".join(self._live.pages())
