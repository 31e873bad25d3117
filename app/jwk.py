"""Keys that sign tokens, and their public halves as JSON Web Keys. Each kind has exactly one algorithm."""

import base64
import hashlib
import json
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Generic, TypeVar

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from jwt.algorithms import ECAlgorithm, RSAAlgorithm

Private = TypeVar("Private", ec.EllipticCurvePrivateKey, rsa.RSAPrivateKey)


@dataclass(frozen=True)
class Key(Generic[Private]):
    """A key that signs from *signs_from* (Unix seconds) on: an elliptic curve with ES256, RSA with RS256."""

    private: Private
    signs_from: int = 0

    @cached_property
    def algorithm(self) -> str:
        return "ES256" if isinstance(self.private, ec.EllipticCurvePrivateKey) else "RS256"

    @cached_property
    def public(self) -> Any:
        return self.private.public_key()

    @cached_property
    def kid(self) -> str:
        """The key's thumbprint (RFC 7638), which names it in a token's header."""
        needed = ("crv", "kty", "x", "y") if self.algorithm == "ES256" else ("e", "kty", "n")
        members = {name: self._members[name] for name in needed}
        digest = hashlib.sha256(json.dumps(members, separators=(",", ":")).encode()).digest()
        return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()

    @cached_property
    def jwk(self) -> dict[str, Any]:
        """The public half as a JSON Web Key (RFC 7517)."""
        members = {name: value for name, value in self._members.items() if name != "key_ops"}
        return {**members, "kid": self.kid, "use": "sig", "alg": self.algorithm}

    def sign(self, claims: dict[str, Any], kind: str) -> str:
        """Return *claims* as a JWT of this *kind*, its `typ` (RFC 7515, section 4.1.9)."""
        return jwt.encode(claims, self.private, self.algorithm, {"typ": kind, "kid": self.kid})

    @cached_property
    def _members(self) -> dict[str, Any]:
        kind = ECAlgorithm if self.algorithm == "ES256" else RSAAlgorithm
        members: dict[str, Any] = kind.to_jwk(self.public, as_dict=True)
        return members


AccessKey = Key[ec.EllipticCurvePrivateKey]
IdentityKey = Key[rsa.RSAPrivateKey]
SomeKey = TypeVar("SomeKey", AccessKey, IdentityKey)


@dataclass(frozen=True)
class KeySet(Generic[SomeKey]):
    """The keys of one purpose by their ids: those whose tokens are good. *name*: another as soon as any of them is."""

    keys: dict[str, SomeKey]

    @cached_property
    def name(self) -> str:
        return " ".join(sorted(self.keys))

    def signing(self, now: int) -> SomeKey:
        """Return the newest key that may sign yet."""
        return max(
            (key for key in self.keys.values() if key.signs_from <= now),
            key=lambda key: key.signs_from,
            default=next(iter(self.keys.values())),
        )
