"""A session used from a new place: by the policy, the site notes it, warns the user, or ends the session.

Apps are not judged: their requests come from servers, which may move.
"""

from collections.abc import Iterable

from sqlalchemy import select

from app.config import settings
from app.identity import activity, place, sessions
from app.identity.activity import Event
from app.identity.browsers import Browser
from app.identity.place import IGNORE, NOTE, SIGN_IN, WARN, Judgement, Known, Place, Policy
from app.identity.session import Reason, Session, Standing
from app.network import countries
from app.store.db import db, writing


def policy() -> Policy:
    """Return what the operator wants done about each part of a place that is new."""
    found = settings()
    return {"browser": found.on_new_browser, "network": found.on_new_network, "country": found.on_new_country}


def judge_use(session: Standing, browser: Browser) -> bool:
    """Return whether the session may be used from there; note what the policy wants noted.

    From where it was used last, that is a comparison and nothing else. Raises StoreUnavailable.
    """
    if knows(session, browser):
        return True
    sid = session.id  # read before `writing` lets go of the row
    with writing():
        locked = sessions.lock(sid)
        return locked is not None and locked.goes_on() and record_use(locked, browser)


def knows(session: Standing, browser: Browser) -> bool:
    """Return whether a use from there needs no reaction and no write."""
    if session.is_at(browser):
        return True
    known, here = _known(session), _place(browser)
    return place.judge(known, here, policy()).reaction == IGNORE and place.learn(known, here) == known


def record_use(session: Session, browser: Browser) -> bool:
    """Do what `judge_use` does. Must run inside `db.writing`, with the row locked: of two at once, only one finds the place new."""
    known, here = _known(session), _place(browser)
    # Where nothing is known, a program has begun it, for the browser that uses it first.
    session.user_agent = session.user_agent if known else browser.user_agent
    judgement, learnt = place.judge(known, here, policy()), place.learn(known, here)
    is_listed = learnt != known  # a part that cannot be learnt is still judged, but made-up browsers fill no activity
    if judgement.reaction == SIGN_IN:
        session.end(Reason.NEW_PLACE)
        _record("refused", session, judgement, browser)
        return False
    if judgement.reaction == WARN and (is_listed or session.warned is None):
        _warn(session, judgement, browser)
    elif judgement.reaction == NOTE and is_listed:
        _record("noted", session, judgement, browser)
    if is_listed:
        session.places = learnt
    return True


def refuses(session: Standing, browser: Browser) -> bool:
    """Return whether the policy refuses a use from there, even if that cannot be written."""
    return place.judge(_known(session), _place(browser), policy()).reaction == SIGN_IN


def warnings(user_id: str, listed: Iterable[Standing]) -> dict[str, list[Event]]:
    """Return for each of these sessions of the user, by its id, the warnings not yet answered, the oldest first."""
    first = {session.id: session.warned for session in listed if session.warned is not None}
    if not first:
        return {}
    since = select(Event).where(Event.user_id == user_id, Event.id >= min(first.values())).order_by(Event.id)
    events = db.session.scalars(since.where(Event.session_id.in_(first), Event.event.startswith("warned_")))
    found: dict[str, list[Event]] = {}
    for event in events:
        if event.session_id and event.id >= first[event.session_id]:
            found.setdefault(event.session_id, []).append(event)
    return found


def answer(session: Session, seen: int) -> None:
    """Record the owner's "It was me" for the warnings up to the id *seen*; later ones stand.

    From now on the session is named after the newest browser that was theirs.
    Must run inside `db.writing`, with the row locked.
    """
    if session.warned is None or seen < session.warned:
        return
    events = warnings(session.user_id, [session]).get(session.id, [])
    answered = [event.user_agent for event in events if event.id <= seen]
    session.user_agent = next(reversed(answered), None) or session.user_agent
    session.warned = next((event.id for event in events if event.id > seen), None)
    activity.record("recognized", session.user_id, session)


def _known(session: Standing) -> Known:
    """Return the places it was used from so far; a single one is the one in its row."""
    places: Known | None = session.places
    if places is not None:
        return places
    begun = _place(Browser(session.user_agent, session.address))
    return {part: [value] for part, value in begun.items()}


def _place(browser: Browser) -> Place:
    country = countries.find(browser.address)
    return place.of(browser, country.code if country else None)


def _warn(session: Session, judgement: Judgement, browser: Browser) -> None:
    number = _record("warned", session, judgement, browser)
    session.warned = session.warned or number


def _record(verb: str, session: Session, judgement: Judgement, browser: Browser) -> int:
    name = "_".join((verb, *judgement.changed))
    return activity.record(name, session.user_id, session, browser=browser)
