"""The status list: two bits per session, at a place that reveals nothing (Token Status List, draft, section 4)."""

import zlib
from collections.abc import Callable, Mapping
from enum import IntEnum

from app.revocation.checkers.expiry import Expiries
from app.revocation.entries import Bearer, Entry, Kind, Scope

BITS = 2


class Status(IntEnum):
    """What a list says about a token (section 7.1)."""

    VALID = 0
    INVALID = 1
    SUSPENDED = 2


class StatusList:
    """Remembers a status at the place of each session; *place* gives it from the position at which the session opened.

    Coarse: while a single revoked token has not expired, its whole session is suspended.
    """

    def __init__(self, place: Callable[[int], int]) -> None:
        self._place = place
        self._statuses: dict[int, Status] = {}
        self._expiries = Expiries[tuple[int, Status]]()

    def __len__(self) -> int:
        return len(self._statuses)

    @property
    def horizon(self) -> int:
        return self._expiries.horizon

    def apply(self, entry: Entry) -> None:
        if entry.kind is not Kind.REVOKED or entry.scope is Scope.USER:
            return
        place = self._place(entry.opened)
        status = Status.INVALID if entry.scope is Scope.SESSION else Status.SUSPENDED
        if self._statuses.get(place) is not Status.INVALID:
            self._statuses[place] = status
        self._expiries.add(entry.until, (place, status))

    def allows(self, bearer: Bearer) -> bool:
        return self._place(bearer.opened) not in self._statuses and bearer.exp > self.horizon

    def forget(self, now: int) -> None:
        for place, status in self._expiries.pop(now):
            if self._statuses.get(place) is status:
                del self._statuses[place]

    def snapshot(self) -> bytes:
        return pack(self._statuses, max(self._statuses, default=0) + 1)


def pack(statuses: Mapping[int, int], size: int, bits: int = BITS) -> bytes:
    """Compress *size* statuses of *bits* each, the first in the lowest bits of the first byte (section 4.1)."""
    each = 8 // bits
    content = bytearray(-(-size // each))
    for index, status in statuses.items():
        content[index // each] |= status << index % each * bits
    return zlib.compress(bytes(content), 9)


def look_up(packed: bytes, index: int, bits: int = BITS) -> int:
    """Return the status at *index*. Raises IndexError past the end, ValueError if the list is damaged."""
    try:
        content = zlib.decompress(packed)
    except zlib.error as problem:
        raise ValueError("the status list is damaged") from problem
    each = 8 // bits
    if index < 0:
        raise IndexError(index)
    return content[index // each] >> index % each * bits & (1 << bits) - 1
