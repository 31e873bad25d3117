"""What this process has seen of the log. A log that is no continuation of it has lost entries, perhaps sign-outs.

Compare only with what was known *before* the log was read: another thread may have read a longer one meanwhile.
"""

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from sqlalchemy import Engine, event
from sqlalchemy.pool import ManagesConnection

from app.store.base import StoreUnavailable

_INFO = "seen of the log"


class LogCut(StoreUnavailable):
    """The log lost entries in its epoch. Nothing is decided until `flask log restore` begins another.

    *seen*: what the process knew that found it so; None if the log was marked before.
    """

    def __init__(self, size: int, known: int, seen: "Seen | None" = None) -> None:
        super().__init__(size, known, seen)
        self.size, self.known, self.seen = size, known, seen

    def __str__(self) -> str:
        return (
            f"the revocation log has lost entries: {self.known} had been read, and the {self.size} that it holds do not"
            " go on from there; run `flask log restore`"
        )


class Seen(NamedTuple):
    """The log of *epoch* had *size* entries; *last* is the hash of the last one, if that was read too."""

    epoch: str
    size: int
    last: bytes | None


class HeadState(NamedTuple):
    """The head of the log as just read. *anchor*: the hash of the entry at `Known.position`; *cut_from*: the mark."""

    size: int
    epoch: str
    cut_from: int | None
    anchor: bytes | None


NOTHING = Seen("", 0, None)


@dataclass(frozen=True)
class Known:
    """Everything seen up to some moment: the longest log of each epoch, and the one seen last."""

    latest: Seen = NOTHING
    longest: Mapping[str, Seen] = field(default_factory=dict)

    @property
    def position(self) -> int:
        return self.latest.size

    def check(self, found: HeadState) -> None:
        """Raise LogCut if the log, read after all this was known, is marked as cut or does not go on from here."""
        if found.cut_from is not None:
            raise LogCut(found.size, found.cut_from)
        seen = self.longest.get(found.epoch)
        if seen and (found.size < seen.size or self._differs(seen, found)):
            raise LogCut(found.size, seen.size, seen)

    def _differs(self, seen: Seen, found: HeadState) -> bool:
        """Return whether the log was cut and has grown again: it then holds another entry at the same position."""
        return seen is self.latest and None not in (seen.last, found.anchor) and seen.last != found.anchor

    def and_also(self, seen: Seen) -> "Known":
        """Return this with *seen* added, which may have been overtaken."""
        longest = self.longest.get(seen.epoch)
        if longest and (longest.size, longest.last is not None) >= (seen.size, seen.last is not None):
            return Known(longest, self.longest)
        return Known(seen, {**self.longest, seen.epoch: seen})


class Witness:
    """Remembers it as long as the process lives, beyond the life of memories, connections and files.

    *on_epoch* is called when the epoch has changed.
    """

    def __init__(self, on_epoch: Callable[[], None]) -> None:
        self._on_epoch = on_epoch
        self._lock = threading.Lock()
        self.known = Known()
        self._reported: Seen | None = None

    def note(self, seen: Seen) -> None:
        """Remember that the log was so: committed, and read or written by this process."""
        with self._lock:
            before, self.known = self.known, self.known.and_also(seen)
        if before.latest is not NOTHING and before.latest.epoch != seen.epoch:
            self._on_epoch()

    def is_news(self, problem: LogCut) -> bool:
        """Return whether this process has yet to report this loss."""
        is_news = problem.seen != self._reported
        self._reported = problem.seen
        return is_news

    def attend(self, engine: Engine) -> None:
        """Mark each connection of *engine* as it leaves the pool."""
        event.listen(engine, "checkout", lambda _raw, record, _pooled: self.mark(record))

    def mark(self, connection: ManagesConnection) -> None:
        """Keep with *connection* what is known now: a transaction that begins on it may read what is as old."""
        connection.info[_INFO] = self.known


def known_to(connection: ManagesConnection) -> Known:
    """Return what was known when *connection* was marked."""
    found: Known = connection.info[_INFO]
    return found
