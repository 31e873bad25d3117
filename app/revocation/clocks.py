"""Compare this machine's clock with the database's: a node whose clock is wrong would take users for thieves."""

import logging
import time
from collections.abc import Callable

from app.clock import steady
from app.store.base import StoreUnavailable
from app.telemetry import security_log

APART_SECONDS = 2
PRECISE_SECONDS = 0.25
FRESH_SECONDS = 5
_log = logging.getLogger("signed_out.clocks")


class ClockApart(StoreUnavailable):
    """This machine's clock differs from the database's, so it issues nothing and judges no refresh token."""


def wall() -> float:
    """Return this machine's own time, which test controls do not move."""
    return time.time()


class Clock:
    """What this process knows about the database's clock.

    It keeps the difference to its steady clock, so a step of its wall clock shows at once, without asking the database.
    """

    def __init__(self) -> None:
        self._measured = 0.0
        self._offset = 0.0
        self._error = float("inf")
        self._is_apart = False

    def measure(self, ask: Callable[[], float]) -> None:
        """Compare with the database's time, which *ask* returns. The time that the answer took bounds the error."""
        before = steady()
        found = ask()
        after = steady()
        error = (after - before) / 2
        if error < PRECISE_SECONDS or error < self._error or not self.is_fresh():
            self._offset, self._error, self._measured = found - (before + after) / 2, error, after
        self._report()

    def is_fresh(self, seconds: float | None = None) -> bool:
        """Return whether the last measurement is recent: the database's clock may be set, too."""
        return steady() < self._measured + (FRESH_SECONDS if seconds is None else seconds)

    def reason(self) -> str | None:
        """Return in words how far the clocks are apart, if that is certainly more than two seconds."""
        ahead = wall() - steady() - self._offset
        if abs(ahead) - self._error <= APART_SECONDS:
            return None
        side = "ahead of" if ahead > 0 else "behind"
        return (
            f"the clock of this machine is {abs(ahead):.1f} seconds {side} the database's, and {APART_SECONDS} are the"
            " most: set both by NTP; until then this node allows no sign-in and renews no token"
        )

    def check(self) -> None:
        """Raise ClockApart if this process must issue nothing."""
        reason = self._report()
        if reason:
            raise ClockApart(reason)

    def _report(self) -> str | None:
        """Return the reason, and log it once when it appears."""
        reason = self.reason()
        if reason and not self._is_apart:
            _log.error("%s", reason)
            security_log.line("clock_apart", seconds=round(wall() - steady() - self._offset, 1))
        self._is_apart = reason is not None
        return reason
