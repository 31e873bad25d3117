"""Keys that sign tokens: our own, one algorithm for each kind, and the public keys with which apps prove who they are."""

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Generic, TypeVar

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from jwt.algorithms import ECAlgorithm, OKPAlgorithm, RSAAlgorithm
from jwt.utils import base64url_encode

ALGORITHMS = "ES256", "PS256", "Ed25519", "EdDSA"
"""Those with which an app may sign: what FAPI 2.0 allows, section 5.4.1. `EdDSA` is the old name of `Ed25519` (RFC 9864)."""

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
        return thumbprint(self._members)

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


@dataclass(frozen=True)
class _Kind:
    """A kind of key that apps may sign with. *needed*: the members that make its thumbprint, in the order of their names."""

    family: Any
    needed: tuple[str, ...]
    algorithms: tuple[str, ...]


_KINDS = {
    ("EC", "P-256"): _Kind(ECAlgorithm, ("crv", "kty", "x", "y"), ("ES256",)),
    ("RSA", None): _Kind(RSAAlgorithm, ("e", "kty", "n"), ("PS256",)),
    ("OKP", "Ed25519"): _Kind(OKPAlgorithm, ("crv", "kty", "x"), ("Ed25519", "EdDSA")),
}
_NEEDED = {kty: kind.needed for (kty, _), kind in _KINDS.items()}
PRIVATE_MEMBERS = frozenset({"d", "p", "q", "dp", "dq", "qi", "oth", "k"})
_ENCODED = re.compile(r"[A-Za-z0-9_-]+")
_RSA_BITS = range(2048, 4096 + 1)
_LONGEST_EXPONENT = 32  # bits: with a longer one, a check takes as long as a signature

if "Ed25519" not in jwt.algorithms.get_default_algorithms():
    jwt.register_algorithm("Ed25519", OKPAlgorithm())


def thumbprint(members: Mapping[str, Any]) -> str:
    """Return the name of a public key (RFC 7638), from its members in the only way to write them."""
    needed = {name: members[name] for name in _NEEDED[members["kty"]]}
    digest = hashlib.sha256(json.dumps(needed, separators=(",", ":")).encode()).digest()
    return base64url_encode(digest).decode()


@dataclass(frozen=True)
class PublicKey:
    """The public key of an app. *algorithms*: those with which it may have signed."""

    key: Any
    thumbprint: str
    algorithms: tuple[str, ...]

    @classmethod
    def read(cls, jwk: object) -> "PublicKey | None":
        """Return the key of a JSON Web Key; None if it is private, of a kind that we do not take, or not for signatures."""
        if not isinstance(jwk, dict) or PRIVATE_MEMBERS & jwk.keys() or not _is_for_signatures(jwk):
            return None
        kind = next(
            (kind for (kty, crv), kind in _KINDS.items() if (jwk.get("kty"), jwk.get("crv")) == (kty, crv)), None
        )
        if kind is None or not all(_is_encoded(jwk.get(name)) for name in kind.needed if name not in ("crv", "kty")):
            return None
        try:
            key = kind.family.from_jwk(jwk)
        except (jwt.InvalidKeyError, ValueError):  # not on the curve, say
            return None
        if isinstance(key, rsa.RSAPublicKey) and not _is_sound(key):
            return None
        # By the key itself: the members as they came could spell it in several ways.
        members = kind.family.to_jwk(key, as_dict=True)
        algorithms = tuple(name for name in kind.algorithms if jwk.get("alg", name) == name)
        return cls(key, thumbprint(members), algorithms) if algorithms else None

    def read_claims(self, token: str, **options: Any) -> dict[str, Any] | None:
        """Return what a JWT says that this key has signed, else None. *options* are those of PyJWT."""
        try:
            found: dict[str, Any] = jwt.decode(token, self.key, algorithms=self.algorithms, options=options)  # type: ignore[arg-type]
        except (jwt.InvalidTokenError, ValueError, TypeError, RecursionError):
            return None
        return found


def _is_for_signatures(jwk: dict[str, Any]) -> bool:
    """Return whether the key says nothing else of itself (RFC 7517, sections 4.2 and 4.3)."""
    return (jwk.get("use", "sig"), jwk.get("key_ops", ["verify"])) == ("sig", ["verify"])


def _is_encoded(value: object) -> bool:
    return isinstance(value, str) and _ENCODED.fullmatch(value) is not None


def _is_sound(key: rsa.RSAPublicKey) -> bool:
    exponent: int = key.public_numbers().e
    return key.key_size in _RSA_BITS and exponent.bit_length() <= _LONGEST_EXPONENT
