"""The refresh token: opaque, single use, stored only as a hash; one chain for a browser, up to ten for an app."""

import secrets
from collections.abc import Callable
from enum import Enum, auto
from typing import NamedTuple

from app import clock, context, stillness
from app.config import settings
from app.crypto import seal
from app.identity import access_token, activity, chains, session_row, suspicion
from app.identity.access_token import Claims
from app.identity.browsers import Browser
from app.identity.chains import Chain, Link, LinkRow
from app.identity.dpop.presented import Proved
from app.identity.lifetime import State
from app.identity.proof import Proof
from app.identity.session import SEEN_SECONDS, SITE, Reason, Session, Standing, touch
from app.identity.session_row import SessionRow
from app.revocation import delivery, log
from app.store.db import StoreUnavailable, db, writing
from app.telemetry import security_log

_SUCCESSOR = "successor of a refresh token"
LONGEST_TOKEN = 512  # characters
LATE_SECONDS = 60  # how long a slow line may hold an answer
_OF_BROWSER = Chain(None, None, None)


class StoodStill(StoreUnavailable):
    """This process held the request while it stood still, so it must not judge what came with it."""


class Tokens(NamedTuple):
    """A session with the tokens that a browser or an app is given. *refresh* is None where it keeps the one it has.

    *longest*: when they end even if they stay in use.
    """

    session: Standing
    access: str
    refresh: str | None
    claims: Claims
    longest: int


class _Verdict(Enum):
    """The decision about a presented refresh token."""

    ADVANCE = auto()  # it is the newest: it gets a successor
    REPEAT = auto()  # its successor may not have arrived: it gets the same one again
    STAY = auto()  # its successor has a proof of identity: it gets an access token without, and nothing more
    THEFT = auto()


def issue(session: Session, *, proof: Proof | None = None) -> Tokens:
    """Add the first link of a browser's session. *proof*: that of the link, if not the session's.

    Must run inside `db.writing`, with the session's row locked.
    """
    return _begin(session, proof or Proof(session.last_auth_at, session.amr))[1]


def give(session: SessionRow, scope: str, proof: Proof, key: Proved | None = None) -> Tokens:
    """Add the first link of one more chain to an app's session, and write both. *scope* and *proof* are the chain's;
    *key*: the key that the app has proved.

    Must run inside `db.writing`, with the row locked.
    """
    chains.make_room(session)
    chain = Chain(session.chains + 1, scope, session.expires_at, _lasting(key))
    new, tokens = _mint(session, proof, chain, key=key)
    until = max(session.access_until, tokens.claims.exp)
    given = session.changed(chains=session.chains + 1, access_until=until)
    chains.give(new, given)
    return tokens._replace(session=given.stored())


def rotate(
    token: str,
    *,
    client_id: str,
    scope: str | None = None,
    browser: Browser | None = None,
    admits: Callable[[SessionRow], bool] = lambda _: True,
    found: LinkRow | None = None,
    key: Proved | None = None,
) -> Tokens | None:
    """Exchange a refresh token of this client for its successor and an access token, or return None if it is not good.

    *scope* narrows the access token only (RFC 6749, section 6). *browser*: the sender, if this counts as a use of the
    session. A token whose successor is in use, or bound to another key, ends its session: there are two holders (RFC 9700,
    section 4.14.2).
    *admits*: whether the sender may use the session at all; if not, nothing happens to it. *found*: what `find` gave, where the
    caller has looked before the transaction. *key*: the key that the sender has proved; to a token that needs another,
    nothing happens, so a copy without the key ends nothing. Raises ClockApart, and Unproved for a proof that was used before.
    """
    found = found or find_in_whole_log(token)
    if found is None or found.session.client_id != client_id or _is_dead(found):
        return None
    _wait_for_others()
    with writing():
        link = chains.lock(token, found)
        if link is None:  # it was purged meanwhile
            return None
        session = link.session
        if session.await_end() or session.state(clock.now()) is not State.LIVE or not admits(session):
            return None
        if _lacks_key(link, key):
            return None
        delivery.check_clock()  # once more: the lock may have taken seconds
        if session.client_id != SITE:  # each use of an app shows here, and its user need not be there
            browser = Browser(session.user_agent, session.address)
        return _exchange(link, token, scope, browser, key)


def _lacks_key(link: LinkRow, key: Proved | None) -> bool:
    """Return whether the token needs another key than the sender has proved. If not, use the proof up."""
    if link.is_bound_elsewhere(_jkt(key)):
        session = link.session
        security_log.line("bound_token_presented", user=session.user_id, session=session.id, client=session.client_id)
        return True
    if key:
        key.spend()
    return False


