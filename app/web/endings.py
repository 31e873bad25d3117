"""What can be done once it is certain who asks: end one session, the others, or all; take back what an app was allowed;
answer a warning; delete the account; administer."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from urllib.parse import quote

from flask import redirect
from flask.typing import ResponseReturnValue
from werkzeug.exceptions import BadRequest, NotFound
from werkzeug.wrappers import Response as Answer

from app import admission
from app.db import db
from app.identity import activity, browsers, sessions, suspicion
from app.identity.session import SITE, Reason, Session
from app.oauth import client as clients
from app.oauth import consent
from app.web import deletion, guard, new_address, once, rows, sign_out
from app.web.admin import acts

Then = Callable[[], ResponseReturnValue]


def confirmed(action: str, *, needless: bool = False, since: int = 0) -> ResponseReturnValue:
    """Carry out *action*, after the password is confirmed if that was too long ago, or not after *since*."""
    visit = guard.current()
    if not needless and (not visit.has_proof_since(since + 1) or visit.asks_again()):
        return redirect(f"/confirm?action={quote(action, safe=':')}", 303)
    return perform(action)


def perform(action: str) -> ResponseReturnValue:
    """Carry out *action* in a transaction of its own."""
    with acting(action) as current:
        answer = carry_out(current, action)
    return answer()


def acting(action: str) -> AbstractContextManager[Session]:
    """Write on behalf of the current session, with the rows locked that *action* is about. Raises Full."""
    verb, _, rest = action.partition(":")
    if verb == "admin":
        return acts.acting(rest)
    if verb == "delete":
        return deletion.acting()
    return _acting_in_line() if verb in _MANY else guard.acting()


def carry_out(current: Session, action: str) -> Then:
    """Do `others`, `all`, `delete`, `end:` or `not-me:` and a session's id, `app:` and a client's, `mine:`, an id and what was seen,
    `address:` and another address, or `admin:` and an act. Must run inside `acting`. What is returned makes the answer, once that is over.
    """
    verb, _, rest = action.partition(":")
    if verb in _LAST:
        return _LAST[verb](current)
    done = _DOES[verb](current, rest)
    return lambda: done


def describe(action: str) -> str:
    """Say in words what *action* will do. Raises BadRequest if it is none of ours, NotFound if not the visitor's."""
    verb, _, rest = action.partition(":")
    if verb == "admin":
        return acts.describe(rest)
    if verb == "address":
        return new_address.describe(rest)
    if verb == "app":
        return f"Take back what you allowed {clients.names([rest])[rest]}"
    if verb in _ABOUT_ONE:
        session = own(rest.partition(":")[0])
        row = rows.build([session], session)[0]
        return _ABOUT_ONE[verb].format(title=row.title, which=rows.called_apart(row))
    found = {
        "others": "End your other sessions",
        "all": "Sign out everywhere",
        "delete": "Delete your account for good",
    }.get(action)
    if found is None:
        raise BadRequest
    return found


def own(sid: str) -> Session:
    """Return the session if it is the visitor's own; to anybody else it does not exist."""
    session = db.session.get(Session, sid)
    if session is None or session.user_id != guard.current().session.user_id:
        raise NotFound
    return session


@contextmanager
def _acting_in_line() -> Iterator[Session]:
    with admission.turn("endings"), guard.acting() as current:
        yield current


def _end_one(current: Session, sid: str) -> Answer:
    verb, session = "already", _locked(current, sid)
    if session and session.end(Reason.ENDED_ELSEWHERE, actor=current.id):
        activity.record("session_ended" if session.client_id == SITE else "app_ended", current.user_id, session)
        verb = "ended"
    _take_back(session)
    return once.result(f"/devices?done={verb}&sid={sid}#done")


def _disown(current: Session, sid: str) -> Answer:
    """End another person's session, also under the id that a change of password gave it since.

    That person may know the password, so the answer leads to a new one.
    """
    session = _locked(current, sid)
    if session and sessions.end_lineage(session, Reason.NOT_ME, actor=current.id):
        activity.record("not_me", current.user_id, session, browser=browsers.here())
    _take_back(session)
    return once.result(f"/account/password?not-me={sid}")


def _take_back(session: Session | None) -> None:
    if session and session.client_id != SITE:
        consent.withdraw(session.user_id, session.client_id)


def _locked(current: Session, sid: str) -> Session | None:
    """Return the visitor's own session, locked, or None if a purge has removed it since it was found."""
    session = sessions.lock(sid)
    if session and session.user_id != current.user_id:
        raise NotFound
    return session


def _end_app(current: Session, client_id: str) -> Answer:
    """Take back what one app was allowed, and end all that it holds."""
    ended = sessions.end_apps(current, Reason.ENDED_ELSEWHERE, client_id=client_id)
    if consent.withdraw(current.user_id, client_id) or ended:
        activity.act("app_disallowed", current)
    return once.result("/account?done=disallowed#apps")


def _answer(current: Session, rest: str) -> Answer:
    """Take it from their owner that uses from a new place were theirs, as far as they were *seen*."""
    sid, _, seen = rest.partition(":")
    session = _locked(current, sid)
    if session and session.goes_on():
        suspicion.answer(session, int(seen) if seen.isascii() and seen.isdigit() and len(seen) < 20 else 0)
    return once.result(f"/devices?done=answered&sid={sid}#done")


def _end_others(current: Session, _rest: str) -> Answer:
    if sessions.end_others(current, Reason.ENDED_OTHERS):
        activity.act("others_ended", current)
    return once.result("/devices?done=others")


_DOES = {
    "address": new_address.ask,
    "admin": acts.perform,
    "app": _end_app,
    "end": _end_one,
    "mine": _answer,
    "not-me": _disown,
    "others": _end_others,
}
_ABOUT_ONE = {
    "end": "End {which}",
    "mine": "Say that it was you who used {title} from a new place",
    "not-me": "End {which}, which was not you",
}
_MANY = ("app", "others")  # which may end so many that they wait in a line


def _end_everything(current: Session) -> Then:
    count = sessions.end_all(current.user_id, Reason.ENDED_EVERYWHERE, actor=current.id)
    consent.withdraw_all(current.user_id)
    activity.act("everywhere_ended", current)
    once.note(current.id, count=count)
    return lambda: sign_out.farewell(current.id, ended=count)


_LAST = {"all": _end_everything, "delete": deletion.delete}  # after which this browser is signed out
