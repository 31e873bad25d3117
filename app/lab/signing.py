"""The world of a story remembers what it has signed and verified: each story is played many times over.

An Ed25519 signature depends on nothing but its key and the data (RFC 8032, section 5.1.6), so signing again gives the same.
"""

from collections.abc import Hashable
from functools import cached_property
from typing import Any

from app.lab.home.world import World

MOST = 20_000  # tokens that are remembered
_SIGNED: dict[Hashable, Any] = {}
_VERIFIED: dict[Hashable, Any] = {}


class SigningWorld(World):
    """A world that signs each token once, and verifies none that it has signed."""

    def sign(self, claims: dict[str, Any], key: Any = None, headers: dict[str, str] | None = None) -> str:
        public = key.public_key().public_bytes_raw() if key else self._public
        name = public, str(claims), str(headers)
        token: str | None = _SIGNED.get(name)
        if token is None:
            token = super().sign(claims, key, headers)
            _remember(_SIGNED, name, token)
        _remember(_VERIFIED, (public, token), claims)
        return token

    def verify(self, token: str, key: Any = None) -> dict[str, Any]:
        name = key.public_bytes_raw() if key else self._public, token
        claims = _VERIFIED.get(name)
        if claims is None:
            claims = super().verify(token, key)
            _remember(_VERIFIED, name, claims)
        return dict(claims)

    @cached_property
    def _public(self) -> bytes:
        return bytes(self.key.public_key().public_bytes_raw())


def _remember(known: dict[Hashable, Any], name: Hashable, found: object) -> None:
    if len(known) >= MOST:
        known.clear()
    known[name] = found
