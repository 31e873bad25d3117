"""A person with an account."""

import secrets
from collections.abc import Iterable

from flask_login import UserMixin
from sqlalchemy import Index, String, and_, func, or_, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Mapped, mapped_column

from app import clock
from app.db import Model, db, writing
from app.identity import email as emails
from app.identity import password as passwords


class User(UserMixin, Model):
    """An account. *password_version* grows with each change, so that a check that began before one can tell.

    *email*: as the person typed it. *mailbox*: what it is compared by; none where an older account had it first, when
    addresses began to be compared so. *email_is_folded*: it was kept in lower case, as all were before that.
    """

    __tablename__ = "users"
    __table_args__ = (Index("users_by_mailbox", "mailbox", unique=True),)
    id: Mapped[str] = mapped_column(String(64), primary_key=True)
    email: Mapped[str] = mapped_column(String(320), unique=True)
    mailbox: Mapped[str | None] = mapped_column(String(1024))
    email_is_folded: Mapped[bool] = mapped_column(default=False)
    name: Mapped[str] = mapped_column(String(80))
    password_hash: Mapped[str] = mapped_column(String(255))
    password_version: Mapped[int] = mapped_column(default=1)
    created_at: Mapped[int]
    disabled_at: Mapped[int | None]
    is_admin: Mapped[bool] = mapped_column(default=False)

    def has_password(self, password: str) -> bool:
        """Check *password*; takes the same time either way. No transaction may be open."""
        before = self.password_hash
        kept = passwords.check(before, password)
        return kept is not None and (kept == before or _respell(self.id, before, kept))

    def set_password(self, hashed: str) -> None:
        """Store a new password, already hashed. Must run inside `db.writing`, under `lock`."""
        self.password_hash = hashed
        self.password_version = (self.password_version or 0) + 1


def sign_up(email: str, name: str, hashed: str) -> User | None:
    """Add an account, or return None if the address has one. Must run inside `db.writing`."""
    if find(email):
        return None
    user = User(id=secrets.token_urlsafe(16), email=email, mailbox=emails.mailbox(email), name=name)
    user.created_at = clock.now()
    user.set_password(hashed)
    try:
        with db.session.begin_nested():
            db.session.add(user)
    except IntegrityError:  # on PostgreSQL, where somebody else may have written since we looked
        return None
    return user


def find(email: str) -> User | None:
    """Return the account of this address: the one that is spelled exactly so, else the one of the mailbox."""
    typed, mailbox = email.strip(), emails.mailbox(email)
    folded = and_(User.email == emails.of_old(email), User.email_is_folded)
    known = db.session.scalars(select(User).where(or_(User.email == typed, User.mailbox == mailbox, folded)))
    # One without a mailbox is told apart by its spelling alone.
    return min(known, key=lambda user: (user.email != typed, bool(user.mailbox), user.mailbox != mailbox), default=None)


def collisions() -> list[tuple[User, User]]:
    """Return each account without a mailbox of its own, and the older account that has it."""
    younger = db.session.scalars(select(User).where(User.mailbox.is_(None)).order_by(User.created_at, User.id)).all()
    found = db.session.scalars(select(User).where(User.mailbox.in_([emails.mailbox(user.email) for user in younger])))
    older = {user.mailbox: user for user in found}
    return [(user, older[mailbox]) for user in younger if (mailbox := emails.mailbox(user.email)) in older]


def named(ids: Iterable[str]) -> dict[str, User]:
    """Return those of these accounts that there are, by their ids."""
    return {user.id: user for user in db.session.scalars(select(User).where(User.id.in_(set(ids))))}


def search(text: str, *, start: int, count: int) -> tuple[list[User], int]:
    """Return accounts with *text* in their address or name, or as their id, the newest first; and how many there are.

    All accounts, if *text* is empty: *count* of them after the first *start*.
    """
    matches = or_(
        User.id == text,
        User.mailbox == emails.mailbox(text),
        User.email.icontains(text, autoescape=True),
        User.name.icontains(text, autoescape=True),
    )
    found = select(User).order_by(User.created_at.desc(), User.id).offset(start).limit(count).where(matches)
    counted = select(func.count()).select_from(User).where(matches)
    return list(db.session.scalars(found)), db.session.scalar(counted) or 0


def verify(email: str, password: str) -> User | None:
    """Return whom address and password prove; takes the same time whether or not the account exists."""
    user = find(email)
    if user is None:
        passwords.check(None, password)
        return None
    return user if user.has_password(password) and user.disabled_at is None else None


def lock(user_id: str) -> User:
    """Return the user's row as it is now, held until the transaction ends."""
    return db.session.scalars(
        select(User).where(User.id == user_id).with_for_update().execution_options(populate_existing=True)
    ).one()


def _respell(user_id: str, before: str, hashed: str) -> bool:
    """Keep the same password in its one spelling; return whether it is still the same."""
    with writing():
        user = lock(user_id)
        if user.password_hash == before:
            user.password_hash = hashed
            return True
    return False


def canonical(email: str) -> str:
    """Return the one spelling under which an address is counted: that of its account, if there is one."""
    user = find(email)
    return user.email if user else emails.mailbox(email)
