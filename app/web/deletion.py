"""Deletion of the visitor's account: at once, for good, and known to every node before the page answers."""

from collections.abc import Iterator
from contextlib import contextmanager

from flask.typing import ResponseReturnValue

from app.capacity import admission
from app.identity import demo, erasure, sessions, users
from app.identity.session import Reason, Session
from app.identity.users import Account
from app.network import address
from app.store.db import after_commit, writing
from app.telemetry import security_log
from app.web import cookies, guard, idempotency, step_up
from app.web.sign_out import browser, receipt
from app.web.step_up import Answer

PAGE = "/account/data"


def refusal(user: Account) -> str | None:
    """Return why this account has to stay, in words for its owner, or None."""
    if user.compared_by in demo.ACCOUNTS:
        return "This is a demo account, which everyone in the workshop uses. It stays."
    if user.is_admin and users.administrators() == [user.id]:
        return "You are the only administrator. Have the operator name another one first."
    return None


@contextmanager
def _acting(_about: str) -> Iterator[Session]:
    """Write on behalf of the current session, with the rows of all administrators locked: of two at once, one is the last."""
    with admission.turn("endings"), writing():
        users.administrators(lock=True)
        with guard.acting() as session:
            yield session


def _delete(session: Session, _about: str) -> Answer:
    """Delete the account of *session*. Only `/confirm` calls this, with a proof of identity."""
    if refusal(session.user):
        return step_up.lead_on(PAGE)
    answer = browser.lead_on()
    cookies.put(answer, cookies.RECEIPT, _end(session), seconds=receipt.SECONDS)
    idempotency.keep(answer)

    def finish() -> ResponseReturnValue:
        guard.forget_visitor()
        return answer

    return finish


def _end(session: Session) -> str:
    """End all sessions of *session*'s user, then erase the user; return the id of the receipt."""
    about = {"user": session.user_id, "session": session.id, "address": address.here()}
    count = sessions.end_all(session.user_id, Reason.DELETED, actor=session.id)
    content = receipt.describe(session.id, ended=count)
    content |= {"label": "This browser", "exchange": None, "proof": [], "deleted": True}
    erasure.forget(session.user_id)
    after_commit(lambda: security_log.line("account_deleted", **about))
    return receipt.save(content)


step_up.register("delete", describe="Delete your account for good", perform=_delete, acting=_acting)
