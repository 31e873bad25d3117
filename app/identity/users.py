"""A person with an account."""

import secrets
from collections.abc import Collection, Iterable
from contextlib import suppress

from flask import Flask
from flask_login import UserMixin
from sqlalchemy import ColumnElement, Index, LargeBinary, String, and_, or_, select, text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Mapped, mapped_column

from app import clock
from app.identity import emails, passwords
from app.store.db import Model, StoreUnavailable, db, partial_index, writing
from app.store.prebuilt import Row

_GUARD = "2:"  # before the hash of a password that is not enough: older nodes read no such hash, so none signs in past the factor


class Account(UserMixin):
    """An account. *password_version* grows with each change, so that a check that began before one can tell.

    *email*: as the person typed it. *mailbox*: the form that is compared. An account lacks it if an older one has the
    same, from before mailboxes were compared, or if an older node made the account during an upgrade.
    *email_is_folded*: the address was kept in lower case, as all were before that. *totp*: the sealed secret of an authenticator
    app, if there is a second factor; *totp_step*: the newest step of which a code was used.
    *verified_at*: since when its owner has proved the address by a link. *lost*: its former mailbox, which another user
    has proved; then *email* leads nowhere. *made_in*: the hash of the cookie of the browser that made it, where that
    shows its mail. *deleted_at*: only this row is left, and waits for a purge (see `erasure`).
    """

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
    totp: Mapped[bytes | None] = mapped_column(LargeBinary)
    totp_step: Mapped[int | None]
    verified_at: Mapped[int | None]
    lost: Mapped[str | None] = mapped_column(String(1024))
    made_in: Mapped[bytes | None] = mapped_column(LargeBinary(32))
    deleted_at: Mapped[int | None]

    @property
    def compared_by(self) -> str:
        """Its mailbox, even if another account has it, or none was noted."""
        return self.mailbox or emails.mailbox(self.email)

    @property
    def has_factor(self) -> bool:
        """Whether a password alone is not enough."""
        return self.totp is not None

    @property
    def has_some_password(self) -> bool:
        """Whether there is a password: an account may have only passkeys."""
        return bool(self.plain_hash)

    def has_password(self, password: str) -> bool:
        """Check *password*; takes the same time either way. No transaction may be open."""
        before = self.plain_hash
        matched = passwords.check(before or None, password)
        return matched is not None and (matched == before or _respell(self.id, before, matched))

    @property
    def plain_hash(self) -> str:
        """The password's hash, whether or not that is enough."""
        return self.password_hash.removeprefix(_GUARD)


class User(Account, Model):
    """An account as an ORM object. `Account` says what each column means."""

    __tablename__ = "users"
    __table_args__ = (
        Index("users_by_mailbox", "mailbox", unique=True),
        # Also holds what a search compares, so that SQLite does so without a look at the table.
        partial_index("users_by_age", "created_at", "id", "email", "name", where=text("deleted_at IS NULL")),
        *(
            partial_index(f"users_by_{name}", name, where=text(f"{name} IS NOT NULL"))
            for name in ("lost", "made_in", "deleted_at")
        ),
    )

    def set_password(self, hashed: str) -> None:
        """Store a new password, already hashed. Must run inside `db.writing`, under `lock`."""
        self.keep_hash(hashed)
        self.password_version = (self.password_version or 0) + 1

    def guard(self, sealed: bytes, step: int) -> None:
        """Require more than the password. Must run inside `db.writing`, under `lock`."""
        self.totp, self.totp_step = sealed, step
        self.keep_hash(self.plain_hash)

    def unguard(self) -> None:
        """Require the password only. Must run inside `db.writing`, under `lock`."""
        self.totp = self.totp_step = None
        self.keep_hash(self.plain_hash)

    def keep_hash(self, hashed: str) -> None:
        """Store the hash of the same password."""
        self.password_hash = f"{_GUARD if self.has_factor else ''}{hashed}"


class UserRow(Row, Account):
    """The row of an account as it was read."""


def init_app(_app: Flask) -> None:
    """Complete what older code left in the database."""
    _give_mailboxes()


def sign_up(email: str, name: str, hashed: str, user_id: str | None = None) -> User | None:
    """Add an account, or return None if the address has one. Must run inside `db.writing`.

    *hashed*: empty if a passkey, made for *user_id*, is the only way in.
    """
    if find(email):
        return None
    user = User(id=user_id or secrets.token_urlsafe(16), email=email, mailbox=emails.mailbox(email), name=name)
    user.created_at = clock.now()
    user.set_password(hashed)
    try:
        with db.session.begin_nested():
            db.session.add(user)
    except IntegrityError:  # on PostgreSQL, where another transaction may have written since we looked
        return None
    return user


