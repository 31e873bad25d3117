"""Passkeys: keys of a device or a password manager that sign in to this site only (WebAuthn)."""

import secrets
from base64 import urlsafe_b64encode
from collections.abc import Callable
from dataclasses import dataclass
from hashlib import sha256
from typing import TypeVar
from urllib.parse import urlsplit

import webauthn
from sqlalchemy import ForeignKey, LargeBinary, String, bindparam, delete, func, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Mapped, mapped_column
from webauthn.helpers import (
    parse_authentication_credential_json,
    parse_client_data_json,
    parse_registration_credential_json,
)
from webauthn.helpers.structs import (
    AuthenticationCredential,
    AuthenticatorSelectionCriteria,
    PublicKeyCredentialDescriptor,
    ResidentKeyRequirement,
    UserVerificationRequirement,
)

from app import clock
from app.config import is_loopback, settings
from app.identity import activity, browsers, challenges, proof
from app.identity.users import Account, User
from app.network import address
from app.store import prebuilt
from app.store.db import Model, db

MOST_PASSKEYS = 20  # in one account
VERIFIED = proof.join(proof.PASSKEY, proof.BOTH)  # the proof by a key that has verified its user
LONGEST_CREDENTIAL = 16 * 1024  # characters of what a browser sends
_PORTS = {"http": 80, "https": 443}
T = TypeVar("T")


class Passkey(Model):
    """A key of an account. Times are Unix seconds.

    *credential*: the id by which its authenticator knows it. *sign_count*: of the last signature; 0 where the key does not
    count. *is_backed_up*: whether its owner's other devices have it too. *verifies*: whether it has ever verified its user,
    by a finger, a face or a PIN: such a key alone is enough to sign in and to confirm.
    """

    __tablename__ = "passkeys"
    id: Mapped[str] = mapped_column(String(32), primary_key=True)
    user_id: Mapped[str] = mapped_column(ForeignKey("users.id"), index=True)
    credential: Mapped[bytes] = mapped_column(LargeBinary(1023), unique=True)
    public_key: Mapped[bytes] = mapped_column(LargeBinary)
    sign_count: Mapped[int]
    is_backed_up: Mapped[bool]
    verifies: Mapped[bool]
    name: Mapped[str] = mapped_column(String(60))
    added_at: Mapped[int]
    used_at: Mapped[int | None]


@dataclass(frozen=True)
class Signature:
    """A valid signature by a key of *user_id*. *is_verified*: whether the key verified its user for it."""

    key_id: str
    user_id: str
    challenge: bytes
    sign_count: int
    is_backed_up: bool
    is_verified: bool

    @property
    def proof(self) -> str:
        """The words of a `Proof`: a key that verified its user is two factors."""
        return VERIFIED if self.is_verified else proof.PASSKEY


def rp_id() -> str:
    """Return the host that keys are bound to: that of `SITE_URL`, never of a request."""
    host = urlsplit(settings().site_url).hostname or ""
    return host if host.isascii() else host.encode("idna").decode()


def origin() -> str:
    """Return `SITE_URL` as browsers spell it: without the usual port, and its host in ASCII."""
    site = urlsplit(settings().site_url)
    host = f"[{rp_id()}]" if ":" in rp_id() else rp_id()
    return f"{site.scheme}://{host}" + (f":{site.port}" if site.port not in (None, _PORTS[site.scheme]) else "")


def are_possible() -> bool:
    """Return whether browsers take passkeys for this site: not for an IP address, and over http only on loopback."""
    is_safe = settings().https or is_loopback(settings().site_url)
    return is_safe and address.read(rp_id()) is None


_COUNT = select(func.count()).where(prebuilt.table(Passkey).c.user_id == bindparam("user"))


def of_user(user_id: str) -> list[Passkey]:
    """Return the keys of an account, the oldest first."""
    found = select(Passkey).where(Passkey.user_id == user_id).order_by(Passkey.added_at, Passkey.id)
    return list(db.session.scalars(found))


def has_any(user_id: str) -> bool:
    """Return whether the account has a key."""
    return count(user_id) > 0


def count(user_id: str) -> int:
    """Return how many keys the account has."""
    row = prebuilt.ask(_COUNT, user=user_id)
    return int(row[0]) if row else 0


def has_verifying(user_id: str) -> bool:
    """Return whether the account has a key that alone proves two factors."""
    return bool(db.session.scalar(select(func.count()).where(Passkey.user_id == user_id, Passkey.verifies)))


def own(user_id: str, key_id: str) -> Passkey | None:
    """Return this key, if it is one of this account."""
    return db.session.scalar(select(Passkey).where(Passkey.id == key_id, Passkey.user_id == user_id))


def is_last_way_in(user: Account, key: Passkey) -> bool:
    """Return whether the owner could not sign in or confirm without this key."""
    others = select(func.count()).where(Passkey.user_id == user.id, Passkey.id != key.id, Passkey.verifies)
    return not user.has_some_password and not db.session.scalar(others)


def new_owner(challenge: bytes) -> str:
    """Return the id of the account that a new key begins: derived from its challenge, which is good once."""
    return urlsafe_b64encode(sha256(b"account " + challenge).digest()[:16]).decode().rstrip("=")


