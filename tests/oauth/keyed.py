"""An app that authenticates by a key, and what it signs."""

import json
import secrets
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from jwt.algorithms import ECAlgorithm, OKPAlgorithm, RSAAlgorithm
from werkzeug.test import TestResponse

from app import clock
from app.oauth.assertion import TYPE
from tests.browsers import SITE_URL, Site
from tests.oauth.conftest import App, register_app

KINDS: dict[str, Any] = {"ES256": ECAlgorithm, "PS256": RSAAlgorithm, "EdDSA": OKPAlgorithm, "Ed25519": OKPAlgorithm}


@dataclass
class Signer:
    """A private key and the algorithm with which it signs."""

    algorithm: str = "ES256"
    kid: str | None = None
    private: Any = None

    def __post_init__(self) -> None:
        make = {
            "ES256": lambda: ec.generate_private_key(ec.SECP256R1()),
            "PS256": lambda: rsa.generate_private_key(65537, 2048),
        }
        self.private = self.private or make.get(self.algorithm, ed25519.Ed25519PrivateKey.generate)()

    @property
    def public(self) -> dict[str, Any]:
        members: dict[str, Any] = KINDS[self.algorithm].to_jwk(self.private.public_key(), as_dict=True)
        return members | ({"kid": self.kid} if self.kid else {})

    @property
    def secret(self) -> dict[str, Any]:
        members: dict[str, Any] = KINDS[self.algorithm].to_jwk(self.private, as_dict=True)
        return members

    def sign(self, claims: dict[str, Any], **header: Any) -> str:
        named = {"kid": self.kid} if self.kid else {}
        return jwt.encode(claims, self.private, self.algorithm, named | header)


@dataclass
class Keyed(App):
    """A registered client that signs an assertion for each request."""

    key: Signer = field(default_factory=Signer)

    def claims(self, **changed: Any) -> dict[str, Any]:
        with self.site.app.app_context():
            now = clock.now()
        claims = {"iss": self.id, "sub": self.id, "aud": SITE_URL, "jti": secrets.token_urlsafe(16)}
        found = claims | {"iat": now, "exp": now + 60} | changed
        return {name: value for name, value in found.items() if value is not None}

    def assertion(self, **changed: Any) -> str:
        """Its client assertion. A claim of None is left out."""
        return self.key.sign(self.claims(**changed))

    def post(self, path: str, *, auth: str = "key", headers: dict[str, str] | None = None, **form: str) -> TestResponse:
        if auth == "key" and "client_assertion" not in form:
            form["client_assertion"] = self.assertion()
        if "client_assertion" in form:
            form = {"client_assertion_type": TYPE} | form
        sent = {name: value for name, value in form.items() if value}
        return self.site.app.test_client().post(path, base_url=SITE_URL, data=sent, headers=headers or {})


def register_keyed(site: Site, name: str = "Keyed", key: Signer | None = None, **more: Any) -> Keyed:
    """An app that people can sign in to, registered with one key."""
    key = key or Signer()
    found = register_app(site, name, jwks=json.dumps({"keys": [key.public]}), **more)
    assert found.secret is None
    return Keyed(site, found.id, None, key)


def key_file(folder: Path, *keys: dict[str, Any]) -> str:
    """Write a JWK set to a file; return its path."""
    path = folder / f"{secrets.token_hex(4)}.json"
    path.write_text(json.dumps({"keys": [*keys]}))
    return str(path)