def _is_dead(link: LinkRow) -> bool:
    """Return whether the session is over, before any lock is taken: a browser may bring a dead token for weeks.

    An old one is reuse again, so its answer too waits until every node knows the end that reuse brought.
    Raises ClockApart where a wrong clock could take a living session for one that timed out.
    """
    session = link.session
    if session.ended_entry is None:
        delivery.check_clock()
    if session.state(clock.now()) is State.LIVE:
        return False
    if not link.is_newest:
        session.await_end()
    return True


def prove(session: Session, token: str | None, how: str) -> Tokens | None:
    """Add a link that carries a proof of identity made now; return None if *token* shows a theft, which ends the session.

    *token*: the refresh token that came with the proof; *how*: see `proof`. The new link is for the answer to that proof only: no other
    holder of earlier tokens gains by it. Must run inside `db.writing`, with the session's row locked and found to go on.
    Raises ClockApart.
    """
    delivery.check_clock()
    presented = find(token) if token else None
    if presented and presented.session_id == session.id and _judge(presented) is _Verdict.THEFT:
        end_reused(session)
        return None
    newest = chains.newest_of(session)
    before = newest.hash if newest else None
    # By its name: another tab may have noted its use of it between the two looks.
    if token and newest and presented and presented.hash == newest.hash and _expires_soon(newest):
        before, _ = _advance(newest, token)
    session.last_auth_at = clock.now()
    proved, tokens = _begin(session, Proof(session.last_auth_at, how))
    if before:
        chains.follow(before, proved)
    return tokens


def find(token: str) -> LinkRow | None:
    """Return the link of this token, used or not, with its session. Uses nothing up."""
    return chains.find(token) if len(token) <= LONGEST_TOKEN else None


def find_of(client_id: str, token: str) -> LinkRow | None:
    """Do what `find` does, for a token of this client. The time does not tell another's from an unknown one."""
    return chains.find_of(client_id, token) if len(token) <= LONGEST_TOKEN else None


def is_known(token: str) -> bool:
    """Return whether it is a refresh token, used or not, of any client."""
    return len(token) <= LONGEST_TOKEN and chains.is_known(token)


def find_in_whole_log(token: str) -> LinkRow | None:
    """Do what `find` does. Raises LogCut: in a log that was cut, the token of a living session may be unknown."""
    found = find(token)
    if found is None:
        log.head()
    return found


def longest(session: Standing, ends_at: int | None) -> int:
    """Return until when a chain of *session* that ends at *ends_at* is good, even if it stays in use."""
    return min(session.longest, ends_at or session.longest)


def note_use(session: Standing, claims: Claims, browser: Browser) -> None:
    """Note that a browser used its session; writes about once a minute.

    Also erase the sealed copy of this access token's link, once the predecessor's grace is over.
    """
    now, sid, known_as = clock.now(), session.id, session.user_agent
    if now - session.last_seen_at < SEEN_SECONDS:
        return
    with writing():
        touch(sid, known_as, browser)
        if claims.link:
            chains.unseal_before(claims.link, now - settings().rotation_grace_seconds)


def end_reused(session: Standing) -> None:
    """End a session whose tokens have two holders. Must run inside `db.writing`, with the row locked.

    Raises StoodStill where this process may only be late: the retry, with newer cookies, is judged.
    """
    if stillness.is_recent():
        raise StoodStill("this process stood still, and judges no refresh that it held")
    ended = db.session.get_one(Session, session.id)
    ended.end(Reason.REUSE)
    activity.act("refresh_reused", ended)  # names the second holder: the thief or the owner


def _wait_for_others() -> None:
    """Wait where a test has forced a race (test controls): what follows then begins in several requests at once."""
    gate: Callable[[], None] | None = context.app().extensions.get("race")
    if gate:
        gate()


def _jkt(key: Proved | None) -> str | None:
    return key.jkt if key else None


def _lasting(key: Proved | None) -> str | None:
    """Return the key that a refresh token is bound to: none for a confidential app, which proves itself besides."""
    return key.jkt if key and key.binds_refresh else None


def _mint(
    session: Standing, proof: Proof, chain: Chain, scope: str | None = None, key: Proved | None = None
) -> tuple[LinkRow, Tokens]:
    """Make a link, not yet stored, and its tokens. *scope* and *key* are those of the access token only."""
    token = secrets.token_urlsafe(32)
    name = secrets.token_urlsafe(12) if session.client_id == SITE else None
    access, claims = access_token.issue(
        session, scope or chain.scope, proof=proof, link=name, ends_at=chain.ends_at, jkt=_jkt(key)
    )
    new = chains.new(
        hash=seal.digest(token),
        link=name,
        session_id=session.id,
        issued_at=clock.now(),
        access_expires_at=claims.exp,
        auth_time=proof.at,
        amr=proof.how,
        **chain._asdict(),
    )
    return new, Tokens(session, access, token, claims, longest(session, chain.ends_at))


