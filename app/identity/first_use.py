"""The first use of each link of a chain. Once it is written, the predecessor has only its grace period left."""

import threading
from typing import Any

from flask import Flask
from sqlalchemy import ColumnElement, and_, bindparam, not_, select, update

from app import clock, context
from app.crypto import seal
from app.identity import refresh_token, sessions
from app.identity.access_token import Claims
from app.identity.chains import RefreshToken
from app.identity.lifetime import State
from app.identity.refresh_token import StoodStill
from app.identity.session import SITE
from app.revocation import delivery
from app.store import prebuilt
from app.store.db import StoreUnavailable, db, writing

REMEMBERED = 65536
RETRY_SECONDS = 5
_UNKNOWN = -RETRY_SECONDS
_LINKS = prebuilt.table(RefreshToken)
_VOID = and_(_LINKS.c.used_at.is_not(None), _LINKS.c.successor.is_(None))


class _Statements:
    """Statements that read and write the first use of a link, found by *column*."""

    def __init__(self, column: ColumnElement[Any]) -> None:
        is_it = column == bindparam("name")
        self.read = select(_LINKS.c.session_id, _LINKS.c.seen_at, _VOID).where(is_it)
        self.write = (
            update(_LINKS).where(is_it, _LINKS.c.seen_at.is_(None), not_(_VOID)).values(seen_at=bindparam("now"))
        )


_BY_LINK, _BY_HASH = _Statements(_LINKS.c.link), _Statements(_LINKS.c.hash)


class Recorded:
    """The links whose first use is known to be written, so that no request asks twice. Bounded.

    One that could not be written is left alone for a while: a request may have waited long for that.
    """

    def __init__(self, size: int = REMEMBERED) -> None:
        self._size = size
        self._failed_at: dict[str | bytes, int | None] = {}
        self._lock = threading.Lock()

    def __contains__(self, link: str | bytes) -> bool:
        failed_at = self._failed_at.get(link, _UNKNOWN)
        return failed_at is None or 0 <= clock.now() - failed_at < RETRY_SECONDS

    def add(self, link: str | bytes, *, failed_at: int | None = None) -> None:
        """Remember *link*; if there are too many, forget the oldest."""
        with self._lock:
            self._failed_at[link] = failed_at
            if len(self._failed_at) > self._size:
                del self._failed_at[next(iter(self._failed_at))]


def init_app(app: Flask) -> None:
    """Give *app* its memory of recorded uses."""
    app.extensions["recorded_uses"] = Recorded()


def record(claims: Claims) -> bool:
    """Record that an access token was accepted; return whether its link stands.

    A void link ends its session: the browser that was given it and the one that made it void are two holders.
    """
    if claims.client_id != SITE or claims.link is None:
        return True
    return _record(_BY_LINK, claims.link)


def is_recorded(claims: Claims) -> bool:
    """Return whether this process knows that the use of an access token is written."""
    recorded: Recorded = context.app().extensions["recorded_uses"]
    return claims.link is not None and claims.link in recorded


def record_refresh(token: str) -> bool:
    """Record that a refresh token was accepted without an exchange; return whether its link stands."""
    return _record(_BY_HASH, seal.digest(token))


def _record(statements: _Statements, name: str | bytes) -> bool:
    recorded: Recorded = context.app().extensions["recorded_uses"]
    if name in recorded:
        return True
    try:
        stands = _write(statements, name)
    except StoodStill:
        raise
    except StoreUnavailable:
        db.session.rollback()
        recorded.add(name, failed_at=clock.now())
        return True  # the predecessor stays good, and a later use tries again
    if stands:
        recorded.add(name)
    return stands


def _write(statements: _Statements, name: str | bytes) -> bool:
    """Write the time of the first use, unless it is written; return whether the link stands."""
    found = prebuilt.look(statements.read, name=name)
    if found is None:
        return True  # forgotten long after it was used
    sid, seen_at, is_void = found
    if seen_at is None and not is_void:
        delivery.check_clock()  # a wrong clock would end the predecessor's grace period too early
        with writing():
            prebuilt.write(statements.write, name=name, now=clock.now())
            prebuilt.forget(RefreshToken)
            again = prebuilt.ask(statements.read, name=name)
            is_void = bool(again and again[2])
    if is_void:
        _end(sid)
    return not is_void


def _end(sid: str) -> None:
    with writing():
        session = sessions.lock(sid)
        if session and not session.await_end() and session.state(clock.now()) is State.LIVE:
            refresh_token.end_reused(session)
