"""Moments in a page, in words. The exact one is in the attribute and the tip; a script keeps the words true while the
page is open.

A page has many, and none of their text comes from a user, so they are no macros, which would escape each part.
"""

from markupsafe import Markup

from app import clock
from app.web import words


def ago(at: int) -> Markup:
    """Return how long ago *at* was."""
    return _moment(at, f'data-ago="{at}"', words.ago(at, clock.now()))


def until(at: int) -> Markup:
    """Return how far off *at* is."""
    return _moment(at, f'data-until="{at}"', words.until(at, clock.now()))


def moment(at: int) -> Markup:
    """Return the exact moment. A script writes it in the reader's own zone and language."""
    return _moment(at, "data-day", words.day(at))


def _moment(at: int, kind: str, said: str) -> Markup:
    return Markup(f'<time datetime="{words.rfc3339(at)}" title="{words.day(at)}" {kind}>{said}</time>')  # noqa: S704
