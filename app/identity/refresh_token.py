"""The refresh token: opaque, single use, stored only as a hash; one chain for each session."""

import hashlib
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from flask import current_app
from sqlalchemy import CursorResult, ForeignKey, Index, LargeBinary, func, select, update
from sqlalchemy.orm import Mapped, mapped_column

from app import clock, seal
from app.config import settings
from app.db import Model, db, writing
from app.identity import access_token, activity, sessions, suspicion
from app.identity.access_token import Claims
from app.identity.session import SEEN_SECONDS, SITE, Browser, Reason, Session, State

_SUCCESSOR = "successor of a refresh token"
LONGEST = 512  # characters


class RefreshToken(Model):
    """One link of a session's chain, named by the SHA-256 of the token.

    *seen_at*: when it first came back to us; *used_at*: when it was exchanged for *successor*. For a short grace the
    successor itself is kept sealed under a key that only the token makes, so that its holder (another tab, or a
    browser that lost the answer) gets the same one.
    """

    __tablename__ = "refresh_tokens"
    __table_args__ = (Index("refresh_tokens_of_session", "session_id", "issued_at"),)
    hash: Mapped[bytes] = mapped_column(LargeBinary(32), primary_key=True)
    session_id: Mapped[str] = mapped_column(ForeignKey("sessions.id"))
    issued_at: Mapped[int]
    access_expires_at: Mapped[int]
    seen_at: Mapped[int | None]
    used_at: Mapped[int | None]
    successor: Mapped[bytes | None] = mapped_column(LargeBinary(32), index=True)
    sealed: Mapped[bytes | None]


@dataclass(frozen=True)
class Tokens:
    """A session with the two tokens that a browser or an app holds for it."""

    session: Session
    access: str
    refresh: str
    claims: Claims


def issue(session: Session, scope: str | None = None) -> Tokens:
    """Add a link to the session's chain. Must run inside `db.writing`, with the session's row locked."""
    token = secrets.token_urlsafe(32)
    access, claims = access_token.issue(session, scope)
    db.session.add(
        RefreshToken(hash=digest(token), session_id=session.id, issued_at=clock.now(), access_expires_at=claims.exp)
    )
    db.session.flush()
    return Tokens(session, access, token, claims)


def rotate(token: str, *, client_id: str, scope: str | None = None, browser: Browser | None = None) -> Tokens | None:
    """Exchange a refresh token of this client for its successor and an access token, or None if it is not good.

    *scope* narrows the access token only (RFC 6749, section 6). *browser*: who brought it, if that counts as use and so is judged.
    An old one, presented again, ends its session: perhaps somebody copied it (RFC 9700, section 4.14.2).
    """
    found = owner(token)
    if found is None or found.client_id != client_id or _is_dead(found, token):
        return None
    _wait_for_others()
    with writing():
        session = sessions.lock(found.id)
        if session is None or session.await_end() or session.state(clock.now()) is not State.LIVE:
            return None
        link = db.session.get_one(RefreshToken, digest(token), populate_existing=True)
        exchange = _advance if link.used_at is None else _repeat
        tokens = exchange(link, token, session, scope)
        if session.client_id != SITE:  # each use of an app shows here, and its person need not be there
            browser = Browser(session.user_agent, session.address)
        if tokens and browser:
            if not suspicion.meet(session, browser):
                return None
            session.touch(browser)
        return tokens


def _is_dead(session: Session, token: str) -> bool:
    """Return whether the session is over, before any lock is taken: a browser may bring a dead token for weeks.

    An old one is reuse again, so its answer too waits until every node knows the end that reuse brought.
    """
    if session.state(clock.now()) is State.LIVE:
        return False
    if not is_newest(token):
        session.await_end()
    return True


def owner(token: str) -> Session | None:
    """Return the session that this token, used or not, belongs to."""
    if len(token) > LONGEST:
        return None
    return db.session.scalar(
        select(Session)
        .join(RefreshToken, RefreshToken.session_id == Session.id)
        .where(RefreshToken.hash == digest(token))
    )


