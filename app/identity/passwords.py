"""Passwords: hashed with argon2id, few at once, so a crowd at sign-in does not delay Sign Out."""

import os
import unicodedata
from base64 import b64encode

import regex
from argon2 import Parameters, PasswordHasher, Type
from argon2.exceptions import InvalidHashError, VerificationError
from flask import Flask

from app import context
from app.capacity import admission

# The first choice of the OWASP Password Storage Cheat Sheet: 46 MiB, one pass, one lane.
PARAMETERS = Parameters(Type.ID, version=19, salt_len=16, hash_len=32, time_cost=1, memory_cost=47104, parallelism=1)
LONGEST_PASSWORD = 1024  # characters
_SPACE = regex.compile(r"\p{Zs}")


class Passwords:
    """The hasher of one process. It lets go of the interpreter's lock, so threads may hash."""

    def __init__(self) -> None:
        self._hasher = PasswordHasher.from_parameters(PARAMETERS)
        self._no_password = _hash_of_no_password(PARAMETERS)

    def hash(self, password: str) -> str:
        return self._hasher.hash(spelled(password))

    def check(self, hashed: str | None, password: str) -> str | None:
        """Try the password as it was typed second: older hashes were made of that."""
        if self._matches(hashed, spelled(password)):
            return hashed
        as_typed = spelled(password) != password and self._matches(hashed, password)
        return self.hash(password) if as_typed else None

    def _matches(self, hashed: str | None, password: str) -> bool:
        try:
            return self._hasher.verify(hashed or self._no_password, password) and hashed is not None
        except (VerificationError, InvalidHashError):
            return False


def init_app(app: Flask) -> None:
    """Give *app* its hasher."""
    app.extensions["passwords"] = Passwords()


def hash(password: str) -> str:
    """Return the argon2id hash of *password*. Call it before any lock is taken. Raises Full."""
    with admission.turn("passwords"):
        return _passwords().hash(password)


def check(hashed: str | None, password: str) -> str | None:
    """Return the hash to keep if *password* made *hashed*, else None; takes as long where there is none. Raises Full."""
    with admission.turn("passwords"):
        return _passwords().check(hashed, password)


def spelled(password: str) -> str:
    """Return the one spelling that is hashed, whichever keyboard typed it (RFC 8265, section 4.2).

    Nothing is trimmed and no case is changed.
    """
    if len(password) > LONGEST_PASSWORD:  # many accents on one letter take long to put in order
        return password
    return unicodedata.normalize("NFC", _SPACE.sub(" ", password))


def _hash_of_no_password(costs: Parameters) -> str:
    """Return a hash to check when no account matches, so the answer takes as long as for one that does. It is made
    without argon2's cost, which every starting process would pay.
    """
    salt, digest = (b64encode(os.urandom(size)).decode().rstrip("=") for size in (costs.salt_len, costs.hash_len))
    return (
        f"$argon2id$v={costs.version}$m={costs.memory_cost},t={costs.time_cost},p={costs.parallelism}${salt}${digest}"
    )


def _passwords() -> Passwords:
    found: Passwords = context.app().extensions["passwords"]
    return found