def find(email: str) -> User | None:
    """Return the account of this address: the one that is spelled exactly so, else the one of the mailbox."""
    typed, mailbox, of_old = email.strip(), emails.mailbox(email), emails.of_old(email)
    is_spelled_so = or_(User.email == typed, and_(User.email == of_old, User.email_is_folded))
    spelled = db.session.scalars(select(User).where(is_spelled_so, User.deleted_at.is_(None))).all()

    def nearness(user: User) -> tuple[bool, ...]:
        is_apart = user.mailbox is None and user in spelled  # its spelling alone tells it from the mailbox's owner
        return user.email == typed, is_apart, user.mailbox == mailbox, user.mailbox is None

    return max([*sharing({mailbox}), *spelled], key=nearness, default=None)


def sharing(mailboxes: Collection[str]) -> list[User]:
    """Return all accounts of these mailboxes, the oldest first. Every account without a mailbox is read: they are few."""
    looked = select(User).where(or_(User.mailbox.in_(mailboxes), User.mailbox.is_(None)))
    found = db.session.scalars(looked.order_by(User.created_at, User.id))
    return [user for user in found if user.compared_by in mailboxes]


def collisions() -> list[tuple[User, User]]:
    """Return each account whose mailbox an older account has, and that account."""
    alike = sharing({user.compared_by for user in _without_mailbox()})
    owners: dict[str, User] = {}
    for user in sorted(alike, key=lambda user: user.mailbox is None):
        owners.setdefault(user.compared_by, user)
    return [(user, owners[user.compared_by]) for user in alike if user is not owners[user.compared_by]]


def _without_mailbox() -> list[User]:
    return list(db.session.scalars(select(User).where(User.mailbox.is_(None))))


def _give_mailboxes() -> None:
    """Give accounts that an older node made during an upgrade their mailboxes, unless another account has them."""
    younger = {user for user, _ in collisions()}
    found = {user.id: user.compared_by for user in _without_mailbox() if user not in younger}
    for user_id, mailbox in found.items():
        # Without one, the account is found as well, only more slowly.
        with suppress(IntegrityError, StoreUnavailable), writing():
            lock(user_id).mailbox = mailbox


def named(ids: Iterable[str]) -> dict[str, User]:
    """Return those of these accounts that there are, by their ids."""
    wanted = set(ids)
    return {user.id: user for user in db.session.scalars(select(User).where(User.id.in_(wanted)))} if wanted else {}


def verify(email: str, password: str) -> User | None:
    """Return the user of this address and password, in the same time whether or not the account exists. An account that
    lost the address to another can still sign in with it.
    """
    user, former = find(email), _former(email)
    if user is None:
        passwords.check(None, password)
    elif user.has_password(password):
        return user if user.disabled_at is None else None
    is_right = former is not None and former.has_password(password) and former.disabled_at is None
    return former if is_right else None


def _former(email: str) -> User | None:
    """Return the account that lost this address last, and no other: a thousand of them would make a sign-in slow."""
    lost = select(User).where(User.lost == emails.mailbox(email)).order_by(User.created_at.desc(), User.id)
    return db.session.scalars(lost.limit(1)).first()


def lock(user_id: str) -> User:
    """Return the user's row as it is now, held until the transaction ends. Raises NoResultFound: it was deleted."""
    return db.session.scalars(
        select(User).where(_stays(user_id)).with_for_update().execution_options(populate_existing=True)
    ).one()


def stays(user_id: str) -> bool:
    """Return whether there is such an account, which then is not deleted before the transaction ends."""
    found = select(User.id).where(_stays(user_id))
    return db.session.scalar(found.with_for_update(read=True, key_share=True)) is not None


def _stays(user_id: str) -> ColumnElement[bool]:
    return and_(User.id == user_id, User.deleted_at.is_(None))


def administrators(*, lock: bool = False) -> list[str]:
    """Return the ids of the accounts that administer; if *lock*, their rows are held until the transaction ends."""
    found = select(User.id).where(User.is_admin, User.disabled_at.is_(None)).order_by(User.id)
    return list(db.session.scalars(found.with_for_update() if lock else found))


def _respell(user_id: str, before: str, hashed: str) -> bool:
    """Store the hash of the password in its one spelling; return whether the password is still the same."""
    with writing():
        user = lock(user_id)
        if user.plain_hash == before:
            user.keep_hash(hashed)
            return True
    return False


def canonical(email: str) -> str:
    """Return the one spelling under which an address is counted: that of its account, if there is one."""
    user = find(email)
    return user.email if user else emails.mailbox(email)
