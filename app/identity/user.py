"""A person with an account."""

import secrets
from collections.abc import Iterable

from flask_login import UserMixin
from sqlalchemy import String, func, or_, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Mapped, mapped_column

from app import clock
from app.db import Model, db
from app.identity import password as passwords


class User(UserMixin, Model):
    """An account. *password_version* grows with each change, so that a check that began before one can tell."""

    __tablename__ = "users"
    id: Mapped[str] = mapped_column(String(64), primary_key=True)
    email: Mapped[str] = mapped_column(String(320), unique=True)
    name: Mapped[str] = mapped_column(String(80))
    password_hash: Mapped[str] = mapped_column(String(255))
    password_version: Mapped[int] = mapped_column(default=1)
    created_at: Mapped[int]
    disabled_at: Mapped[int | None]
    is_admin: Mapped[bool] = mapped_column(default=False)

    def has_password(self, password: str) -> bool:
        """Check *password*; takes the same time either way."""
        return passwords.matches(self.password_hash, password)

    def set_password(self, hashed: str) -> None:
        """Store a new password, already hashed. Must run inside `db.writing`, under `lock`."""
        self.password_hash = hashed
        self.password_version = (self.password_version or 0) + 1


def sign_up(email: str, name: str, hashed: str) -> User | None:
    """Add an account, or return None if the address has one. Must run inside `db.writing`."""
    if find(email):
        return None
    user = User(id=secrets.token_urlsafe(16), email=canonical(email), name=name, created_at=clock.now())
    user.set_password(hashed)
    try:
        with db.session.begin_nested():
            db.session.add(user)
    except IntegrityError:  # on PostgreSQL, where somebody else may have written since we looked
        return None
    return user


def find(email: str) -> User | None:
    """Return the account of this address, whatever the case of its letters."""
    return db.session.scalar(select(User).where(User.email == canonical(email)))


def named(ids: Iterable[str]) -> dict[str, User]:
    """Return those of these accounts that there are, by their ids."""
    return {user.id: user for user in db.session.scalars(select(User).where(User.id.in_(set(ids))))}


def search(text: str, *, start: int, count: int) -> tuple[list[User], int]:
    """Return accounts with *text* in their address or name, or as their id, the newest first; and how many there are.

    All accounts, if *text* is empty: *count* of them after the first *start*.
    """
    matches = or_(
        User.id == text,
        User.email.icontains(text, autoescape=True),
        User.name.icontains(text, autoescape=True),
    )
    found = select(User).order_by(User.created_at.desc(), User.id).offset(start).limit(count).where(matches)
    counted = select(func.count()).select_from(User).where(matches)
    return list(db.session.scalars(found)), db.session.scalar(counted) or 0


def verify(email: str, password: str) -> User | None:
    """Return whom address and password prove; takes the same time whether or not the account exists."""
    user = find(email)
    matches = passwords.matches(user.password_hash if user else None, password)
    return user if user and matches and user.disabled_at is None else None


def lock(user_id: str) -> User:
    """Return the user's row as it is now, held until the transaction ends."""
    return db.session.scalars(
        select(User).where(User.id == user_id).with_for_update().execution_options(populate_existing=True)
    ).one()


def canonical(email: str) -> str:
    """Return the one spelling under which an address is stored and counted."""
    return email.strip().casefold()
