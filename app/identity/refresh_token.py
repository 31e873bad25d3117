"""The refresh token: opaque, single use, stored only as a hash; one chain for a browser, up to ten for an app."""

import hashlib
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum, auto
from typing import Any, NamedTuple

from flask import current_app
from sqlalchemy import CursorResult, ForeignKey, Index, LargeBinary, String, and_, func, select, text, update
from sqlalchemy.orm import Mapped, mapped_column

from app import clock, seal, stillness
from app.config import settings
from app.db import Model, StoreUnavailable, db, writing
from app.identity import access_token, activity, sessions, suspicion
from app.identity.access_token import Claims
from app.identity.proof import Proof
from app.identity.session import SEEN_SECONDS, SITE, Browser, Reason, Session, State
from app.revocation import delivery, log

_SUCCESSOR = "successor of a refresh token"
LONGEST = 512  # characters
MOST_CHAINS = 10  # that an app can hold in one session: an open tab each, say
_ENDS_CHAIN = text("chain IS NOT NULL AND used_at IS NULL AND stopped_at IS NULL")


class StoodStill(StoreUnavailable):
    """This process held the request while it stood still, so it must not judge what came with it."""


class Chain(NamedTuple):
    """What all links of a chain have in common. *number*: which chain of an app's session; *scope*: what it is good for;
    *ends_at*: until when, however much it is used. A later exchange lengthens the session, and no chain.

    The one chain of a browser's session has none of these.
    """

    number: int | None
    scope: str | None
    ends_at: int | None


_BROWSERS = Chain(None, None, None)


class RefreshToken(Model):
    """One link of a chain, stored under the SHA-256 of the token.

    *link*: the name of the link in its access tokens (the site's own only). *auth_time* and *amr*: when and how the user
    proved who they are, as far as this link may claim it. *seen_at*: its first use, when its token was exchanged or one of its access
    tokens was accepted. *used_at*: when it was exchanged for *successor*, which is kept *sealed* under a key made from
    the token itself, so that another tab, or a browser that lost the answer, gets the same one.

    A *successor* without *used_at* carries a proof of identity. Only the answer to that proof gives it, so it is never
    sealed. A link with *used_at* and no *successor* is void.

    *chain*, *scope* and *ends_at*: see `Chain`; older code leaves the last out. *stopped_at*: when the chain made room for another. Its tokens get nothing any
    more and show no theft, but to revoke one still ends the session.
    """

    __tablename__ = "refresh_tokens"
    __table_args__ = (
        Index("refresh_tokens_of_session", "session_id", "issued_at"),
        Index(
            "refresh_tokens_of_chains",
            "session_id",
            "issued_at",
            sqlite_where=_ENDS_CHAIN,
            postgresql_where=_ENDS_CHAIN,
        ),
    )
    hash: Mapped[bytes] = mapped_column(LargeBinary(32), primary_key=True)
    link: Mapped[str | None] = mapped_column(String(16), index=True)
    session_id: Mapped[str] = mapped_column(ForeignKey("sessions.id"))
    issued_at: Mapped[int]
    access_expires_at: Mapped[int]
    auth_time: Mapped[int | None]
    amr: Mapped[str | None] = mapped_column(String(64))
    seen_at: Mapped[int | None]
    used_at: Mapped[int | None]
    successor: Mapped[bytes | None] = mapped_column(LargeBinary(32), index=True)
    sealed: Mapped[bytes | None]
    chain: Mapped[int | None]
    scope: Mapped[str | None] = mapped_column(String(255))
    stopped_at: Mapped[int | None]
    ends_at: Mapped[int | None]

    @property
    def proof(self) -> Proof:
        return Proof(self.auth_time, self.amr)

    @property
    def goes_on(self) -> bool:
        """Whether its chain has neither stopped nor run out."""
        return self.stopped_at is None and (self.ends_at is None or clock.now() < self.ends_at)


_NEWEST = and_(RefreshToken.used_at.is_(None), RefreshToken.successor.is_(None))


@dataclass(frozen=True)
class Tokens:
    """A session with the tokens that a browser or an app is given. *refresh* is None where it keeps the one it has.

    *longest*: when they are over, however much they are used.
    """

    session: Session
    access: str
    refresh: str | None
    claims: Claims
    longest: int


