"""Demo accounts: their password is public, so they are open only in a workshop."""

from contextlib import suppress

from flask import Flask

from app import clock
from app.config import settings
from app.identity import factors, passkey, passwords, sessions, users
from app.identity.session import Reason
from app.revocation import log
from app.revocation.witness import LogCut
from app.store.db import writing

PASSWORD = "otters sign out twice"  # noqa: S105 - no secret: it stands in the documentation
ACCOUNTS = {"ada@workshop.example": "Ada", "bob@workshop.example": "Bob", "eve@workshop.example": "Eve"}


def init_app(_app: Flask) -> None:
    """Close them outside a workshop: a database may outlive the setting it was made with."""
    if not settings().workshop:
        close()


def seed() -> None:
    """Add them, or put them back as they were: open, with the known password."""
    hashed = passwords.hash(PASSWORD)
    for email, name in ACCOUNTS.items():
        with writing():
            known = users.find(email)
            if known:
                _reopen(known.id, hashed)
            else:
                users.sign_up(email, name, hashed)


def close() -> None:
    """End their sessions, and refuse every sign-in to them."""
    left = [user.id for user in users.sharing(ACCOUNTS.keys()) if user.disabled_at is None]
    for user_id in left:
        with writing():
            users.lock(user_id).disabled_at = clock.now()
            with suppress(LogCut):  # such a log takes no entry, and `flask log restore` ends every session
                log.head()
                sessions.end_all(user_id, Reason.DISABLED)


def _reopen(user_id: str, hashed: str) -> None:
    user = users.lock(user_id)
    user.disabled_at = None
    factors.turn_off(user)
    passkey.remove_since(user.id, 0)
    user.set_password(hashed)
