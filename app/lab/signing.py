"""What designs sign and check with in a story: the real thing, with a memory, as each story is played many times over.

An Ed25519 signature depends on nothing but its key and the data (RFC 8032, section 5.1.6), so to do it again would give the same.
"""

import json
from functools import lru_cache
from typing import Any, Self
from weakref import WeakValueDictionary

import jwt
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from jwt.utils import base64url_decode

KEYS = 1024  # that are remembered


class Key:
    """An Ed25519 key pair. *tokens*: those known to be signed by it, with the claims of each that was read."""

    def __init__(self, raw: bytes) -> None:
        self._private = Ed25519PrivateKey.from_private_bytes(raw)
        self._public = self._private.public_key()
        self._signed: dict[bytes, bytes] = {}
        self.tokens: dict[tuple[str, ...], dict[str, Any] | None] = {}
        _KNOWN[self.public_bytes_raw()] = self

    @classmethod
    @lru_cache(KEYS)
    def from_private_bytes(cls, raw: bytes) -> Self:
        return cls(raw)

    @staticmethod
    def from_public_bytes(raw: bytes) -> "Key | Ed25519PublicKey":
        return _KNOWN.get(raw) or Ed25519PublicKey.from_public_bytes(raw)

    def public_key(self) -> Self:
        return self

    def public_bytes_raw(self) -> bytes:
        return self._public.public_bytes_raw()

    def sign(self, data: bytes) -> bytes:
        if data not in self._signed:
            self._signed[data] = self._private.sign(data)
        return self._signed[data]

    def verify(self, signature: bytes, data: bytes) -> None:
        """Raises InvalidSignature."""
        if self._signed.get(data) != signature:
            self._public.verify(signature, data)


class Tokens:
    """PyJWT, but if the design checks times itself, a token known to be signed is not verified again."""

    get_unverified_header = staticmethod(lru_cache(KEYS)(jwt.get_unverified_header))

    def __getattr__(self, name: str) -> Any:
        return getattr(jwt, name)

    def encode(self, claims: dict[str, Any], key: Any, algorithm: str, headers: dict[str, str] | None = None) -> str:
        token = jwt.encode(claims, key, algorithm, headers)
        if isinstance(key, Key):
            key.tokens[token, algorithm] = None
        return token

    def decode(self, token: str, key: Any, algorithms: list[str], options: dict[str, bool]) -> dict[str, Any]:
        if not isinstance(key, Key) or options.get("verify_exp", True):
            return jwt.decode(token, key, algorithms, options)  # type: ignore[arg-type]
        name = token, *algorithms
        if name not in key.tokens:
            key.tokens[name] = jwt.decode(token, key, algorithms, options)  # type: ignore[arg-type]
        found = key.tokens[name]
        if found is None:
            found = key.tokens[name] = json.loads(base64url_decode(token.split(".")[1]))
        return dict(found)


_KNOWN = WeakValueDictionary[bytes, Key]()  # by the public half
for _half in (Ed25519PrivateKey, Ed25519PublicKey):
    _half.register(Key)
IN_A_STORY = {"Ed25519PrivateKey": Key, "Ed25519PublicKey": Key, "jwt": Tokens()}
