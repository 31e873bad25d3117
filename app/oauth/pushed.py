"""A pushed authorization request (RFC 9126): the app's server sends it, and the browser brings only its name. It is
good for one answer. Its browser has a minute to come, and then the time that a user needs to sign in and decide: on the
way the same name comes several times.
"""

import json
import secrets
from collections.abc import Mapping

from sqlalchemy import ColumnElement, Index, LargeBinary, String, delete, func, select, update
from sqlalchemy.orm import Mapped, mapped_column
from werkzeug.exceptions import RequestEntityTooLarge, TooManyRequests

from app import clock
from app.capacity.throttle import PlaceThrottle
from app.crypto import seal
from app.oauth.clients import Registered
from app.store.db import Model, db, trim, writing

NAMES = "urn:ietf:params:oauth:request_uri:"
SECONDS = 60
OPENED_SECONDS = 30 * 60
MAX_LENGTH = 8192  # characters of a request
MAX_WAITING = 10_000  # requests of one authenticated app whose browsers have not come yet
_PURPOSE = "a pushed request"
_pushes = PlaceThrottle("pushed requests of public clients", "300 per 10 minutes")
_opened = PlaceThrottle("pushed requests opened by place", "1000 per 10 minutes")


class Pushed(Model):
    """A request under the SHA-256 of its name, which also opens what is *sealed*: it may name a user.

    *until*: when it expires.
    """

    __tablename__ = "pushed_requests"
    __table_args__ = (Index("pushed_requests_of_client", "client_id", "until"),)
    hash: Mapped[bytes] = mapped_column(LargeBinary(32), primary_key=True)
    client_id: Mapped[str] = mapped_column(String(64))
    sealed: Mapped[bytes]
    is_opened: Mapped[bool]
    until: Mapped[int] = mapped_column(index=True)


def check(client: Registered) -> None:
    """Count a request of a public client against the place that sent it. Raises TooManyRequests.

    Anyone can claim such an id, so a limit for the client would let a stranger shut its users out.
    """
    if client.is_public:
        _pushes.check()
        _pushes.count()


def keep(client: Registered, parameters: Mapping[str, str]) -> str:
    """Keep a request of this app; return its name. Must run inside `db.writing`.

    Raises RequestEntityTooLarge and TooManyRequests.
    """
    name, content = f"{NAMES}{secrets.token_urlsafe(32)}", json.dumps(dict(parameters))
    if len(content) > MAX_LENGTH:
        raise RequestEntityTooLarge
    trim(Pushed.hash, Pushed.until <= clock.now())
    if not client.is_public and _waiting(client.id) >= MAX_WAITING:
        raise TooManyRequests(retry_after=SECONDS)
    sealed = seal.close(name, _PURPOSE, content)
    until = clock.now() + SECONDS
    db.session.add(Pushed(hash=seal.digest(name), client_id=client.id, sealed=sealed, is_opened=False, until=until))
    return name


def _waiting(client_id: str) -> int:
    """Return how many requests of this app wait for their browser."""
    now = clock.now()
    soon = Pushed.client_id == client_id, Pushed.until > now, Pushed.until <= now + SECONDS
    return db.session.scalar(select(func.count()).where(*soon, Pushed.is_opened.is_(False))) or 0


def find(name: str, client_id: str) -> dict[str, str] | None:
    """Return the request of this app and name, while it is good."""
    found = db.session.scalar(select(Pushed.sealed).where(*_is(name), Pushed.client_id == client_id))
    content = seal.reveal(name, _PURPOSE, found) if found else None
    parameters: dict[str, str] | None = json.loads(content) if content else None
    return parameters


def open_(name: str) -> None:
    """Give the user time to decide, once the browser has come. Beyond a limit for its place, the request keeps its minute."""
    if db.session.scalar(select(Pushed.is_opened).where(*_is(name))) is False and _opened.count():
        with writing():
            longer = {"is_opened": True, "until": clock.now() + OPENED_SECONDS}
            db.change(update(Pushed).where(*_is(name)).values(longer))


def spend(name: str) -> bool:
    """Use a request up: it is answered. Return False if it was before, or has expired. Must run inside `db.writing`."""
    return db.change(delete(Pushed).where(*_is(name))) == 1


def _is(name: str) -> tuple[ColumnElement[bool], ...]:
    return Pushed.hash == seal.digest(name), Pushed.until > clock.now()