def is_newest(token: str) -> bool:
    """Say whether this is the one of its chain that has not been exchanged. To ask uses nothing up."""
    link = db.session.get(RefreshToken, digest(token))
    return link is not None and link.used_at is None


def note_use(session: Session, token: str, browser: Browser) -> None:
    """Note that a browser came with its session and this refresh token; writes about once a minute."""
    now = clock.now()
    link = db.session.get(RefreshToken, digest(token)) if token else None
    unseen = link is not None and link.session_id == session.id and link.seen_at is None
    if not unseen and now - session.last_seen_at < SEEN_SECONDS:
        return
    with writing():
        session.touch(browser)
        db.session.execute(
            update(RefreshToken)
            .where(RefreshToken.hash == digest(token), RefreshToken.session_id == session.id)
            .where(RefreshToken.seen_at.is_(None))
            .values(seen_at=now)
        )
        graceless = now - settings().rotation_grace_seconds
        db.session.execute(
            update(RefreshToken)
            .where(RefreshToken.session_id == session.id, RefreshToken.used_at < graceless)
            .values(sealed=None)
        )


def chain(session_id: str, newest: int) -> list[RefreshToken]:
    """Return the newest links of a session's chain, the newest first."""
    return list(
        db.session.scalars(
            select(RefreshToken)
            .where(RefreshToken.session_id == session_id)
            .order_by(RefreshToken.issued_at.desc(), RefreshToken.used_at.is_(None).desc())
            .limit(newest)
        )
    )


def rotations(session_id: str) -> int:
    """Return how often the session's tokens were renewed."""
    used = select(func.count()).where(RefreshToken.session_id == session_id, RefreshToken.used_at.is_not(None))
    return db.session.scalar(used) or 0


def digest(token: str) -> bytes:
    """Return the SHA-256 under which a token is stored: enough for 256 random bits."""
    return hashlib.sha256(token.encode()).digest()


def _wait_for_others() -> None:
    """Wait where a test has forced a race (test controls): what follows then begins in several requests at once."""
    gate: Callable[[], None] | None = current_app.extensions.get("race")
    if gate:
        gate()


def _advance(link: RefreshToken, token: str, session: Session, scope: str | None) -> Tokens:
    tokens = issue(session, scope)
    sealed = seal.close(token, _SUCCESSOR, tokens.refresh)
    # Compare and swap: whatever the isolation, one caller alone moves the chain on.
    moved: CursorResult[Any] = db.session.execute(  # type: ignore[assignment]
        update(RefreshToken)
        .where(RefreshToken.hash == link.hash, RefreshToken.used_at.is_(None))
        .values(used_at=clock.now(), successor=digest(tokens.refresh), sealed=sealed)
    )
    if moved.rowcount != 1:  # pragma: no cover - the row lock is held
        raise RuntimeError("a refresh token was exchanged twice")
    # The predecessor's copy is no longer needed: this token came back to us.
    db.session.execute(update(RefreshToken).where(RefreshToken.successor == link.hash).values(sealed=None))
    return tokens


def _repeat(link: RefreshToken, token: str, session: Session, scope: str | None) -> Tokens | None:
    """Give the same successor again within the grace; after it, end the session."""
    successor = _successor(link, token)
    if successor is None:
        _end_reused(link, session)
        return None
    access, claims = access_token.issue(session, scope)
    return Tokens(session, access, successor, claims)


def _successor(link: RefreshToken, token: str) -> str | None:
    over = link.used_at is None or clock.now() - link.used_at > settings().rotation_grace_seconds
    if over or link.sealed is None:
        return None
    return seal.reveal(token, _SUCCESSOR, link.sealed)


def _end_reused(link: RefreshToken, session: Session) -> None:
    successor = db.session.get(RefreshToken, link.successor, populate_existing=True)
    # If the successor never came back, its answer was lost on the way to the browser: no theft is claimed.
    interrupted = successor is not None and successor.used_at is None and successor.seen_at is None
    session.end(Reason.INTERRUPTED if interrupted else Reason.REUSE)
    activity.record("refresh_interrupted" if interrupted else "refresh_reused", session.user_id, session)
