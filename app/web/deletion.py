"""Deletion of the visitor's account: at once, for good, and known to every node before the page answers."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from flask import redirect
from flask.typing import ResponseReturnValue

from app import address, admission
from app.db import after_commit, writing
from app.identity import activity, demo, erasure, sessions
from app.identity import user as users
from app.identity.session import Reason, Session
from app.identity.user import User
from app.web import cookies, guard, once, receipt, sign_out

PAGE = "/account/data"


def refusal(user: User) -> str | None:
    """Return why this account has to stay, in words for its owner, or None."""
    if user.compared_by in demo.ACCOUNTS:
        return "This is a demo account, which everyone in the workshop uses. It stays."
    if user.is_admin and users.administrators() == [user.id]:
        return "You are the only administrator. Have the operator name another one first."
    return None


@contextmanager
def acting() -> Iterator[Session]:
    """Write on behalf of the current session, with the rows of all administrators locked: of two at once, one is the last."""
    with admission.turn("endings"), writing():
        users.administrators(lock=True)
        with guard.acting() as session:
            yield session


def delete(session: Session) -> Callable[[], ResponseReturnValue]:
    """Delete the account of *session*. Must run inside `acting`. What is returned makes the answer, once that is over.

    Only /confirm comes here, in the transaction in which the visitor proves who they are.
    """
    if refusal(session.user):
        done = once.result(PAGE)
        return lambda: done
    answer = sign_out.clear(redirect(sign_out.RECEIPT, 303))
    cookies.put(answer, cookies.RECEIPT, _end(session), seconds=receipt.SECONDS)
    once.keep(answer)

    def leave() -> ResponseReturnValue:
        guard.leave()
        return answer

    return leave


def _end(session: Session) -> str:
    """End all that the user of *session* has, then forget them; return the id of the receipt."""
    about = {"user": session.user_id, "session": session.id, "address": address.here()}
    count = sessions.end_all(session.user_id, Reason.DELETED, actor=session.id)
    content = receipt.describe(session.id, ended=count)
    content |= {"label": "This browser", "exchange": None, "proof": [], "deleted": True}
    erasure.forget(session.user_id)
    after_commit(lambda: activity.line("account_deleted", **about))
    return receipt.save(content)
