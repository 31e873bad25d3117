"""Status lists, which a verifier of access tokens can fetch instead of asking us (Token Status List, draft)."""

import gzip
import hmac
import math
import threading
import zlib
from array import array
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum
from functools import cache
from typing import Any

from flask import Flask
from jwt.utils import base64url_encode
from sqlalchemy import select

from app import clock, context
from app.config import settings
from app.crypto import seal
from app.crypto.keys import access_keys
from app.identity.session import Session
from app.revocation import log
from app.revocation.entries import Scope
from app.store.db import db, let_go

BITS = 2  # of each status
HALF = 10  # bits
SIZE = 1 << 2 * HALF
TTL = 15  # seconds: how old a copy may be
LIFE = 300  # seconds: when a copy must not be used any more
TYPE = "statuslist+jwt"

Revoked = tuple[int, int]  # the position at which a session opened, and when its last token expires


class Status(IntEnum):
    """What a list says about a token (section 7.1)."""

    VALID = 0
    INVALID = 1
    SUSPENDED = 2


def claim(opened: int) -> dict[str, Any]:
    """Return the `status` claim of every token of the session that opened at this position (section 6)."""
    return {"status_list": {"idx": index(opened), "uri": uri(_number(opened))}}


def index(opened: int) -> int:
    """Return the place of a session in its list: unique, and unpredictable without the secret.

    A Feistel network over the position: no place is given twice, and none has to be stored.
    """
    left, right = divmod((opened - 1) % SIZE, 1 << HALF)
    for mixed in _rounds(settings().secret_key, _number(opened)):
        left, right = right, left ^ mixed[right]
    return left << HALF | right


@cache
def _rounds(secret: str, number: int) -> Sequence[Sequence[int]]:
    """Return the round functions of a list as tables, computed once: a half has few values."""
    key = seal.derive(secret, "places in status lists")

    def mix(turn: int, half: int) -> int:
        return int.from_bytes(hmac.digest(key, b"%d %d %d" % (number, turn, half), "sha256")[:2]) % (1 << HALF)

    return [array("H", [mix(turn, half) for half in range(1 << HALF)]) for turn in range(6)]


def uri(number: int) -> str:
    """Return the address of a list, which is also its subject."""
    return f"{settings().site_url}/status-lists/{number}"


def count() -> int:
    """Return how many lists there are."""
    return _number(max(1, log.size())) + 1


@dataclass(frozen=True)
class Published:
    """A list as it was signed at *made_at*. *packed*: what it shows of a log with this *head*, until *good_until*."""

    head: tuple[int, str]
    good_until: float
    packed: str
    made_at: int
    key_id: str
    token: str
    gzipped: bytes

    def is_signed_lately(self, now: int, key_id: str) -> bool:
        return self.key_id == key_id and self.made_at <= now < self.made_at + TTL

    def shows(self, head: tuple[int, str], now: int) -> bool:
        """Return whether it still shows what a log with this head says."""
        return self.head == head and self.made_at <= now < self.good_until


class Publisher:
    """Keeps each list as it was served last, so an unchanged one costs a look at the head of the log.

    One request remakes a list, and the others that came meanwhile wait for it.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._lists: dict[int, Published] = {}

    def read(self, number: int) -> Published:
        """Return a list that shows every entry committed before this call. Raises StoreUnavailable, LookupError."""
        found = self._current(number)
        if found is None:
            let_go()  # a request that waits holds no connection
            with self._lock:
                found = self._current(number) or self._make(number)
        return found

    def _current(self, number: int) -> Published | None:
        head, now = log.head(), clock.now()
        if number > _number(max(1, head[0])):
            raise LookupError(number)
        found = self._lists.get(number)
        key_id = access_keys().signing(now).kid
        return found if found and found.shows(head, now) and found.is_signed_lately(now, key_id) else None

    def _make(self, number: int) -> Published:
        head, now = log.head(), clock.now()  # the head first: what is committed after it is shown too, or the next time
        known = self._lists.get(number)
        if known and known.shows(head, now):
            good_until, packed = known.good_until, known.packed
        else:
            good_until, packed = _pack(number, now)
        self._lists[number] = made = _sign(number, head, good_until, packed, now)
        return made


def init_app(app: Flask) -> None:
    """Give *app* its lists."""
    app.extensions["status_lists"] = Publisher()


def read(number: int) -> Published:
    """Return a list as it is to be served. Raises StoreUnavailable; LookupError if there is none of this number."""
    found: Publisher = context.app().extensions["status_lists"]
    return found.read(number)


def pack(statuses: Mapping[int, int], size: int, bits: int = BITS) -> bytes:
    """Compress *size* statuses of *bits* each, the first in the lowest bits of the first byte (section 4.1)."""
    each = 8 // bits
    content = bytearray(-(-size // each))
    for index, status in statuses.items():
        content[index // each] |= status << index % each * bits
    return zlib.compress(bytes(content), 9)


def _sign(number: int, head: tuple[int, str], good_until: float, packed: str, now: int) -> Published:
    key = access_keys().signing(now)
    claims = {
        "sub": uri(number),
        "iat": now,
        "exp": now + LIFE,
        "ttl": TTL,
        "status_list": {"bits": BITS, "lst": packed},
    }
    signed = key.sign(claims, TYPE)
    return Published(head, good_until, packed, now, key.kid, signed, gzip.compress(signed.encode()))


def _pack(number: int, now: int) -> tuple[float, str]:
    """Return until when the list stays as it is if nothing else is revoked, and its content."""
    suspended, ended = _unexpired(number, now)
    statuses: dict[int, int] = {index(opened): Status.SUSPENDED for opened, _ in suspended}
    statuses |= {index(opened): Status.INVALID for opened, _ in ended}
    good_until = min((until for _, until in [*suspended, *ended]), default=math.inf)
    return good_until, base64url_encode(pack(statuses, SIZE)).decode()


def _unexpired(number: int, now: int) -> tuple[list[Revoked], list[Revoked]]:
    """Return which sessions of a list have a revoked token and which are over, each until its last token has expired.

    Reads what was revoked within the life of an access token, however long the log is.
    """
    first, last = number * SIZE + 1, (number + 1) * SIZE
    unexpired = log.IS_REVOKED, log.LogEntry.until > now

    def named(scope: Scope) -> list[Revoked]:
        entries = select(log.LogEntry.opened, log.LogEntry.until).where(*unexpired, log.LogEntry.scope == scope)
        return [(opened, until) for opened, until in db.session.execute(entries) if first <= opened <= last]

    cut = select(log.LogEntry.position).where(*unexpired, log.LogEntry.scope == Scope.USER)
    cut_off = select(Session.opened, Session.access_until).where(
        Session.ended_entry.in_(cut), Session.access_until > now, Session.opened.between(first, last)
    )
    return named(Scope.TOKEN), [
        *named(Scope.SESSION),
        *((opened, until) for opened, until in db.session.execute(cut_off)),
    ]


def _number(opened: int) -> int:
    return (opened - 1) // SIZE
