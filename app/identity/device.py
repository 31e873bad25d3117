"""The device of a session: once its browser has proved a key, copies of the session's tokens need that key too.

Each function must run inside `db.writing`, with the session's row locked.
"""

from app import clock
from app.identity import activity
from app.identity.session import Session
from app.store.db import db

# Between two proofs asked for: a browser signs six times in nine minutes, and renews by itself too.
APART_SECONDS = 3 * 60
ASKED_SECONDS = 60  # for the proof to come that was asked for


def bind(session: Session, key: bytes) -> bool:
    """Bind the session to its device's *key*; return False if it has one: the first stays."""
    if session.device_key is not None:
        return False
    session.device_key, session.proofs = key, 0
    return True


def take_effect(session: Session) -> None:
    """Require the key from now on: the browser has shown that it got the bound cookie."""
    if session.bound_at is None:
        session.bound_at = clock.now()
        activity.act("session_bound", session)
        db.session.flush()  # a refresh may be under way, which writes the row without the ORM


def accept(session: Session, number: int) -> bool:
    """Accept the proof of this *number*; return False if it was accepted before, or is not the next."""
    if session.proofs != number:
        return False
    session.proofs += 1
    return True


def ask(session: Session, act: str) -> bool:
    """Ask for a proof made for *act*; return False if one was asked for a moment ago."""
    if _asked_within(session, APART_SECONDS):
        return False
    session.asked_for, session.asked_at = act, clock.now()
    return True


def asked(session: Session) -> str | None:
    """Return the act for which a proof is asked."""
    return session.asked_for if _asked_within(session, ASKED_SECONDS) else None


def spend(session: Session, *, proved_for: str | None, proved_at: int | None) -> bool:
    """Return whether the act under way is proved to come from the device, or from its user since a proof was asked for.

    Each proof is good for one act: *proved_for*, the act for which the device was proved; *proved_at*, when the holder of
    these tokens proved who they are. A copy of the cookies from before has neither.
    """
    if proved_for is not None and proved_for == asked(session):
        session.asked_for = None
        return True
    if _asked_within(session, APART_SECONDS) and (proved_at or 0) > (session.asked_at or 0):
        use_up(session)
        return True
    return False


def use_up(session: Session) -> None:
    """Use up every earlier proof: none is good for another act."""
    if session.device_key is not None:
        session.asked_for, session.asked_at = None, clock.now()


def _asked_within(session: Session, seconds: int) -> bool:
    return session.asked_at is not None and clock.now() - session.asked_at < seconds
