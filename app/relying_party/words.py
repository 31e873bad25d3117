"""Times and spans, as the pages say them."""

import time
from datetime import UTC, datetime


def ago(at: float) -> str:
    """Return how long ago a Unix time was."""
    seconds = max(0.0, time.time() - at)
    if seconds < 0.1:
        return "just now"
    if seconds < 10:
        return f"{seconds:.1f} seconds ago"
    if seconds < 120:
        return f"{seconds:.0f} seconds ago"
    minutes = round(seconds / 60)
    return f"{minutes} minutes ago" if minutes < 120 else f"{round(minutes / 60)} hours ago"


def time_of_day(at: float) -> str:
    return f"{datetime.fromtimestamp(at, UTC):%H:%M} UTC"


def span(seconds: float) -> str:
    """Return how often, to stand after the word `every`."""
    return "second" if seconds == 1 else f"{seconds:g} seconds"
