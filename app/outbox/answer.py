"""The result of one attempt to deliver, and when to try again. Pure."""

from dataclasses import dataclass
from enum import StrEnum

from app.config import DAY

PAUSES = (5, 15, 60, 5 * 60, 15 * 60, 60 * 60)  # seconds until the next attempt; the last one again and again
GIVE_UP_SECONDS = DAY


class Outcome(StrEnum):
    """The outcome of an attempt, and so of the message."""

    DELIVERED = "delivered"
    REFUSED = "refused"
    FAILED = "failed"
    GIVEN_UP = "given_up"


@dataclass(frozen=True)
class Answer:
    """*words*: what happened; *milliseconds*: how long it took."""

    outcome: Outcome
    words: str
    milliseconds: int = 0


def next_try(attempts: int, made_at: int, now: int) -> int | None:
    """Return when to try again after this number of failed *attempts*; None to give up. All times are Unix seconds."""
    at = now + PAUSES[min(attempts, len(PAUSES)) - 1]
    return at if at <= made_at + GIVE_UP_SECONDS else None
