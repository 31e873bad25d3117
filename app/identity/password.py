"""Passwords: hashed with argon2id, few at once, so a crowd that signs in keeps no one from signing out."""

import os
from base64 import b64encode

from argon2 import Parameters, PasswordHasher, Type
from argon2.exceptions import InvalidHashError, VerificationError
from flask import Flask, current_app

from app import admission

# The first choice of the OWASP Password Storage Cheat Sheet: 46 MiB, one pass, one lane.
PARAMETERS = Parameters(Type.ID, version=19, salt_len=16, hash_len=32, time_cost=1, memory_cost=47104, parallelism=1)


class Passwords:
    """The hasher of one process. It lets go of the interpreter's lock, so threads may hash."""

    def __init__(self) -> None:
        self._hasher = PasswordHasher.from_parameters(PARAMETERS)
        self._nobodys = _hash_of_no_password(PARAMETERS)

    def hash(self, password: str) -> str:
        return self._hasher.hash(password)

    def matches(self, hashed: str | None, password: str) -> bool:
        try:
            return self._hasher.verify(hashed or self._nobodys, password) and hashed is not None
        except (VerificationError, InvalidHashError):
            return False


def init_app(app: Flask) -> None:
    """Give *app* its hasher."""
    app.extensions["passwords"] = Passwords()


def hash(password: str) -> str:
    """Return the argon2id hash of *password*. Call it before any lock is taken. Raises Full."""
    with admission.turn("passwords"):
        return _passwords().hash(password)


def matches(hashed: str | None, password: str) -> bool:
    """Return whether *password* made *hashed*; takes as long where there is none. Raises Full."""
    with admission.turn("passwords"):
        return _passwords().matches(hashed, password)


def _hash_of_no_password(costs: Parameters) -> str:
    """Return what is checked when no account matches, so that the answer takes as long as for one that does.

    In the form that argon2 reads, and made without its cost: every process that starts would pay it.
    """
    salt, digest = (b64encode(os.urandom(size)).decode().rstrip("=") for size in (costs.salt_len, costs.hash_len))
    return (
        f"$argon2id$v={costs.version}$m={costs.memory_cost},t={costs.time_cost},p={costs.parallelism}${salt}${digest}"
    )


def _passwords() -> Passwords:
    found: Passwords = current_app.extensions["passwords"]
    return found
