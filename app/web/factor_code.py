"""The second factor at any page that asks for one: a code of the app, or a recovery code."""

from app.identity import activity, browsers, factors, users
from app.identity.factors import Match
from app.identity.users import User
from app.store.db import writing
from app.web import attempts

WRONG = "This code is not right, or was used already. The app shows a new one every 30 seconds."


def find(user: User, typed: str) -> Match | None:
    """Return the code that a user who is not signed in has *typed*, if it is good. Raises TooManyRequests."""
    user_id = user.id  # read before `writing` lets go of the row
    found = attempts.code(user, lambda: factors.match(user, typed))
    if found is None:
        with writing():
            if users.stays(user_id):
                activity.record("factor_failed", user_id, browser=browsers.here())
    return found


def spend(user: User, found: Match) -> str | None:
    """Use the code up; return its word of a proof, or None if it was used. Must run inside `db.writing`, with the row locked."""
    word = factors.spend(user, found)
    if word and found.hash:
        activity.record("code_used", user.id, browser=browsers.here())
    return word
