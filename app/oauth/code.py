"""The authorization code: random, good for one use within a minute, and bound to all that was asked for with it."""

import secrets
from dataclasses import dataclass
from typing import Any

from authlib.oauth2.rfc7636 import create_s256_code_challenge
from sqlalchemy import CursorResult, LargeBinary, String, select, update
from sqlalchemy.orm import Mapped, mapped_column

from app import clock
from app.db import Model, db, writing
from app.identity import activity, refresh_token, sessions
from app.identity.proof import Proof
from app.identity.refresh_token import Tokens, digest
from app.identity.session import Reason, Session
from app.oauth import consent
from app.revocation import delivery

SECONDS = 60
MOST = 50  # sessions of one person that one app can hold
SHORTEST, LONGEST = 43, 128  # characters of a verifier (RFC 7636, section 4.1)
_UNRESERVED = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~")


class Code(Model):
    """A code under the SHA-256 of what the app was sent. *session_id*: the session in which it was exchanged."""

    __tablename__ = "authorization_codes"
    hash: Mapped[bytes] = mapped_column(LargeBinary(32), primary_key=True)
    client_id: Mapped[str] = mapped_column(String(64))
    browser_session_id: Mapped[str] = mapped_column(String(64))
    redirect_uri: Mapped[str] = mapped_column(String(2000))
    scope: Mapped[str] = mapped_column(String(255))
    nonce: Mapped[str | None] = mapped_column(String(255))
    challenge: Mapped[str] = mapped_column(String(128))
    auth_time: Mapped[int | None]
    amr: Mapped[str | None] = mapped_column(String(64))
    expires_at: Mapped[int] = mapped_column(index=True)
    used_at: Mapped[int | None]
    session_id: Mapped[str | None] = mapped_column(String(64))


@dataclass(frozen=True)
class Granted:
    """What a code was exchanged for, and the nonce that came with the request."""

    tokens: Tokens
    nonce: str | None


def issue(
    browser: Session,
    client_id: str,
    *,
    redirect_uri: str,
    scope: str,
    nonce: str | None,
    challenge: str,
    proof: Proof,
) -> str:
    """Make a code for an app that the person in *browser* said yes to. Must run inside `db.writing`.

    *proof*: that of the tokens that said yes; the app must not learn of a later one.
    """
    code = secrets.token_urlsafe(32)
    db.session.add(
        Code(
            hash=digest(code),
            client_id=client_id,
            browser_session_id=browser.id,
            redirect_uri=redirect_uri,
            scope=scope,
            nonce=nonce,
            challenge=challenge,
            auth_time=proof.at,
            amr=proof.how,
            expires_at=clock.now() + SECONDS,
        )
    )
    return code


def is_unused(code: str) -> bool:
    """Return whether this code can still be exchanged."""
    found = db.session.get(Code, digest(code), populate_existing=True)
    return found is not None and found.used_at is None and found.expires_at > clock.now()


def exchange(code: str, *, client_id: str, verifier: str, redirect_uri: str | None) -> Granted | None:
    """Return the first tokens of a new chain in the app's session, or None if the code is not good.

    A second exchange ends the session that the first one was about, if it too proves to come from who asked for the code;
    without the verifier it changes nothing, or whoever saw the code could end the session (RFC 9700, section 4.5).
    Raises ClockApart: a wrong clock could take a code for an expired one, and use it up.
    """
    delivery.check_clock()
    found = db.session.get(Code, digest(code)) if len(code) <= LONGEST else None
    if found is None or not _is_from_who_asked(found, client_id, verifier, redirect_uri):
        return None
    browser_sid, hashed = found.browser_session_id, found.hash  # read before `writing` lets go of the row
    with writing():
        browser = sessions.lock(browser_sid)
        if not _use(hashed):
            _end_first(hashed)
            return None
        if browser is None or found.expires_at <= clock.now() or not _is_still_wanted(found, browser):
            return None
        proof = Proof(browser.began_at if found.auth_time is None else found.auth_time, found.amr)
        session = _session(browser, found, proof)
        found.session_id = session.id
        return Granted(refresh_token.issue(session, scope=found.scope, proof=proof), found.nonce)


def _session(browser: Session, found: Code, proof: Proof) -> Session:
    """Return the app's session in *browser*: the one that it holds, or else one that begins now."""
    held = sessions.held_in(browser, found.client_id, found.scope)
    if held:
        held.extend(found.scope, auth_time=proof.at or 0)
        return held
    _make_room(browser.user_id, found.client_id)
    begun = Session.grant(browser, found.client_id, found.scope, auth_time=proof.at or 0, amr=proof.how)
    activity.record("app_connected", begun.user_id, begun)
    return begun


def _is_from_who_asked(found: Code, client_id: str, verifier: str, redirect_uri: str | None) -> bool:
    """Check client, redirect URI (if it is sent again, as OpenID Connect has it) and the proof of RFC 7636, section 4.6."""
    return (
        found.client_id == client_id
        and redirect_uri in (None, found.redirect_uri)
        and SHORTEST <= len(verifier) <= LONGEST
        and _UNRESERVED.issuperset(verifier)
        and secrets.compare_digest(create_s256_code_challenge(verifier), found.challenge)
    )


def _use(hashed: bytes) -> bool:
    """Use the code up; say whether it still was good for that.

    Compare and swap: whatever the isolation, one caller alone gets something for it.
    """
    used: CursorResult[Any] = db.session.execute(  # type: ignore[assignment]
        update(Code).where(Code.hash == hashed, Code.used_at.is_(None)).values(used_at=clock.now()),
        execution_options={"synchronize_session": False},
    )
    return used.rowcount == 1


def _is_still_wanted(found: Code, browser: Session) -> bool:
    """Say whether who said yes is still signed in there, and has not taken it back since."""
    return browser.goes_on() and consent.stands(browser.user_id, found.client_id, found.scope)


def _make_room(user_id: str, client_id: str) -> None:
    """End what an app has let lie for longest, if it holds a great many sessions of one person.

    Each is an entry of the log when the person signs out, in one transaction for which everybody else waits.
    """
    held = sorted(sessions.of_app(user_id, client_id), key=lambda session: session.last_seen_at)
    for session in held[: max(0, len(held) - MOST + 1)]:
        session.end(Reason.REPLACED)


def _end_first(hashed: bytes) -> None:
    opened = db.session.scalar(select(Code.session_id).where(Code.hash == hashed))
    session = sessions.lock(opened or "")
    if session and session.end(Reason.CODE_REUSED):
        activity.act("code_reused", session)
