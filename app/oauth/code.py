"""The authorization code: random, good for one use within a minute, and bound to its request."""

import secrets
from typing import NamedTuple

from authlib.oauth2.rfc7636 import create_s256_code_challenge
from sqlalchemy import LargeBinary, String, bindparam, select, update
from sqlalchemy.orm import Mapped, mapped_column

from app import clock
from app.crypto import seal
from app.identity import activity, demand, grant, refresh_token, session_row
from app.identity.dpop.presented import Proved
from app.identity.grant import Grant
from app.identity.proof import Proof, as_words
from app.identity.refresh_token import Tokens
from app.identity.session import Reason, Session
from app.identity.session_row import SessionRow
from app.oauth import consent
from app.oauth.authorization import Asked
from app.revocation import delivery
from app.store import prebuilt
from app.store.db import Model, db, writing
from app.store.prebuilt import Row

SECONDS = 60
VERIFIER_LENGTHS = range(43, 128 + 1)  # in characters (RFC 7636, section 4.1)
MAX_CODE_LENGTH = 128
_UNRESERVED = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~")


class StoredCode:
    """A code under the SHA-256 of what the app was sent. *session_id*: the session in which it was exchanged.

    *dpop_jkt*: the key that its exchange needs, if the app named one (RFC 9449, section 10).
    """

    hash: Mapped[bytes] = mapped_column(LargeBinary(32), primary_key=True)
    client_id: Mapped[str] = mapped_column(String(64))
    browser_session_id: Mapped[str] = mapped_column(String(64))
    redirect_uri: Mapped[str] = mapped_column(String(2000))
    scope: Mapped[str] = mapped_column(String(255))
    nonce: Mapped[str | None] = mapped_column(String(255))
    challenge: Mapped[str] = mapped_column(String(128))
    dpop_jkt: Mapped[str | None] = mapped_column(String(43))
    auth_time: Mapped[int | None]
    amr: Mapped[str | None] = mapped_column(String(64))
    expires_at: Mapped[int] = mapped_column(index=True)
    used_at: Mapped[int | None]
    session_id: Mapped[str | None] = mapped_column(String(64))


class Code(StoredCode, Model):
    """A code as an ORM object. `StoredCode` says what each column means."""

    __tablename__ = "authorization_codes"


class CodeRow(Row, StoredCode):
    """The row of a code as it was read."""


_CODES = prebuilt.table(Code)
_IT = _CODES.c.hash == bindparam("code")
_READ = select(_CODES).where(_IT)
_USE = (
    update(_CODES).where(_IT, _CODES.c.used_at.is_(None)).values(used_at=bindparam("now"), session_id=bindparam("sid"))
)
_GAVE = select(_CODES.c.session_id).where(_IT)


class Granted(NamedTuple):
    """The tokens a code was exchanged for, and the nonce of its request."""

    tokens: Tokens
    nonce: str | None


def issue(browser: Session, asked: Asked, proof: Proof) -> str:
    """Make a code for what the user of *browser* allowed an app. Must run inside `db.writing`.

    *proof*: that of the tokens that allowed it; the app must not learn of a later one.
    """
    code = secrets.token_urlsafe(32)
    db.session.add(
        Code(
            hash=seal.digest(code),
            client_id=asked.client.id,
            browser_session_id=browser.id,
            redirect_uri=asked.redirect_uri,
            scope=asked.scope,
            nonce=asked.nonce,
            challenge=asked.challenge,
            dpop_jkt=asked.dpop_jkt,
            auth_time=proof.at,
            amr=proof.how,
            expires_at=clock.now() + SECONDS,
        )
    )
    return code


def is_unused(code: str) -> bool:
    """Return whether this code can still be exchanged."""
    found = db.session.get(Code, seal.digest(code), populate_existing=True)
    return found is not None and found.used_at is None and found.expires_at > clock.now()


def exchange(
    code: str, *, client_id: str, verifier: str, redirect_uri: str | None, key: Proved | None = None
) -> Granted | None:
    """Return the first tokens of a new chain in the app's session, or None if the code is not good.

    A second exchange with the right verifier ends the session of the first. Without it, it changes nothing: an attacker who
    only saw the code could end the session (RFC 9700, section 4.5).
    *key*: the key that the app has proved.
    Raises ClockApart: a wrong clock could take a code for an expired one, and use it up. Raises Unproved for a proof that was
    used before.
    """
    delivery.check_clock()
    row = prebuilt.look(_READ, code=seal.digest(code)) if len(code) <= MAX_CODE_LENGTH else None
    found = CodeRow(zip(_CODES.c.keys(), row, strict=True)) if row else None
    if found is None or not _fits_request(found, client_id, verifier, redirect_uri) or _needs_other(found, key):
        return None
    with writing():
        browser = session_row.lock(found.browser_session_id)
        if key:
            key.spend()  # under the lock: a refresh that brings the same proof locks in this order too
        given = _given(found, browser)
        # Compare and swap: at any isolation level, only one caller gets tokens for it.
        if prebuilt.write(_USE, code=found.hash, now=clock.now(), sid=given.session_id if given else None) != 1:
            _end_first(found.hash)
            return None
        prebuilt.forget(Code)
        return Granted(refresh_token.give(given.take(), found.scope, given.proof, key), found.nonce) if given else None


def _given(found: StoredCode, browser: SessionRow | None) -> Grant | None:
    """Return what the code stands for, if it is still good for that. Writes nothing: the code may have been used."""
    if browser is None or found.expires_at <= clock.now() or not _is_still_wanted(found, browser):
        return None
    proof = Proof(browser.began_at if found.auth_time is None else found.auth_time, found.amr)
    return grant.find(browser, found.client_id, found.scope, proof)


def _fits_request(found: StoredCode, client_id: str, verifier: str, redirect_uri: str | None) -> bool:
    """Check client, redirect URI (if it is sent again, as OpenID Connect has it) and the proof of RFC 7636, section 4.6."""
    return (
        found.client_id == client_id
        and redirect_uri in (None, found.redirect_uri)
        and len(verifier) in VERIFIER_LENGTHS
        and _UNRESERVED.issuperset(verifier)
        and secrets.compare_digest(create_s256_code_challenge(verifier), found.challenge)
    )


def _needs_other(found: StoredCode, key: Proved | None) -> bool:
    """Return whether the app named another key than it has proved now."""
    return found.dpop_jkt not in (None, key.jkt if key else None)


def _is_still_wanted(found: StoredCode, browser: SessionRow) -> bool:
    """Return whether the user is still signed in there, has not withdrawn the consent, and has the factor that is
    demanded."""
    if demand.refuses(browser.user_id, as_words(found.amr)):
        return False
    return consent.stands_in(browser, found.client_id, found.scope)


def _end_first(hashed: bytes) -> None:
    """End the session of the first exchange, which it noted in the transaction that used the code up."""
    row = prebuilt.ask(_GAVE, code=hashed)
    session = session_row.lock(row[0]) if row and row[0] else None
    if session and session.end(Reason.CODE_REUSED):
        activity.act("code_reused", session)
