"""Attempts at a password or a code: how many may fail, for which account and from where, before the next one has to wait.

docs/security.md has the tables ("Wrong passwords", "Wrong codes"). Only failures count. An account at a known place,
and a session, are counted separately, so a guesser elsewhere cannot use them up.
"""

from collections.abc import Callable, Sequence
from typing import TypeVar

from app.capacity import throttle
from app.capacity.throttle import Limit, PlaceThrottle, Throttle
from app.identity import known_place, users
from app.identity.users import User
from app.network import address

T = TypeVar("T")

# In a new place.
_by_place = PlaceThrottle("wrong passwords by place", "50 per 10 minutes")
_by_place_and_account = Throttle("wrong passwords by place and account", "10 per 10 minutes")
_by_account = Throttle("wrong passwords by account", "30 per 10 minutes")
# Where the account signed in or up.
_by_known_place = Throttle("wrong passwords by account and known place", "60 per 10 minutes")
# Of a user who is signed in.
_by_session = Throttle("wrong passwords by session", "10 per 10 minutes")
# A code has six digits and is asked for after the password, so few may fail: in a new place, a known one, and a session.
_codes_by_account = Throttle("wrong codes by account", "20 per 1 hour")
_codes_by_known_place = Throttle("wrong codes by account and known place", "10 per 1 hour")
_codes_by_session = Throttle("wrong codes by session", "10 per 1 hour")


def sign_in(account: str, check: Callable[[], T]) -> T:
    """Return the result of *check* on a password for *account*; count a failure. Raises TooManyRequests."""
    return _try(_at_the_door(account), check)


def confirm(sid: str, check: Callable[[], T]) -> T:
    """Do the same for the password of this session's user."""
    return _try([(_by_session, (sid,))], check)


def code(user: User, check: Callable[[], T]) -> T:
    """Do the same for a code, after the password or another proof, before the sign-in."""
    place = address.subnet(address.here())
    known = known_place.is_known(user.id, place)
    return _try([(_codes_by_known_place, (place, user.id)) if known else (_codes_by_account, (user.id,))], check)


def confirm_code(sid: str, check: Callable[[], T]) -> T:
    """Do the same for a code of this session's user."""
    return _try([(_codes_by_session, (sid,))], check)


def _at_the_door(account: str) -> list[Limit]:
    user, place = users.find(account), address.subnet(address.here())
    if known_place.is_known(user.id if user else "", place):  # the same work for an account that does not exist
        return [(_by_known_place, (place, account))]
    return [*_by_place.here(), (_by_place_and_account, (place, account)), (_by_account, (account,))]


def _try(limits: Sequence[Limit], check: Callable[[], T]) -> T:
    throttle.check(limits)
    passed = check()
    throttle.check(limits)  # again: many sent at once pass the first check before any of them fails
    if not passed and not throttle.count(limits):
        throttle.check(limits)  # one attempt too many: the answer does not tell whether it was wrong
    return passed
