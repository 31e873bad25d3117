"""Links in mails: the one way to make, store, find and spend them.

A link is 32 random bytes. Only the sealed mail holds them; the database has their hash. Opening a link shows
a page and changes nothing, as programs open links too; its form spends it, once.
"""

import secrets
from collections.abc import Collection
from enum import StrEnum

from sqlalchemy import LargeBinary, String, delete, func, select, update
from sqlalchemy.orm import Mapped, mapped_column

from app import clock
from app.config import DAY, settings
from app.crypto import seal
from app.store.db import Model, db

LONGEST_TOKEN = 64  # characters of a token


class Purpose(StrEnum):
    """The one purpose that a link is good for."""

    VERIFY = "verify"
    RECOVER = "recover"
    CLAIM = "claim"
    MOVE_FROM = "move_from"
    MOVE_TO = "move_to"
    NOT_ME = "not_me"


LIVES = {
    Purpose.VERIFY: DAY,
    Purpose.RECOVER: 20 * 60,
    Purpose.CLAIM: 20 * 60,
    Purpose.MOVE_FROM: DAY,
    Purpose.MOVE_TO: DAY,
    Purpose.NOT_ME: 7 * DAY,
}


class Link(Model):
    """One link. *address*: where it was sent; *about*: another address that it is about, or the event.

    *user_id*: whose it is, empty where there is no such account: then it stands for the work that is the same for every address.
    *version*: of the password when it was made, which older nodes compare. *session_id*: the session that it can end. *until*: begins to run again
    when the mail server takes the mail, so a link does not run out in the outbox.
    """

    __tablename__ = "links"
    hash: Mapped[bytes] = mapped_column(LargeBinary(32), primary_key=True)
    purpose: Mapped[str] = mapped_column(String(16))
    user_id: Mapped[str] = mapped_column(String(64), index=True)
    address: Mapped[str] = mapped_column(String(320))
    about: Mapped[str | None] = mapped_column(String(320))
    session_id: Mapped[str | None] = mapped_column(String(64))
    version: Mapped[int]
    made_at: Mapped[int]
    until: Mapped[int] = mapped_column(index=True)
    spent_at: Mapped[int | None]

    @property
    def is_open(self) -> bool:
        return self.spent_at is None and self.until > clock.now()

    def spend(self) -> bool:
        """Use it up; return False if another request was first, or it ran out. Must run inside `db.writing`."""
        now = clock.now()
        left = update(Link).where(Link.hash == self.hash, Link.spent_at.is_(None), Link.until > now)
        return db.change(left.values(spent_at=now)) == 1


def make(
    purpose: Purpose,
    user_id: str,
    address: str,
    *,
    version: int = 0,
    about: str | None = None,
    session_id: str | None = None,
) -> str:
    """Add a link, and return the address to open. Must run inside `db.writing`."""
    token, now = secrets.token_urlsafe(32), clock.now()
    db.session.add(
        Link(
            hash=seal.digest(token),
            purpose=purpose,
            user_id=user_id,
            address=address,
            about=about,
            session_id=session_id,
            version=version,
            made_at=now,
            until=now + LIVES[purpose],
        )
    )
    return f"{settings().site_url}/links/{token}"  # never by the Host header, which the sender of a request chooses


def find(token: str) -> Link | None:
    """Return the link of this token, open or not, as it is now."""
    if len(token) > LONGEST_TOKEN:
        return None
    found = select(Link).where(Link.hash == seal.digest(token)).execution_options(populate_existing=True)
    return db.session.scalars(found).one_or_none()


def twin(link: Link) -> Link | None:
    """Return the newest link that has to be spent with this one: a change of address is confirmed at both."""
    other = Purpose.MOVE_TO if link.purpose == Purpose.MOVE_FROM else Purpose.MOVE_FROM
    found = select(Link).where(Link.user_id == link.user_id, Link.purpose == other).order_by(Link.made_at.desc())
    return db.session.scalars(found.limit(1)).first()


def count_open(user_id: str, purpose: Purpose) -> int:
    """Return how many links of the user for this purpose are good now."""
    is_open = Link.spent_at.is_(None), Link.until > clock.now()
    counted = select(func.count()).where(Link.user_id == user_id, Link.purpose == purpose, *is_open)
    return db.session.scalar(counted) or 0


def withdraw(user_id: str, purposes: Collection[Purpose] = tuple(Purpose), *, but: Link | None = None) -> None:
    """Delete the user's links for these purposes, except one. Must run inside `db.writing`."""
    others = Link.hash != (but.hash if but else b"")
    db.change(delete(Link).where(Link.user_id == user_id, Link.purpose.in_(purposes), others))


def begin(hashed: bytes | None) -> None:
    """Let the life of a link begin: its mail is delivered. Must run inside `db.writing`."""
    for purpose in db.session.scalars(select(Link.purpose).where(Link.hash == hashed)).all() if hashed else ():
        until = clock.now() + LIVES[Purpose(purpose)]
        db.change(update(Link).where(Link.hash == hashed, Link.spent_at.is_(None)).values(until=until))


def hash_of(address: str) -> bytes:
    """Return the hash of the link with this address."""
    return seal.digest(address.rpartition("/")[2])
