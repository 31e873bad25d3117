"""The public keys that an app was registered with, as a JWK set (RFC 7517). A second key lets it replace the first."""

import json
from functools import lru_cache
from typing import Any, NamedTuple

from app.crypto.jwk import PRIVATE_MEMBERS, PublicKey

MAX_KEYS = 5
MAX_LENGTH = 32 * 1024  # characters of a set
_PUBLIC_MEMBERS = ("kty", "crv", "x", "y", "n", "e", "alg", "kid")


class Named(NamedTuple):
    """A key, and its `kid`, if it has one."""

    kid: str | None
    key: PublicKey


def register(text: str) -> str:
    """Return a set as it is stored: the public members only. Raises ValueError with one line."""
    try:
        found = json.loads(text) if len(text) <= MAX_LENGTH else None
    except (ValueError, RecursionError):
        found = None
    keys = found.get("keys") if isinstance(found, dict) else None
    if not isinstance(keys, list) or not 0 < len(keys) <= MAX_KEYS or not all(isinstance(key, dict) for key in keys):
        raise ValueError(f'give a JWK set in JSON, {{"keys": […]}}, with one to {MAX_KEYS} public keys.')
    _check(keys)
    return json.dumps({"keys": [{name: key[name] for name in _PUBLIC_MEMBERS if name in key} for key in keys]})


@lru_cache(maxsize=256)
def read(jwks: str) -> tuple[Named, ...]:
    """Return the keys of a registered set; parsing a key is slow, so they are cached."""
    found = [(jwk.get("kid"), PublicKey.read(jwk)) for jwk in json.loads(jwks)["keys"]]
    return tuple(Named(kid, key) for kid, key in found if key)


def _check(keys: list[dict[str, Any]]) -> None:
    if any(key.keys() & PRIVATE_MEMBERS for key in keys):
        raise ValueError(
            "a key in it is private: only the app may hold it. Make another one, and give its public half."
        )
    read_keys = [PublicKey.read(key) for key in keys]
    thumbprints = {key.thumbprint for key in read_keys if key}
    if None in read_keys or not all(isinstance(key.get("kid", ""), str) for key in keys):
        raise ValueError("a key in it is not for ES256 (EC, P-256), EdDSA (Ed25519) or PS256 (RSA, 2048 to 4096 bits).")
    if len(thumbprints) < len(keys) or len({key["kid"] for key in keys if "kid" in key}) < sum(
        "kid" in key for key in keys
    ):
        raise ValueError("two keys in it are the same, or have the same kid.")
