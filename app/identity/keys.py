"""Signing keys: one for each purpose, made once, kept in the instance folder."""

import base64
import hashlib
import json
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from flask import Flask, current_app
from jwt.algorithms import ECAlgorithm

from app.config import Misconfigured, Settings, keep


@dataclass(frozen=True)
class AccessKey:
    """The ES256 key that signs access tokens."""

    private: ec.EllipticCurvePrivateKey

    @cached_property
    def public(self) -> ec.EllipticCurvePublicKey:
        return self.private.public_key()

    @cached_property
    def kid(self) -> str:
        """The key's thumbprint (RFC 7638), which names it in a token's header."""
        members = {name: self._members[name] for name in ("crv", "kty", "x", "y")}
        digest = hashlib.sha256(json.dumps(members, separators=(",", ":")).encode()).digest()
        return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()

    @cached_property
    def jwk(self) -> dict[str, Any]:
        """The public half as a JSON Web Key (RFC 7517)."""
        return {**self._members, "kid": self.kid, "use": "sig", "alg": "ES256"}

    @cached_property
    def _members(self) -> dict[str, Any]:
        members: dict[str, Any] = ECAlgorithm.to_jwk(self.public, as_dict=True)
        return members


def init_app(app: Flask, settings: Settings) -> None:
    """Give *app* its signing key; make one if the instance folder has none."""
    app.extensions["access_key"] = load(settings.instance / "keys" / "access.pem")


def access_key() -> AccessKey:
    """Return the key of the current application."""
    key: AccessKey = current_app.extensions["access_key"]
    return key


def load(path: Path) -> AccessKey:
    """Read the key in the PEM file at *path*, made first if missing. Raises Misconfigured if it is damaged."""
    try:
        private = serialization.load_pem_private_key(keep(path, _new), password=None)
    except ValueError as problem:
        raise Misconfigured(f"{path} is damaged: restore it, or remove it and sign everyone out.") from problem
    if not isinstance(private, ec.EllipticCurvePrivateKey) or not isinstance(private.curve, ec.SECP256R1):
        raise Misconfigured(f"{path} holds another kind of key: an EC key on the curve P-256 is needed.")
    return AccessKey(private)


def _new() -> bytes:
    return ec.generate_private_key(ec.SECP256R1()).private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
