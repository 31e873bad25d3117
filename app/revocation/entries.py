"""The entry: one fact in the revocation log. Pure, so that checkers need nothing else."""

import hashlib
import json
from enum import StrEnum
from typing import NamedTuple, Protocol


class Kind(StrEnum):
    """The kind of fact an entry states about its subject."""

    OPENED = "opened"
    REVOKED = "revoked"


class Scope(StrEnum):
    """The kind of an entry's subject."""

    TOKEN = "token"  # noqa: S105 - a name, not a secret
    SESSION = "session"
    USER = "user"


class Entry(NamedTuple):
    """One fact, at its gapless *position*.

    *opened*: a revocation means that all of *subject* that opened at or before *position* has ended; where
    the subject is a session or one of its tokens, this names the position at which that session opened.
    *until*: Unix seconds; no token that this entry concerns is good after then, so a memory may forget it.
    *actor*: the session that asked for it, if a person did.
    """

    position: int
    kind: Kind
    scope: Scope
    subject: str
    opened: int
    until: int
    at: int
    reason: str | None
    actor: str | None

    def content(self) -> bytes:
        """Return the text that is hashed: a JSON list of the fields in their order."""
        return json.dumps([*self], separators=(",", ":"), ensure_ascii=True).encode()

    def commitment(self, nonce: bytes) -> bytes:
        """Return what the public log holds for this entry: SHA-256 of 16 random bytes and the content.

        A reader without both learns nothing about the entry.
        """
        return hashlib.sha256(nonce + self.content()).digest()


class Bearer(Protocol):
    """What a verifier knows about an access token."""

    @property
    def jti(self) -> str: ...
    @property
    def sid(self) -> str: ...
    @property
    def sub(self) -> str: ...
    @property
    def opened(self) -> int: ...
    @property
    def exp(self) -> int: ...
