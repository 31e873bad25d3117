"""Step-up: acts that need a fresh proof of identity. Each page registers its own; `/confirm` asks, and carries one out."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import NamedTuple
from urllib.parse import quote

from flask import redirect
from flask.typing import ResponseReturnValue
from werkzeug.exceptions import BadRequest

from app.identity.session import Session
from app.web import guard, idempotency

Answer = Callable[[], ResponseReturnValue]  # called once the transaction is over


class Act(NamedTuple):
    """What a verb does to *about*, the rest of an action after a colon.

    *describe*: what it will do, in words. For a verb that is about something, a function returns them, and raises
    BadRequest if that makes no sense, NotFound if it is not the visitor's. *perform*: does it on behalf of a session,
    inside the transaction of *acting*, which locks what it is about.
    """

    describe: str | Callable[[str], str]
    perform: Callable[[Session, str], Answer]
    acting: Callable[[str], AbstractContextManager[Session]]


_ACTS: dict[str, Act] = {}


def register(
    verb: str,
    *,
    describe: str | Callable[[str], str],
    perform: Callable[[Session, str], Answer],
    acting: Callable[[str], AbstractContextManager[Session]] = lambda _about: guard.acting(),
) -> None:
    """Let the action *verb*, or *verb*, a colon and what it is about, be confirmed."""
    _ACTS[verb] = Act(describe, perform, acting)


def request(action: str, *, needless: bool = False, since: int = 0) -> ResponseReturnValue:
    """Carry out *action*, after a proof of identity if the last one is not fresh, or not newer than *since*."""
    visit = guard.current()
    if not needless and (not visit.has_proof_since(since + 1) or visit.asks_again()):
        return redirect(f"/confirm?action={quote(action, safe=':')}", 303)
    return perform(action)


def perform(action: str) -> ResponseReturnValue:
    """Carry out *action* in a separate transaction."""
    with acting(action) as current:
        answer = carry_out(current, action)
    return answer()


def acting(action: str) -> AbstractContextManager[Session]:
    """Write on behalf of the current session, with the rows locked that *action* is about. Raises Full."""
    act, about = _find(action)
    return act.acting(about)


def carry_out(current: Session, action: str) -> Answer:
    """Do it. Must run inside `acting`. Call what is returned once that is over: it makes the answer."""
    act, about = _find(action)
    return act.perform(current, about)


def describe(action: str) -> str:
    """Return in words what *action* will do. Raises BadRequest if no page has registered it."""
    act, about = _find(action)
    return act.describe if isinstance(act.describe, str) else act.describe(about)


def lead_on(location: str) -> Answer:
    """Answer that an act is done, and keep that answer with it. Must run inside its transaction."""
    done = idempotency.result(location)
    return lambda: done


def _find(action: str) -> tuple[Act, str]:
    verb, colon, about = action.partition(":")
    act = _ACTS.get(verb)
    if act is None or (colon and isinstance(act.describe, str)):
        raise BadRequest
    return act, about
