"""Sealing: AES-256-GCM under a key derived from a secret, for one named purpose. And the hash of a token."""

import hashlib
import secrets

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

_NONCE = 12


def digest(token: str) -> bytes:
    """Return the SHA-256 under which a random token is stored: enough for 256 random bits."""
    return hashlib.sha256(token.encode()).digest()


def derive(secret: str, purpose: str) -> bytes:
    """Return 32 bytes that only a holder of *secret* can make (RFC 5869), different for each *purpose*."""
    return HKDF(SHA256(), 32, salt=None, info=purpose.encode()).derive(secret.encode())


def close(secret: str, purpose: str, content: str) -> bytes:
    """Seal *content*; the same secret and purpose open it."""
    nonce = secrets.token_bytes(_NONCE)
    return nonce + AESGCM(derive(secret, purpose)).encrypt(nonce, content.encode(), None)


def reveal(secret: str, purpose: str, sealed: bytes) -> str | None:
    """Return what was sealed, or None if the secret or purpose is another or a byte was changed."""
    try:
        return AESGCM(derive(secret, purpose)).decrypt(sealed[:_NONCE], sealed[_NONCE:], None).decode()
    except (InvalidTag, ValueError):
        return None
