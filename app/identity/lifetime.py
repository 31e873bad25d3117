"""Whether a session goes on, and which one outlives another. Pure."""

from enum import StrEnum

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