class _Verdict(Enum):
    """What is done with a presented refresh token."""

    ADVANCE = auto()  # it is the newest: it gets a successor
    REPEAT = auto()  # its successor may not have arrived: it gets the same one again
    STAY = auto()  # its successor has a proof of identity: it gets an access token without, and nothing more
    THEFT = auto()


def issue(session: Session, *, scope: str | None = None, proof: Proof | None = None) -> Tokens:
    """Add the first link of a chain. Must run inside `db.writing`, with the session's row locked.

    *scope* and *proof* are those of this chain; without them, they are the session's.
    """
    proof = proof or Proof(session.last_auth_at, session.amr)
    if session.client_id == SITE:
        return _add(session, proof)[1]
    _make_room(session)
    session.chains += 1
    return _add(session, proof, Chain(session.chains, scope or session.scope, session.expires_at))[1]


def rotate(token: str, *, client_id: str, scope: str | None = None, browser: Browser | None = None) -> Tokens | None:
    """Exchange a refresh token of this client for its successor and an access token, or return None if it is not good.

    *scope* narrows the access token only (RFC 6749, section 6). *browser*: the sender, if this counts as a use of the
    session. A token whose successor is in use ends its session: there are two holders (RFC 9700, section 4.14.2).
    Raises ClockApart.
    """
    found = find(token)
    if found is None or found.client_id != client_id or _is_dead(found, token):
        return None
    sid = found.id  # read now: the row may be gone when the transaction begins
    _wait_for_others()
    with writing():
        session = sessions.lock(sid)
        if session is None or session.await_end() or session.state(clock.now()) is not State.LIVE:
            return None
        delivery.check_clock()  # once more: the lock may have taken seconds
        link = db.session.get_one(RefreshToken, digest(token), populate_existing=True)
        tokens = _exchange(link, token, session, scope)
        if session.client_id != SITE:  # each use of an app shows here, and its user need not be there
            browser = Browser(session.user_agent, session.address)
        if tokens and browser:
            if not suspicion.meet(session, browser):
                return None
            Session.touch(session.id, session.user_agent, browser)
        return tokens


def _is_dead(session: Session, token: str) -> bool:
    """Return whether the session is over, before any lock is taken: a browser may bring a dead token for weeks.

    An old one is reuse again, so its answer too waits until every node knows the end that reuse brought.
    Raises ClockApart where a wrong clock could take a living session for one that timed out.
    """
    if session.ended_entry is None:
        delivery.check_clock()
    if session.state(clock.now()) is State.LIVE:
        return False
    if not is_newest(token):
        session.await_end()
    return True


def prove(session: Session, token: str | None, how: str) -> Tokens | None:
    """Add a link that carries a proof of identity made now; return None if *token* shows a theft, which ends the session.

    *token*: the refresh token that came with the proof; *how*: see `proof`. The new link is for the answer to that proof only: no other
    holder of earlier tokens gains by it. Must run inside `db.writing`, with the session's row locked and found to go on.
    Raises ClockApart.
    """
    delivery.check_clock()
    presented = db.session.get(RefreshToken, digest(token), populate_existing=True) if token else None
    if presented and presented.session_id == session.id and _judge(presented, session) is _Verdict.THEFT:
        end_reused(session)
        return None
    newest = db.session.scalars(
        select(RefreshToken)
        .where(RefreshToken.session_id == session.id, _NEWEST)
        .order_by(RefreshToken.issued_at.desc())
        .limit(1)
    ).first()
    if token and presented is newest and newest and _expires_soon(newest):
        newest, _ = _advance(newest, token, session)
    session.last_auth_at = clock.now()
    link, tokens = _add(session, Proof(session.last_auth_at, how))
    if newest:
        newest.successor = link.hash
    return tokens


def find(token: str) -> Session | None:
    """Return the owner. Raises LogCut: in a log that was cut, the token of a living session may be unknown."""
    found = owner(token)
    if found is None:
        log.head()
    return found


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
    """Return whether this token has not been exchanged. To ask uses nothing up."""
    link = db.session.get(RefreshToken, digest(token))
    return link is not None and link.used_at is None and link.successor is None and link.goes_on


