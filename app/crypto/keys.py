"""Signing keys, in the database, sealed under SECRET_KEY: every machine has the same, and a new one needs no restart."""

import secrets
import threading
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from flask import Flask
from sqlalchemy import String, delete, select
from sqlalchemy.orm import Mapped, mapped_column

from app import clock, context
from app.config import DAY, Misconfigured, settings
from app.crypto import seal
from app.crypto.jwk import AccessKey, IdentityKey, Key, KeySet
from app.store.db import Model, db, writing

ACCESS, IDENTITY, LOG = "access", "identity", "log"
RSA_BITS = 2048
PUBLISHED_SECONDS = 300  # how long a new key is published before it signs
FRESH_SECONDS = 30
KEPT_SECONDS = DAY  # the longest life of an access token
_PURPOSE = "signing key"


class SigningKey(Model):
    """A private key in PEM, sealed. It signs from *signs_from* (Unix seconds) until the next one does."""

    __tablename__ = "signing_keys"
    id: Mapped[str] = mapped_column(String(64), primary_key=True)
    purpose: Mapped[str] = mapped_column(String(16))
    sealed: Mapped[bytes]
    made_at: Mapped[int]
    signs_from: Mapped[int]


@dataclass(frozen=True)
class KeyRing:
    """All keys as read at *read_at*: *access* tokens, *identity* and logout tokens, and the head of the *log*."""

    access: KeySet[AccessKey]
    identity: KeySet[IdentityKey]
    log: ed25519.Ed25519PrivateKey
    read_at: int

    def knows(self, kid: str) -> bool:
        return kid in self.access.keys or kid in self.identity.keys


class Keys:
    """This process's copy of the keys: read again every half minute, and for an unknown key."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._ring: KeyRing | None = None

    def ring(self, kid: str | None = None) -> KeyRing:
        """Return the ring; look for a new *kid* once a second at most. Raises StoreUnavailable."""
        ring = self._ring
        age = clock.now() - ring.read_at if ring else 0
        if ring is None or not 0 <= age < FRESH_SECONDS or (kid and not ring.knows(kid) and age > 0):
            with self._lock:
                if self._ring is ring:  # no other thread has read them meanwhile
                    self._ring = _read()
                ring = self._ring
        return ring or self.ring(kid)

    def forget(self) -> None:
        """Read the keys again before the next use."""
        self._ring = None


def init_app(app: Flask) -> None:
    """Give *app* its keys; make the first ones, or stop if these cannot be opened."""
    app.extensions["keys"] = Keys()
    found = _stored()
    for purpose, add in ((ACCESS, _add_access), (IDENTITY, _add_identity), (LOG, _add_log)):
        if purpose not in found:
            with writing():
                if purpose not in _stored():
                    add(signs_from=0)
    access_keys()


def access_keys(kid: str | None = None) -> KeySet[AccessKey]:
    """Return the keys of access tokens; *kid* names one that should be among them."""
    return _ring(kid).access


def identity_keys(kid: str | None = None) -> KeySet[IdentityKey]:
    """Return the keys of ID tokens and logout tokens; *kid* names one that should be among them."""
    return _ring(kid).identity


def log_key() -> ed25519.Ed25519PrivateKey:
    """Return the key that signs the head of the log."""
    return _ring().log


def rotate(*, at_once: bool = False) -> tuple[str, str]:
    """Add a key for access tokens and one for ID tokens; return their ids. The old ones sign until those who keep a copy
    of the key list have the new, and are published until their tokens have expired. *at_once*: the old ones were
    stolen, so their tokens are no longer good."""
    with writing():
        for purpose in (ACCESS, IDENTITY):
            if at_once:
                db.session.execute(delete(SigningKey).where(SigningKey.purpose == purpose))
            else:
                _drop_unused(purpose)
        signs_from = clock.now() + (0 if at_once else PUBLISHED_SECONDS)
        return _add_access(signs_from=signs_from), _add_identity(signs_from=signs_from)


def renew_log_key() -> None:
    """Sign the head of the log with another key from now on. Must run inside `db.writing`."""
    _add_log(signs_from=clock.now())


def forget(app: Flask) -> None:
    """Have this process read the keys of *app* again: `flask log restore` has replaced them all."""
    known: Keys = app.extensions["keys"]
    known.forget()


def _ring(kid: str | None = None) -> KeyRing:
    known: Keys = context.app().extensions["keys"]
    return known.ring(kid)


def _add_access(*, signs_from: int) -> str:
    key = Key(ec.generate_private_key(ec.SECP256R1()))
    return _store(ACCESS, key.kid, key.private, signs_from)


def _add_identity(*, signs_from: int) -> str:
    key = Key(rsa.generate_private_key(65537, RSA_BITS))
    return _store(IDENTITY, key.kid, key.private, signs_from)


def _add_log(*, signs_from: int) -> str:
    return _store(LOG, secrets.token_urlsafe(9), ed25519.Ed25519PrivateKey.generate(), signs_from)


Private = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey | ed25519.Ed25519PrivateKey


def _store(purpose: str, name: str, private: Private, signs_from: int) -> str:
    pem = private.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    sealed = seal.close(settings().secret_key, _PURPOSE, pem.decode())
    db.session.add(SigningKey(id=name, purpose=purpose, sealed=sealed, made_at=clock.now(), signs_from=signs_from))
    db.session.flush()
    return name


def _drop_unused(purpose: str) -> None:
    """Forget keys that stopped signing so long ago that all their tokens have expired.

    An ID token is good as a hint beyond that: an app may send it as long as its session can live.
    """
    lifetime = KEPT_SECONDS if purpose == ACCESS else settings().session_max_seconds
    for row, successor in pairwise(_stored()[purpose]):
        if successor.signs_from + lifetime < clock.now():
            db.session.delete(row)


def _stored() -> dict[str, list[SigningKey]]:
    """Return the keys by purpose, as they begin to sign."""
    found: dict[str, list[SigningKey]] = {}
    for row in db.session.scalars(select(SigningKey).order_by(SigningKey.signs_from, SigningKey.made_at)):
        found.setdefault(row.purpose, []).append(row)
    return found


def _read() -> KeyRing:
    found = _stored()
    return KeyRing(
        KeySet(_keys(found[ACCESS], ec.EllipticCurvePrivateKey)),
        KeySet(_keys(found[IDENTITY], rsa.RSAPrivateKey)),
        _open(found[LOG][-1], ed25519.Ed25519PrivateKey),
        clock.now(),
    )


def _keys(rows: list[SigningKey], kind: Any) -> dict[str, Any]:
    return {row.id: Key(_open(row, kind), row.signs_from) for row in rows}


def _open(row: SigningKey, kind: Any) -> Any:
    pem = seal.reveal(settings().secret_key, _PURPOSE, row.sealed)
    if pem is None:
        raise Misconfigured("SECRET_KEY is not the one that sealed the signing keys: restore it.")
    # The seal proves that the key is ours; re-validating an RSA key is slow.
    private = serialization.load_pem_private_key(pem.encode(), password=None, unsafe_skip_rsa_key_validation=True)
    if not isinstance(private, kind):
        raise TypeError(f"{row.id} is another kind of key")
    return private