def _begin(session: Session, proof: Proof) -> tuple[bytes, Tokens]:
    """Add a link of a browser's session, with no predecessor yet; return its hash and its tokens."""
    new, tokens = _mint(session, proof, _OF_BROWSER)
    chains.add(new)
    session.access_until = max(session.access_until, tokens.claims.exp)
    return new.hash, tokens


def _exchange(
    link: LinkRow, token: str, scope: str | None, browser: Browser | None, key: Proved | None
) -> Tokens | None:
    session = link.session
    verdict = _judge(link, key) if link.goes_on else None
    if verdict is _Verdict.THEFT:
        end_reused(session)
    if verdict in (None, _Verdict.THEFT):
        return None
    used_by = browser if browser and suspicion.knows(session, browser) else None
    if verdict is _Verdict.ADVANCE:
        tokens = _advance(link, token, scope, used_by, key)[1]
    else:
        known = seal.reveal(token, _SUCCESSOR, link.sealed) if verdict is _Verdict.REPEAT and link.sealed else None
        tokens = _repeat(link, known, scope, used_by, key)
    if browser is None or browser is used_by:
        return tokens
    return tokens if _record_use(session.id, browser) else None


def _record_use(sid: str, browser: Browser) -> bool:
    """Judge a use from a new place, and note it if the session goes on."""
    session = db.session.get_one(Session, sid)
    if not suspicion.record_use(session, browser):
        return False
    touch(sid, session.user_agent, browser)
    return True


def _judge(link: LinkRow, key: Proved | None = None) -> _Verdict:
    """Decide what a presented link gets: the one place where theft is told from a late or lost answer.

    A browser's link is good until its successor was used, and then for the grace period. An app's is good for the grace
    period after the exchange: this site does not see the uses of its access tokens. *key*: the key that the sender has
    proved; if the successor is bound to another, another holder has exchanged the link.
    """
    successor = chains.locked(link.successor)
    if link.used_at is None:
        return _judge_proved(successor)
    if successor is None or successor.used_at is not None or successor.is_bound_elsewhere(_jkt(key)):
        return _Verdict.THEFT  # void, older than the immediate predecessor, or exchanged by the holder of another key
    used_at = _first_use(successor) if link.session.client_id == SITE else link.used_at
    if used_at is not None and _is_graceless(used_at):
        return _Verdict.THEFT
    return _Verdict.STAY if used_at is not None and successor.successor else _Verdict.REPEAT


def _judge_proved(proved: Link | None) -> _Verdict:
    """Decide about a link that was not exchanged, by the link that a proof of identity made from it, if one did."""
    used_at = _first_use(proved) if proved else None
    if used_at is None:
        return _Verdict.ADVANCE
    return _Verdict.THEFT if _is_graceless(used_at) else _Verdict.STAY


def _is_graceless(used_at: int) -> bool:
    return clock.now() - used_at > settings().rotation_grace_seconds


def _first_use(link: Link) -> int | None:
    """Return when the link was first used, or a later one that a proof made from it: its holder has had both."""
    found = link.seen_at if link.seen_at is not None else link.used_at
    if found is not None:
        return found
    proved = chains.locked(link.successor)
    return _first_use(proved) if proved else None


def _advance(
    link: LinkRow, token: str, scope: str | None = None, browser: Browser | None = None, key: Proved | None = None
) -> tuple[bytes, Tokens]:
    """Exchange the newest link; return the hash of its successor, and the tokens. A proof made from it, if it is unused,
    is void from here on."""
    chains.void(link.successor)
    chain = Chain(link.chain, link.scope, link.ends_at, _lasting(key))
    new, tokens = _mint(link.session, link.proof, chain, scope, key)
    sealed = seal.close(token, _SUCCESSOR, tokens.refresh or "")
    used = link.session.used(browser, access_until=tokens.claims.exp)
    chains.advance(link, new, sealed, used)
    return new.hash, tokens._replace(session=used)


def _expires_soon(link: Link) -> bool:
    """Return whether other tabs may present this link's token while the answer to a proof is under way.

    They then get another successor, and void no proof.
    """
    return link.access_expires_at - clock.now() <= max(settings().rotation_grace_seconds, LATE_SECONDS)


def _repeat(link: LinkRow, known: str | None, scope: str | None, browser: Browser | None, key: Proved | None) -> Tokens:
    """Give the *known* successor again, with an access token of it; else an access token of *link* alone."""
    session, named = link.session, (chains.locked(link.successor) if known else None) or link
    access, claims = access_token.issue(
        session, scope or link.scope, proof=named.proof, link=named.link, ends_at=link.ends_at, jkt=_jkt(key)
    )
    used = session.used(browser, access_until=claims.exp)
    session_row.note(used)
    return Tokens(used, access, known, claims, longest(session, link.ends_at))
