"""The second factor of an account: an authenticator app, and ten recovery codes for the day it is lost.

With it on, a password alone neither signs in nor confirms anything. Each code is good once.
"""

import hashlib
import hmac
import re
import secrets
from dataclasses import dataclass

from sqlalchemy import ForeignKey, LargeBinary, delete, func, or_, select, update
from sqlalchemy.orm import Mapped, mapped_column

from app import clock
from app.config import settings
from app.crypto import seal
from app.identity import proof, totp
from app.identity.users import Account, User
from app.store.db import Model, db

CODES = 10
_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"  # Crockford's Base32: no i, l, o or u
_LENGTH = 24  # characters of a recovery code: 120 bits, from 112 on its hash need not be slow (ASVS 6.5.2)
_GROUP = 6  # of them between hyphens
_TYPED = str.maketrans("ilo", "110")
_BETWEEN = re.compile(r"[\s-]+")


class RecoveryCode(Model):
    """A code that is not used yet, by a keyed hash: a copy of the database alone does not lead to it."""

    __tablename__ = "recovery_codes"
    hash: Mapped[bytes] = mapped_column(LargeBinary(32), primary_key=True)
    user_id: Mapped[str] = mapped_column(ForeignKey("users.id"), index=True)


@dataclass(frozen=True)
class Match:
    """A code that is good: of the app, for this *step*; or else a recovery code, by its *hash*."""

    step: int | None = None
    hash: bytes | None = None


def new_codes() -> list[str]:
    """Return ten recovery codes, which are good once `replace_codes` has kept them."""
    return [_written("".join(secrets.choice(_ALPHABET) for _ in range(_LENGTH))) for _ in range(CODES)]


def turn_on(user: User, secret: str, step: int, codes: list[str]) -> None:
    """Ask for a code from now on. *step*: that of the code which proved that the app has the *secret*.

    Must run inside `db.writing`, with the user's row locked.
    """
    user.guard(seal.close(settings().secret_key, _purpose(user), secret), step)
    replace_codes(user, codes)


def turn_off(user: User) -> None:
    """Ask for the password alone again. Must run inside `db.writing`, with the user's row locked."""
    user.unguard()
    replace_codes(user, [])


def replace_codes(user: User, codes: list[str]) -> None:
    """Have these be the recovery codes, and none from before. Must run inside `db.writing`, with the user's row locked."""
    db.session.execute(delete(RecoveryCode).where(RecoveryCode.user_id == user.id))
    db.session.add_all(RecoveryCode(hash=_hash(user, _read(code)), user_id=user.id) for code in codes)
    db.session.flush()


def count_codes(user: Account) -> int:
    """Return how many recovery codes are left."""
    counted = select(func.count()).select_from(RecoveryCode).where(RecoveryCode.user_id == user.id)
    return db.session.scalar(counted) or 0


def match(user: Account, typed: str) -> Match | None:
    """Return the code that was *typed*, if it is good now. This uses nothing up."""
    code = _read(typed)
    if len(code) == totp.DIGITS:
        secret = seal.reveal(settings().secret_key, _purpose(user), user.totp) if user.totp else None
        step = totp.step(secret, code, clock.now()) if secret else None
        return Match(step=step) if step is not None and step > (user.totp_step or 0) else None
    hashed = _hash(user, code)
    return Match(hash=hashed) if db.session.get(RecoveryCode, hashed) else None


def spend(user: User, found: Match) -> str | None:
    """Use the code up; return its word of a `Proof`, or None if it was used, or the factor changed, since it was found.

    Compare and swap: under each isolation level, one caller alone gets something for it. Must run inside `db.writing`, with
    the user's row locked.
    """
    if found.step is not None:
        unused = or_(User.totp_step.is_(None), User.totp_step < found.step)
        moved = update(User).where(User.id == user.id, User.totp.is_not(None), unused).values(totp_step=found.step)
        return proof.CODE if db.change(moved) == 1 else None
    gone = delete(RecoveryCode).where(RecoveryCode.hash == found.hash, RecoveryCode.user_id == user.id)
    return proof.RECOVERY if db.change(gone) == 1 else None


def _purpose(user: Account) -> str:
    return f"the authenticator app of {user.id}"


def _hash(user: Account, code: str) -> bytes:
    key = seal.derive(settings().secret_key, f"the recovery codes of {user.id}")
    return hmac.digest(key, code.encode(), hashlib.sha256)


def _read(typed: str) -> str:
    """Return a code as it was made: people leave the hyphens out, and mistake an o for a zero."""
    return _BETWEEN.sub("", typed).lower().translate(_TYPED)


def _written(code: str) -> str:
    return "-".join(code[start : start + _GROUP] for start in range(0, _LENGTH, _GROUP))
