"""Status lists: what a verifier of access tokens can fetch instead of asking us (Token Status List, draft)."""

import base64
import hmac
from functools import lru_cache
from typing import Any

from sqlalchemy import select

from app import clock, seal
from app.config import settings
from app.db import db
from app.identity.session import Session
from app.keys import access_keys
from app.revocation import log
from app.revocation.checkers.status_list import BITS, Status, pack
from app.revocation.entries import Scope

HALF = 10  # bits
SIZE = 1 << 2 * HALF
TTL = 15  # seconds: how old a copy may be
LIFE = 300  # seconds: when a copy must not be used any more
TYPE = "statuslist+jwt"


def claim(opened: int) -> dict[str, Any]:
    """Return the `status` claim of every token of the session that opened at this position (section 6)."""
    return {"status_list": {"idx": index(opened), "uri": uri(_number(opened))}}


def index(opened: int) -> int:
    """Return the place of a session in its list: no other session's, and without the secret not to be foreseen.

    A Feistel network over the position, so that no place is given twice and none has to be kept.
    """
    key = _key(settings().secret_key)
    left, right = divmod((opened - 1) % SIZE, 1 << HALF)
    for turn in range(6):
        mixed = hmac.digest(key, b"%d %d %d" % (_number(opened), turn, right), "sha256")
        left, right = right, left ^ int.from_bytes(mixed[:2]) % (1 << HALF)
    return left << HALF | right


def uri(number: int) -> str:
    """Return the address of a list, which is also its subject."""
    return f"{settings().site_url}/status-lists/{number}"


def count() -> int:
    """Return how many lists there are."""
    return _number(max(1, log.size())) + 1


def token(number: int) -> str:
    """Return the list as a signed JWT (section 5.1). Raises StoreUnavailable."""
    now = clock.now()
    content = pack(_statuses(number, now), SIZE)
    claims = {
        "sub": uri(number),
        "iat": now,
        "exp": now + LIFE,
        "ttl": TTL,
        "status_list": {"bits": BITS, "lst": base64.urlsafe_b64encode(content).rstrip(b"=").decode()},
    }
    return access_keys().signing(now).sign(claims, TYPE)


def _statuses(number: int, now: int) -> dict[int, int]:
    """Return what is not valid: until its last token has expired, and no longer."""
    first, last = number * SIZE + 1, (number + 1) * SIZE
    suspended = select(log.LogEntry.opened).where(
        log.LogEntry.scope == Scope.TOKEN, log.LogEntry.until > now, log.LogEntry.opened.between(first, last)
    )
    ended = select(Session.opened).where(
        Session.ended_entry.is_not(None), Session.access_until > now, Session.opened.between(first, last)
    )
    found = dict.fromkeys(map(index, db.session.scalars(suspended)), int(Status.SUSPENDED))
    return found | dict.fromkeys(map(index, db.session.scalars(ended)), int(Status.INVALID))


@lru_cache
def _key(secret: str) -> bytes:
    return seal.derive(secret, "places in status lists")


def _number(opened: int) -> int:
    return (opened - 1) // SIZE
