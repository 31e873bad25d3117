"""First steps: what a new user can try, and what their sessions show as done."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from itertools import combinations

from app import clock
from app.config import DAY
from app.identity import sessions
from app.identity.session import Reason
from app.identity.session_row import SessionRow
from app.identity.users import Account

SHOWN_DAYS = 7  # ended sessions are kept longer, so no step that was taken looks undone
LOOKED_AT = 50  # sessions, the newest
_FROM_DEVICES = (Reason.ENDED_ELSEWHERE, Reason.ENDED_OTHERS, Reason.NOT_ME)
_WITH_RECEIPT = (Reason.SIGNED_OUT, Reason.ENDED_EVERYWHERE)


@dataclass(frozen=True)
class FirstSteps:
    """*joined*: a second browser signed in. *ended*: one ended another from Devices. *left*: one signed out."""

    joined: bool
    ended: bool
    left: bool


def build(user: Account) -> FirstSteps | None:
    """Return the steps this user has done, or None once all are done or the account is no longer new."""
    if clock.now() - user.created_at > SHOWN_DAYS * DAY:
        return None
    begun = sessions.begun(user.id, LOOKED_AT)
    found = FirstSteps(
        joined=any(_is_second(later, earlier) for later, earlier in combinations(begun, 2)),
        ended=_is_any_over(begun, _FROM_DEVICES),
        left=_is_any_over(begun, _WITH_RECEIPT),
    )
    return None if found.joined and found.ended and found.left else found


def _is_second(later: SessionRow, earlier: SessionRow) -> bool:
    """Return whether *later* began in another browser. A browser's earlier session ends before its next begins."""
    went_on = earlier.ended_entry is None or earlier.ended_entry > later.opened
    return went_on and earlier.ends_at > later.began_at and earlier.origin != later.origin


def _is_any_over(begun: Iterable[SessionRow], reasons: Collection[str | None]) -> bool:
    return any(end.actor and end.reason in reasons for session in begun if (end := session.ending))
