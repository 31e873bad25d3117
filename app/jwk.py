"""A key that signs access tokens, and its public half as a JSON Web Key."""

import base64
import hashlib
import json
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec
from jwt.algorithms import ECAlgorithm


@dataclass(frozen=True)
class AccessKey:
    """An ES256 key that signs access tokens."""

    private: ec.EllipticCurvePrivateKey
    signs_from: int = 0

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