def chain_of(token: str, session: Session) -> tuple[str, int]:
    """Return what the chain of this token of *session* is good for, and until when."""
    link = db.session.get_one(RefreshToken, digest(token))
    return link.scope or session.scope, _longest(session, link.ends_at)


def _longest(session: Session, ends_at: int | None) -> int:
    return min(session.longest, ends_at or session.longest)


def note_use(session: Session, claims: Claims, browser: Browser) -> None:
    """Note that a browser used its session; writes about once a minute.

    Also erase the sealed copy of this access token's link, once the predecessor's grace is over.
    """
    now, sid, known_as = clock.now(), session.id, session.user_agent
    if now - session.last_seen_at < SEEN_SECONDS:
        return
    graceless = now - settings().rotation_grace_seconds
    used = select(RefreshToken.hash).where(RefreshToken.link == claims.link, RefreshToken.seen_at < graceless)
    sealed = update(RefreshToken).where(RefreshToken.successor.in_(used), RefreshToken.sealed.is_not(None))
    with writing():
        Session.touch(sid, known_as, browser)
        if claims.link:
            db.session.execute(sealed.values(sealed=None), execution_options={"synchronize_session": False})


def chain(session_id: str, newest: int) -> list[RefreshToken]:
    """Return the newest links of a session's chain, the newest first."""
    return list(
        db.session.scalars(
            select(RefreshToken)
            .where(RefreshToken.session_id == session_id)
            .order_by(RefreshToken.issued_at.desc(), _NEWEST.desc())
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


def end_reused(session: Session) -> None:
    """End a session whose tokens have two holders. Must run inside `db.writing`, with the row locked.

    Raises StoodStill where this process may only be late: the retry, with the cookies of then, is judged.
    """
    if stillness.is_recent():
        raise StoodStill("this process stood still, and judges no refresh that it held")
    session.end(Reason.REUSE)
    activity.act("refresh_reused", session)  # the holder who came second: perhaps the thief, perhaps the owner


def _wait_for_others() -> None:
    """Wait where a test has forced a race (test controls): what follows then begins in several requests at once."""
    gate: Callable[[], None] | None = current_app.extensions.get("race")
    if gate:
        gate()


def _make_room(session: Session) -> None:
    """Stop the chains of an app's session that were idle longest, as many as stand in the way of one more."""
    tips = select(RefreshToken.chain).where(RefreshToken.session_id == session.id, _ENDS_CHAIN)
    held = db.session.scalars(tips.order_by(RefreshToken.issued_at, RefreshToken.chain)).all()
    idle = held[: max(0, len(held) - MOST_CHAINS + 1)]
    if idle:
        stopped = update(RefreshToken).where(RefreshToken.session_id == session.id, RefreshToken.chain.in_(idle))
        db.session.execute(stopped.values(stopped_at=clock.now()))


def _add(
    session: Session, proof: Proof, chain: Chain = _BROWSERS, scope: str | None = None
) -> tuple[RefreshToken, Tokens]:
    """Add a link with no predecessor yet. *scope* narrows its access token only."""
    token = secrets.token_urlsafe(32)
    name = secrets.token_urlsafe(12) if session.client_id == SITE else None
    access, claims = access_token.issue(session, scope or chain.scope, proof=proof, link=name, ends_at=chain.ends_at)
    link = RefreshToken(
        hash=digest(token),
        link=name,
        session_id=session.id,
        issued_at=clock.now(),
        access_expires_at=claims.exp,
        auth_time=proof.at,
        amr=proof.how,
        chain=chain.number,
        scope=chain.scope,
        ends_at=chain.ends_at,
    )
    db.session.add(link)
    db.session.flush()
    return link, Tokens(session, access, token, claims, _longest(session, chain.ends_at))


def _exchange(link: RefreshToken, token: str, session: Session, scope: str | None) -> Tokens | None:
    if not link.goes_on:
        return None
    verdict = _judge(link, session)
    if verdict is _Verdict.THEFT:
        end_reused(session)
        return None
    if verdict is _Verdict.ADVANCE:
        return _advance(link, token, session, scope)[1]
    known = seal.reveal(token, _SUCCESSOR, link.sealed) if verdict is _Verdict.REPEAT and link.sealed else None
    return _repeat(link, known, session, scope)


def _judge(link: RefreshToken, session: Session) -> _Verdict:
    """Decide what a presented link gets: the one place where theft is told from a late or lost answer.

    A browser's link is good until its successor was used, and then for the grace. An app's is good for the grace, from
    the exchange: its access tokens are used where this site does not see it.
    """
    successor = _locked(link.successor)
    if link.used_at is None:
        return _judge_proved(successor)
    if successor is None or successor.used_at is not None:
        return _Verdict.THEFT  # void, or older than the immediate predecessor
    used_at = _first_use(successor) if session.client_id == SITE else link.used_at
    if used_at is not None and _is_graceless(used_at):
        return _Verdict.THEFT
    return _Verdict.STAY if used_at is not None and successor.successor else _Verdict.REPEAT


def _judge_proved(proved: RefreshToken | None) -> _Verdict:
    """Decide about a link that was not exchanged, by the link that a proof of identity made from it, if one did."""
    used_at = _first_use(proved) if proved else None
    if used_at is None:
        return _Verdict.ADVANCE
    return _Verdict.THEFT if _is_graceless(used_at) else _Verdict.STAY


def _is_graceless(used_at: int) -> bool:
    return clock.now() - used_at > settings().rotation_grace_seconds


def _locked(name: bytes | None) -> RefreshToken | None:
    """Return the link of this hash, locked: its first use is recorded without the session's lock."""
    return db.session.get(RefreshToken, name, populate_existing=True, with_for_update=True) if name else None


def _first_use(link: RefreshToken) -> int | None:
    """Return when the link was first used, or a later one that a proof made from it: its holder has had both."""
    found = link.seen_at if link.seen_at is not None else link.used_at
    if found is not None:
        return found
    proved = _locked(link.successor)
    return _first_use(proved) if proved else None


def _advance(link: RefreshToken, token: str, session: Session, scope: str | None = None) -> tuple[RefreshToken, Tokens]:
    """Exchange the newest link. A proof made from it, if it is unused, is void from here on."""
    _void(link.successor)
    added, tokens = _add(session, link.proof, Chain(link.chain, link.scope, link.ends_at), scope)
    now = clock.now()
    sealed = seal.close(token, _SUCCESSOR, tokens.refresh or "")
    # Compare and swap: whatever the isolation, one caller alone moves the chain on.
    moved: CursorResult[Any] = db.session.execute(  # type: ignore[assignment]
        update(RefreshToken)
        .where(RefreshToken.hash == link.hash, RefreshToken.used_at.is_(None))
        .values(used_at=now, seen_at=func.coalesce(RefreshToken.seen_at, now), successor=added.hash, sealed=sealed)
    )
    if moved.rowcount != 1:  # pragma: no cover - the row lock is held
        raise RuntimeError("a refresh token was exchanged twice")
    # The predecessor's copy is no longer needed: this token came back to us.
    db.session.execute(update(RefreshToken).where(RefreshToken.successor == link.hash).values(sealed=None))
    return added, tokens


def _expires_soon(link: RefreshToken) -> bool:
    """Return whether other tabs may present this link's token while the answer to a proof is under way.

    They then get a successor of their own, and make no proof void.
    """
    return link.access_expires_at - clock.now() <= settings().rotation_grace_seconds


def _repeat(link: RefreshToken, known: str | None, session: Session, scope: str | None) -> Tokens:
    """Give the *known* successor again, with an access token of it; else an access token of *link* alone."""
    named = (_locked(link.successor) if known else None) or link
    access, claims = access_token.issue(
        session, scope or link.scope, proof=named.proof, link=named.link, ends_at=link.ends_at
    )
    return Tokens(session, access, known, claims, _longest(session, link.ends_at))


def _void(name: bytes | None) -> None:
    """Have the proved link of this hash, and those made from it, be good for nothing: none of them was used."""
    while link := _locked(name):
        name, link.used_at, link.successor = link.successor, clock.now(), None
