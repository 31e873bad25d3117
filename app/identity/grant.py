"""An app's session in a browser: one, however many codes it exchanges there. Found, extended or begun."""

from collections.abc import Iterable
from typing import NamedTuple

from sqlalchemy import bindparam, select

from app import clock
from app.config import settings
from app.identity import activity, session_row, sessions
from app.identity.lifetime import outlives
from app.identity.proof import Proof
from app.identity.session import LIVES, Reason, Session, new_id, opening
from app.identity.session_row import SessionRow
from app.revocation import log
from app.store import prebuilt
from app.store.prebuilt import Answer

MAX_LIVES = 10  # of an app's session that each exchange renews; then another begins
MAX_SESSIONS_OF_AN_APP = 50  # sessions of one person that one app can hold
_SESSIONS, _ENTRIES = prebuilt.table(Session), prebuilt.table(log.LogEntry)
_OF_APP = (
    select(*session_row.COLUMNS, _ENTRIES.c.until)
    .join(_ENTRIES, _ENTRIES.c.position == _SESSIONS.c.opened)
    .where(_SESSIONS.c.user_id == bindparam("user"), _SESSIONS.c.client_id == bindparam("client"), *LIVES)
    .order_by(_SESSIONS.c.opened.desc())
    .with_for_update(of=_SESSIONS)
)
_PARENT, _UNTIL = session_row.COLUMNS.index(_SESSIONS.c.parent_id), session_row.WIDTH  # places in its rows


class Grant(NamedTuple):
    """A grant that a browser is about to give an app. *held*: the app's session there, if it has one; *total*: how many it
    has of this user."""

    browser: SessionRow
    client_id: str
    scope: str
    proof: Proof
    held: SessionRow | None
    total: int
    session_id: str

    def take(self) -> SessionRow:
        """Return the app's session, not yet written: the one that it holds, extended, or a new one, as the log has it now.

        Must run inside the same `db.writing` as `find`.
        """
        if self.held:
            return _extended(self.held, self.scope, self.proof)
        if self.total >= MAX_SESSIONS_OF_AN_APP:
            _make_room(self.browser.user_id, self.client_id)
        begun = self._begin()
        activity.record("app_connected", begun.user_id, begun)
        return begun

    def _begin(self) -> SessionRow:
        life, lasts, browser = settings().session_max_seconds, outlives(self.scope), self.browser
        columns = opening(
            sid=self.session_id,
            user_id=browser.user_id,
            client_id=self.client_id,
            scope=self.scope,
            expires_at=clock.now() + life if lasts else browser.expires_at,
            until=clock.now() + MAX_LIVES * life if lasts else None,
            last_auth_at=self.proof.at or 0,
            amr=self.proof.how,
            keep=True,
            user_agent=browser.user_agent,
            address=browser.address,
            parent_id=browser.id,
        )
        return session_row.new(columns, parent=browser)


def find(browser: SessionRow, client_id: str, scope: str, proof: Proof) -> Grant:
    """Return what *browser* can give the app. Writes nothing.

    Must run inside `db.writing`, with the row of *browser* locked and found to go on.
    """
    found = prebuilt.rows(_OF_APP, user=browser.user_id, client=client_id, now=clock.now())
    here = (row for row in found if row[_PARENT] == browser.id)
    held = _held(here, browser, scope)
    return Grant(browser, client_id, scope, proof, held, len(found), held.id if held else new_id())


def _held(rows: Iterable[Answer], browser: SessionRow, scope: str) -> SessionRow | None:
    """Return the app's session in *browser*, of these *rows*, if it can last as long as *scope* needs."""
    now, lasts = clock.now(), outlives(scope)
    for row in rows:
        # The opening entry in the log limits how long a session can last.
        can_last = not lasts or row[_UNTIL] >= now + settings().session_max_seconds
        session = session_row.read(row, parent=browser)
        if session.is_offline == lasts and can_last and session.goes_on():
            return session
    return None


def _extended(session: SessionRow, scope: str, proof: Proof) -> SessionRow:
    """Return the session after another exchange, with the scope of both.

    If it outlives the browser, its whole life begins again; each chain ends when its own exchange said.
    """
    now, life = clock.now(), settings().session_max_seconds if session.is_offline else 0
    return session.changed(
        scope=" ".join(dict.fromkeys([*session.scope.split(), *scope.split()])),
        last_auth_at=max(session.last_auth_at, proof.at or 0),
        last_seen_at=max(session.last_seen_at, now),
        idle_until=max(session.idle_until, now + settings().session_idle_seconds),
        expires_at=max(session.expires_at, now + life),
    )


def _make_room(user_id: str, client_id: str) -> None:
    """End the app's sessions of this user that were idle longest, so that one more fits.

    Sign Out writes an entry for each, in one transaction for which all other writers wait.
    """
    held = sorted(sessions.of_app(user_id, client_id), key=lambda session: session.last_seen_at)
    for session in held[: len(held) - MAX_SESSIONS_OF_AN_APP + 1]:
        session.end(Reason.REPLACED)
