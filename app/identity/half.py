"""A half-done sign-in: the password or the passkey was right, and the second factor is still missing. It is not signed
in. One browser holds it, for five minutes, and it leads to one session.
"""

import secrets

from sqlalchemy import ForeignKey, LargeBinary, String, delete
from sqlalchemy.orm import Mapped, mapped_column

from app import clock
from app.crypto import seal
from app.identity.users import User
from app.store.db import Model, db, trim

SECONDS = 5 * 60


class HalfSignIn(Model):
    """One of them, under the SHA-256 of what its browser holds. *amr*: what was proved (see `proof`)."""

    __tablename__ = "half_sign_ins"
    hash: Mapped[bytes] = mapped_column(LargeBinary(32), primary_key=True)
    user_id: Mapped[str] = mapped_column(ForeignKey("users.id"), index=True)
    password_version: Mapped[int]
    amr: Mapped[str] = mapped_column(String(64))
    keep: Mapped[bool]
    until: Mapped[int] = mapped_column(index=True)


def begin(user: User, version: int, *, amr: str, keep: bool) -> str:
    """Return the token of a new one. Must run inside `db.writing`."""
    token = secrets.token_urlsafe(32)
    trim(HalfSignIn.hash, HalfSignIn.until <= clock.now())
    db.session.add(
        HalfSignIn(
            hash=seal.digest(token),
            user_id=user.id,
            password_version=version,
            amr=amr,
            keep=keep,
            until=clock.now() + SECONDS,
        )
    )
    return token


def find(token: str | None) -> HalfSignIn | None:
    """Return the one of this token, while it is good."""
    found = db.session.get(HalfSignIn, seal.digest(token)) if token else None
    return found if found and clock.now() < found.until else None


def finish(found: HalfSignIn) -> bool:
    """Use it up; return False if another request did. Must run inside `db.writing`."""
    return db.change(delete(HalfSignIn).where(HalfSignIn.hash == found.hash)) == 1


def forget(user_id: str) -> None:
    """Delete this account's half-done sign-ins: the proof that began them is no longer good. Must run inside
    `db.writing`."""
    db.session.execute(delete(HalfSignIn).where(HalfSignIn.user_id == user_id))