def ask_to_make(user_id: str, email: str, name: str, challenge: bytes, *, verified: bool = False) -> str:
    """Return the options for a new key, as JSON (WebAuthn, section 5.4). *verified*: the key must verify its user."""
    options = webauthn.generate_registration_options(
        rp_id=rp_id(),
        rp_name="Signed Out",
        user_id=user_id.encode(),
        user_name=email,
        user_display_name=name,
        challenge=challenge,
        authenticator_selection=AuthenticatorSelectionCriteria(
            resident_key=ResidentKeyRequirement.REQUIRED, user_verification=_verification(verified)
        ),
        exclude_credentials=_descriptors(user_id),
    )
    return webauthn.options_to_json(options)


def ask_to_sign(challenge: bytes, user_id: str | None = None) -> str:
    """Return the options for a signature, as JSON (WebAuthn, section 5.5).

    With *user_id*, by one of this user's keys, which must verify them; else by any key of this site.
    """
    options = webauthn.generate_authentication_options(
        rp_id=rp_id(),
        challenge=challenge,
        allow_credentials=_descriptors(user_id) if user_id else None,
        user_verification=_verification(user_id is not None),
    )
    return webauthn.options_to_json(options)


def make(user_id: str, sent: str, challenge: bytes, name: str, *, verified: bool = False) -> Passkey | None:
    """Return the new key that a browser has *sent*, not yet stored, or None if it is not what was asked for."""

    def read() -> Passkey:
        credential = parse_registration_credential_json(sent)
        _check_own_page(credential.response.client_data_json)
        found = webauthn.verify_registration_response(
            credential=credential,
            expected_challenge=challenge,
            expected_rp_id=rp_id(),
            expected_origin=origin(),
            require_user_verification=verified,
        )
        return Passkey(
            id=secrets.token_urlsafe(16),
            user_id=user_id,
            credential=found.credential_id,
            public_key=found.credential_public_key,
            sign_count=found.sign_count,
            is_backed_up=found.credential_backed_up,
            verifies=found.user_verified,
            name=name,
            added_at=clock.now(),
        )

    return _read(sent, read)


def add(key: Passkey, challenge: bytes) -> bool:
    """Store a new key; return False if its challenge was used, there are too many, or another key has its id.

    Must run inside `db.writing`, with the user's row locked.
    """
    if not challenges.spend(challenge) or count(key.user_id) >= MOST_PASSKEYS:
        return False
    try:
        with db.session.begin_nested():
            db.session.add(key)
    except IntegrityError:
        return False
    return True


def check(sent: str, challenge: bytes) -> Signature | None:
    """Return the signature that a browser has *sent*, or None if it is not valid. Nothing is used up."""
    credential = _read(sent, lambda: _parse(sent))
    key = db.session.scalar(select(Passkey).where(Passkey.credential == credential.raw_id)) if credential else None
    if credential is None or key is None or credential.response.user_handle not in (None, key.user_id.encode()):
        return None
    found = _read(
        sent,
        lambda: webauthn.verify_authentication_response(
            credential=credential,
            expected_challenge=challenge,
            expected_rp_id=rp_id(),
            expected_origin=origin(),
            credential_public_key=key.public_key,
            credential_current_sign_count=0,  # `spend` checks it, under the lock
        ),
    )
    if found is None:
        return None
    return Signature(
        key.id, key.user_id, challenge, found.new_sign_count, found.credential_backed_up, found.user_verified
    )


def spend(user: User, signature: Signature) -> str | None:
    """Use the signature up and update its key; return the words of a `Proof`.

    Return None if the signature was used, or the key removed, since the check. Return None and notify the owner if the key has
    counted more signatures before: there may be a copy (WebAuthn, section 6.1.1). Must run inside `db.writing`, with
    the user's row locked.
    """
    key = db.session.get(Passkey, signature.key_id, populate_existing=True)
    if key is None or key.user_id != user.id or not challenges.spend(signature.challenge):
        return None
    if 0 < key.sign_count >= signature.sign_count:
        activity.record("passkey_behind", user.id, browser=browsers.here())
        return None
    key.sign_count = signature.sign_count
    key.is_backed_up, key.used_at = signature.is_backed_up, clock.now()
    key.verifies = key.verifies or signature.is_verified
    return signature.proof


def remove(key: Passkey) -> None:
    """Remove a key. Must run inside `db.writing`, with the user's row locked."""
    db.session.delete(key)
    db.session.flush()


def remove_since(user_id: str, at: int) -> None:
    """Remove the keys that were added at *at* or later. Must run inside `db.writing`, with the user's row locked."""
    late = delete(Passkey).where(Passkey.user_id == user_id, Passkey.added_at >= at)
    db.session.execute(late)


def _descriptors(user_id: str) -> list[PublicKeyCredentialDescriptor]:
    return [PublicKeyCredentialDescriptor(id=key.credential) for key in of_user(user_id)]


def _verification(is_required: bool) -> UserVerificationRequirement:
    return UserVerificationRequirement.REQUIRED if is_required else UserVerificationRequirement.PREFERRED


def _parse(sent: str) -> AuthenticationCredential:
    credential = parse_authentication_credential_json(sent)
    _check_own_page(credential.response.client_data_json)
    return credential


def _check_own_page(client_data: bytes) -> None:
    """Raise ValueError if it was signed in another site's frame, which the library allows."""
    if parse_client_data_json(client_data).cross_origin:
        raise ValueError("signed in a frame of another site")


def _read(sent: str, read: Callable[[], T]) -> T | None:
    """Return the result of *read*, or None if it raises or *sent* is too long.

    A browser may send any bytes, and the libraries that parse them raise exceptions of many kinds.
    """
    if len(sent) > LONGEST_CREDENTIAL:
        return None
    try:
        return read()
    except Exception:
        return None
