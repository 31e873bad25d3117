"""Passwords: hashed with argon2id, few at once, so that a crowd that signs in keeps nobody from signing out."""

import os
import threading
from base64 import b64encode
from collections.abc import Iterator
from contextlib import contextmanager

from argon2 import Parameters, PasswordHasher, Type
from argon2.exceptions import InvalidHashError, VerificationError
from flask import Flask, current_app

from app import db
from app.config import THREADS, Settings

# The first choice of the OWASP Password Storage Cheat Sheet: 46 MiB, one pass, one lane.
PARAMETERS = Parameters(Type.ID, version=19, salt_len=16, hash_len=32, time_cost=1, memory_cost=47104, parallelism=1)


class Busy(Exception):
    """So many passwords wait to be checked that the rest of the site would have to wait too. Try again soon."""


class Passwords:
    """The hasher of one process, and the room in front of it."""

    def __init__(self, at_once: int, waiting: int) -> None:
        self._hasher = PasswordHasher.from_parameters(PARAMETERS)
        self._nobodys = _hash_of_no_password(PARAMETERS)
        self._turn = threading.Semaphore(at_once)
        self._room = threading.Semaphore(waiting)

    def hash(self, password: str) -> str:
        with self._own_turn():
            return self._hasher.hash(password)

    def matches(self, hashed: str | None, password: str) -> bool:
        with self._own_turn():
            try:
                return self._hasher.verify(hashed or self._nobodys, password) and hashed is not None
            except (VerificationError, InvalidHashError):
                return False

    @contextmanager
    def _own_turn(self) -> Iterator[None]:
        if not self._room.acquire(blocking=False):
            raise Busy
        try:
            db.let_go()
            with self._turn:
                yield
        finally:
            self._room.release()


def init_app(app: Flask, settings: Settings) -> None:
    """Give *app* its hasher. A quarter of the threads is always left to those who sign in nobody."""
    at_once = max(1, (os.cpu_count() or 1) // settings.workers)
    app.extensions["passwords"] = Passwords(at_once, waiting=THREADS * 3 // 4)


def hash(password: str) -> str:
    """Return the argon2id hash of *password*. Call it before any lock is taken. Raises Busy."""
    return _passwords().hash(password)


def matches(hashed: str | None, password: str) -> bool:
    """Say whether *password* made *hashed*; takes as long where there is none. Raises Busy."""
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
