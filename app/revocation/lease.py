"""The rule of the lease: how long a node may answer from memory. Pure: a clock, no thread, no socket."""

from collections.abc import Callable

from app.clock import steady
from app.revocation.memory import Memory
from app.revocation.witness import LogCut

MARGIN = 1.1  # clocks of two machines do not run equally fast


class Lease:
    """A node's memory of the log, trusted for *seconds* from the start of the read that it comes from.

    While the lease runs, memory answers. Afterwards the node asks the log, and refuses if the log does not answer.
    While the log has lost entries, the node refuses everything.
    """

    def __init__(self, seconds: float, now: Callable[[], float] = steady) -> None:
        self.seconds = seconds
        self._now = now
        self._held: tuple[Memory, float] | None = None  # with the time at which the read began
        self._cut: LogCut | None = None
        self._has_ended = False

    @property
    def pause(self) -> float:
        """Return the seconds between two reads: two may fail before the lease is over."""
        return self.seconds / 3

    def renew(self, read: Callable[[Memory | None], Memory], report: Callable[[int], bool]) -> bool:
        """Start a new lease with the memory that *read* returns, once *report* has published its position.

        Return False and let the old lease run if *report* fails: the registry no longer has this node.
        Raises LogCut."""
        began = self._now()
        try:
            memory = read(self._held[0] if self._held else None)
        except LogCut as problem:
            self._cut, self._held = problem, None
            raise
        self._cut = None
        if not report(memory.position):
            return False
        self._held = memory, began
        return True

    def current(self) -> Memory | None:
        """Return the memory while the lease runs, None afterwards. Raises LogCut."""
        if self._cut:
            raise LogCut(self._cut.size, self._cut.known)
        held = None if self._has_ended else self._held  # a read under way may still end after `end`
        return held[0] if held and self._now() < held[1] + self.seconds else None

    def age(self) -> float | None:
        """Return how long ago the last complete read of the log began, in seconds; None before the first."""
        held = self._held
        return self._now() - held[1] if held else None

    def is_over_everywhere(self, since: float) -> bool:
        """Return whether every lease begun before *since* is over, on every node."""
        return self._now() >= since + self.seconds * MARGIN

    def forget(self) -> None:
        """Trust nothing until the next read, which starts at the beginning of the log."""
        self._held = None

    def end(self) -> None:
        """Trust nothing any more."""
        self._has_ended = True
        self.forget()
