"""What an administrator can do about a person: end one session or all of them, send a link to choose a new password,
close the account, open it again.

An administrator never learns or chooses a password: the link goes to the person's verified address alone.
"""

from contextlib import AbstractContextManager

from flask.typing import ResponseReturnValue
from werkzeug.exceptions import BadRequest, NotFound

from app import clock
from app.identity import activity, browsers, mail_address, sessions
from app.identity.session import SITE, Reason, Session
from app.identity.users import User
from app.mail import links
from app.mail.links import Purpose
from app.oauth import consent
from app.store.db import after_commit, db
from app.telemetry import security_log
from app.web import session_list, step_up
from app.web.admin import authority
from app.web.step_up import Answer

MOST_LINKS = 3  # that are good at once: more would only fill the mailbox


def ask(verb: str, user_id: str, sid: str = "") -> ResponseReturnValue:
    """Carry it out, after a proof of identity if the last one is not fresh."""
    action = f"admin:{verb}:{user_id}:{sid}"
    step_up.describe(action)  # raises where there is nothing to do
    return step_up.request(action)


def _acting(action: str) -> AbstractContextManager[Session]:
    """Write on behalf of the current session, with the rows locked that *action* is about."""
    _, person, _ = _read(action)
    return authority.acting_on(person.id)


def _perform(current: Session, action: str) -> Answer:
    """Carry out `end`, `all`, `recover`, `disable` or `enable`: a colon, the person's id, a colon, perhaps a session's id.

    Administrators cannot do it to themselves: the devices page is for that, and the last one must not lock themselves
    out.
    """
    verb, person, sid = _read(action)
    about = f"&sid={sid}#session-{sid}" if sid else ""
    done = "own" if person.id == current.user_id else _DOES[verb](current, person, sid)
    return step_up.lead_on(f"/admin/people/{person.id}?done={done}{about}")


def _describe(action: str) -> str:
    """Return in words what *action* will do. Raises BadRequest for an unknown one, NotFound for an unknown person."""
    verb, person, sid = _read(action)
    if verb == "end":
        session = _of(person, db.session.get(Session, sid))
        return f"End {session_list.build([session], session)[0].title} of {person.name}"
    words = {
        "all": "End all sessions of {}",
        "recover": "Send a link to choose a new password to {}",
        "disable": "Close the account of {}",
        "enable": "Open the account of {} again",
    }
    return words[verb].format(person.name)


def _read(action: str) -> tuple[str, User, str]:
    authority.check()
    verb, _, rest = action.partition(":")
    user_id, _, sid = rest.partition(":")
    if verb not in _DOES or (sid and verb != "end"):
        raise BadRequest
    return verb, authority.person(user_id), sid


def _of(person: User, session: Session | None) -> Session:
    if session is None or session.user_id != person.id:
        raise NotFound
    return session


def _end(current: Session, person: User, sid: str) -> str:
    session = _of(person, sessions.lock(sid))
    if session.client_id != SITE:
        consent.withdraw(person.id, session.client_id)
    if not session.end(Reason.BY_ADMIN, actor=current.id):
        return "already"
    _note("ended_by_admin", current, person, session)
    return "ended"


def _end_all(current: Session, person: User, _sid: str) -> str:
    sessions.end_all(person.id, Reason.BY_ADMIN, actor=current.id)
    consent.withdraw_all(person.id)
    _note("all_ended_by_admin", current, person)
    return "all"


def _recover(current: Session, person: User, _sid: str) -> str:
    can_recover = person.verified_at is not None and person.disabled_at is None
    if can_recover and links.count_open(person.id, Purpose.RECOVER) < MOST_LINKS:
        mail_address.send_recovery(person)
        _note("recovery_sent", current, person)
    return "sent"


def _disable(current: Session, person: User, _sid: str) -> str:
    if person.disabled_at is not None:
        sessions.await_all(person.id)
        return "disabled"
    person.disabled_at = clock.now()
    sessions.end_all(person.id, Reason.DISABLED, actor=current.id)
    consent.withdraw_all(person.id)
    _note("account_disabled", current, person)
    return "disabled"


def _enable(current: Session, person: User, _sid: str) -> str:
    if person.disabled_at is not None:
        person.disabled_at = None
        _note("account_enabled", current, person)
    return "enabled"


_DOES = {"end": _end, "all": _end_all, "recover": _recover, "disable": _disable, "enable": _enable}


def _note(event: str, current: Session, person: User, session: Session | None = None) -> None:
    """Tell the person what was done, and the operator by whom."""
    activity.record(event, person.id, session)
    about = {"act": event, "user": person.id, "session": session.id if session else None}
    by = {"admin": current.user_id, "by": current.id, "address": browsers.here().address}
    after_commit(lambda: security_log.line("admin_acted", **about, **by))


step_up.register("admin", describe=_describe, perform=_perform, acting=_acting)
