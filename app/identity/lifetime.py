"""How long a session goes on: its time-outs, and those of the session it hangs on. Pure."""

from enum import StrEnum
from typing import TYPE_CHECKING, Any

OFFLINE = "offline_access"  # the scope of an app's grant that outlives the browser session that gave it


def outlives(scope: str) -> bool:
    """Return whether a grant of this scope outlives the browser session that gave it."""
    return OFFLINE in scope.split()


class State(StrEnum):
    """Whether a session goes on."""

    LIVE = "live"
    IDLE = "idle"
    EXPIRED = "expired"
    ENDED = "ended"


class Lifetime:
    """What decides whether a session goes on. All times are Unix seconds."""

    if TYPE_CHECKING:  # columns of the table; `parent` is another of its rows
        scope: Any
        idle_until: Any
        expires_at: Any
        ended_entry: Any

        @property
        def parent(self) -> Any: ...

    @property
    def is_offline(self) -> bool:
        """Whether this is an app's grant that outlives the browser session that gave it."""
        return outlives(self.scope)

    @property
    def holder(self) -> "Lifetime | None":
        """The browser session that this one hangs on, if it does."""
        return None if self.is_offline else self.parent

    @property
    def longest(self) -> int:
        """When it ends even if it stays in use."""
        own: int = self.expires_at
        return min(own, self.holder.longest) if self.holder else own

    @property
    def ends_at(self) -> int:
        """The nearest of its time-outs, and of those of the session it hangs on."""
        own: int = min(self.idle_until, self.expires_at)
        return min(own, self.holder.ends_at) if self.holder else own

    def state(self, now: int) -> State:
        """Return whether the session goes on: the one definition of live, timed out and ended."""
        if self.ended_entry is not None:
            return State.ENDED
        if now >= self.expires_at:
            return State.EXPIRED
        if now >= self.idle_until:
            return State.IDLE
        return self.holder.state(now) if self.holder else State.LIVE
