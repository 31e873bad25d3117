"""Keys that sign tokens: our own, one algorithm for each kind, and the public keys by which apps authenticate."""

import json
import warnings
from base64 import urlsafe_b64decode
from dataclasses import dataclass
from functools import cache, cached_property
from typing import Any, Generic, TypeVar

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from joserfc.errors import JoseError, SecurityWarning
from joserfc.jwk import ECKey, OKPKey, RSAKey
from jwt.algorithms import OKPAlgorithm
from jwt.utils import base64url_encode

LONGEST_JWT = 4096  # characters; our tokens have about 600, a proof by an RSA key up to 2000
ALGORITHMS = "ES256", "PS256", "Ed25519", "EdDSA"
"""Those with which an app may sign: what FAPI 2.0 allows, section 5.4.1. `EdDSA` is the old name of `Ed25519` (RFC 9864)."""

_encoder = json.JSONEncoder(separators=(",", ":"))
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
        return self._members.thumbprint()

    @cached_property
    def jwk(self) -> dict[str, Any]:
        """The public half as a JSON Web Key (RFC 7517)."""
        return {**self._members.as_dict(), "kid": self.kid, "use": "sig", "alg": self.algorithm}

    def sign(self, claims: dict[str, Any], kind: str) -> str:
        """Return *claims* as a JWT of this *kind*, its `typ` (RFC 7515, sections 4.1.9 and 7.1)."""
        content = f"{_header(kind, self.algorithm, self.kid)}.{_encoded(claims)}"
        signature = jwt.get_algorithm_by_name(self.algorithm).sign(content.encode(), self.private)
        return f"{content}.{base64url_encode(signature).decode()}"

    @cached_property
    def _members(self) -> ECKey | RSAKey:
        return (ECKey if self.algorithm == "ES256" else RSAKey).import_key(self.public)


@cache
def _header(typ: str, alg: str, kid: str) -> str:
    """Return the header of all tokens of this kind by this key, encoded once."""
    return _encoded({"typ": typ, "alg": alg, "kid": kid})


def _encoded(members: dict[str, Any]) -> str:
    return base64url_encode(_encoder.encode(members).encode()).decode()


AccessKey = Key[ec.EllipticCurvePrivateKey]
IdentityKey = Key[rsa.RSAPrivateKey]
SomeKey = TypeVar("SomeKey", AccessKey, IdentityKey)


@dataclass(frozen=True)
class KeySet(Generic[SomeKey]):
    """The keys of one purpose by their ids: those whose tokens are good. *name* changes with any of them."""

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


_KINDS = {
    ("EC", "P-256"): (ECKey, ("ES256",)),
    ("RSA", None): (RSAKey, ("PS256",)),
    ("OKP", "Ed25519"): (OKPKey, ("Ed25519", "EdDSA")),
}
PRIVATE_MEMBERS = frozenset({"d", "p", "q", "dp", "dq", "qi", "oth", "k"})
_RSA_BITS = range(2048, 4096 + 1)
_LONGEST_EXPONENT = 32  # bits: with a longer one, a check takes as long as a signature

warnings.simplefilter("error", SecurityWarning)  # Joserfc warns of a short key; we refuse it

if "Ed25519" not in jwt.algorithms.get_default_algorithms():
    jwt.register_algorithm("Ed25519", OKPAlgorithm())


@dataclass(frozen=True)
class PublicKey:
    """The public key of an app. *algorithms*: those with which it may have signed."""

    key: Any
    thumbprint: str
    algorithms: tuple[str, ...]

    @classmethod
    def read(cls, members: object) -> "PublicKey | None":
        """Return the key of a JSON Web Key; None for a private key, an unsupported kind, or a key not for signatures."""
        if not isinstance(members, dict) or PRIVATE_MEMBERS & members.keys() or not _is_for_signatures(members):
            return None
        family, known = _kind(members)
        algorithms = tuple(name for name in known if members.get("alg", name) == name)
        key = _import(family, members) if algorithms else None
        return cls(key.public_key, key.thumbprint(), algorithms) if key else None

    def read_claims(self, token: str, **options: Any) -> dict[str, Any] | None:
        """Return the claims of a JWT that this key has signed, else None. *options* are PyJWT's."""
        try:
            found: dict[str, Any] = jwt.decode(token, self.key, algorithms=self.algorithms, options=options)  # type: ignore[arg-type]
        except (jwt.InvalidTokenError, ValueError, TypeError, RecursionError):
            return None
        return found


def read_header(token: str) -> dict[str, Any]:
    """Return the header of a JWT, unverified; empty where it is none, too long, or needs extensions (RFC 7515, 4.1.11).

    Checking the signature decodes all of the token; PyJWT's own look at a header would do so, too.
    """
    head = token.partition(".")[0] if len(token) <= LONGEST_JWT else ""
    try:
        found = json.loads(urlsafe_b64decode(head + "=" * (-len(head) % 4)))
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) and "crit" not in found else {}


def _kind(members: dict[str, Any]) -> tuple[Any, tuple[str, ...]]:
    """Return the class of a key, and the algorithms with which it may sign."""
    kind = members.get("kty"), members.get("crv")
    return next((found for known, found in _KINDS.items() if known == kind), (None, ()))


def _is_for_signatures(members: dict[str, Any]) -> bool:
    """Return whether `use` and `key_ops`, if present, mean signatures (RFC 7517, sections 4.2 and 4.3)."""
    return (members.get("use", "sig"), members.get("key_ops", ["verify"])) == ("sig", ["verify"])


def _import(family: Any, members: dict[str, Any]) -> Any:
    """Return the key, if it is sound, with its members in canonical form, as a thumbprint needs."""
    public = {name: members[name] for name in ("kty", *family.value_registry) if name in members}
    try:
        key = family.import_key(family.import_key(public).public_key)
    except (JoseError, SecurityWarning, ValueError):  # not on the curve, say
        return None
    if family is RSAKey:
        return key if _is_sound(key.public_key) else None
    return key if public.items() <= key.dict_value.items() else None  # RFC 7518, 6.2.1.2: no longer than the curve says


def _is_sound(key: rsa.RSAPublicKey) -> bool:
    exponent: int = key.public_numbers().e
    return key.key_size in _RSA_BITS and exponent.bit_length() <= _LONGEST_EXPONENT
