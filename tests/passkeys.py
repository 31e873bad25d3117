"""A passkey in software: it makes and signs what a browser is asked for, and can lie about where it was asked."""

import hashlib
import json
import secrets
from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import dataclass, field
from typing import Any

import cbor2
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from werkzeug.test import TestResponse

from tests.browsers import SITE_URL, Browser, form

PAGE = "/account/passkeys"
PRESENT, VERIFIED, CAN_BE_BACKED_UP, BACKED_UP, HAS_KEY = 0x01, 0x04, 0x08, 0x10, 0x40


def encode(content: bytes) -> str:
    return urlsafe_b64encode(content).decode().rstrip("=")


def decode(text: str) -> bytes:
    return urlsafe_b64decode(text + "=" * (-len(text) % 4))


@dataclass
class Key:
    """One passkey. *is_sure*: it asks for a finger or a PIN. *count*: it counts its signatures, if that is not None.

    *origin* and *host*: where the browser says that it is.
    """

    is_sure: bool = True
    is_backed_up: bool = False
    count: int | None = None
    origin: str = SITE_URL
    host: str = "localhost"
    is_framed: bool = False
    id: bytes = field(default_factory=lambda: secrets.token_bytes(16))
    private: ec.EllipticCurvePrivateKey = field(default_factory=lambda: ec.generate_private_key(ec.SECP256R1()))
    owner: bytes = b""

    def make(self, options: dict[str, Any]) -> dict[str, Any]:
        """Answer what `navigator.credentials.create` was asked."""
        self.owner = decode(options["user"]["id"])
        numbers = self.private.public_key().public_numbers()
        public = {1: 2, 3: -7, -1: 1, -2: numbers.x.to_bytes(32, "big"), -3: numbers.y.to_bytes(32, "big")}
        held = bytes(16) + len(self.id).to_bytes(2, "big") + self.id + cbor2.dumps(public)
        made = {"fmt": "none", "attStmt": {}, "authData": self._said(HAS_KEY) + held}
        response = {
            "clientDataJSON": encode(self._where("webauthn.create", options)),
            "attestationObject": encode(cbor2.dumps(made)),
        }
        return self._described(response)

    def sign(self, options: dict[str, Any]) -> dict[str, Any]:
        """Answer what `navigator.credentials.get` was asked."""
        where, said = self._where("webauthn.get", options), self._said()
        signed = self.private.sign(said + hashlib.sha256(where).digest(), ec.ECDSA(hashes.SHA256()))
        response = {
            "clientDataJSON": encode(where),
            "authenticatorData": encode(said),
            "signature": encode(signed),
            "userHandle": encode(self.owner),
        }
        return self._described(response)

    def _described(self, response: dict[str, str]) -> dict[str, Any]:
        return {"id": encode(self.id), "rawId": encode(self.id), "type": "public-key", "response": response}

    def _where(self, kind: str, options: dict[str, Any]) -> bytes:
        said = {"type": kind, "challenge": options["challenge"], "origin": self.origin, "crossOrigin": self.is_framed}
        return json.dumps(said).encode()

    def _said(self, flags: int = 0) -> bytes:
        flags |= PRESENT | (VERIFIED if self.is_sure else 0)
        flags |= CAN_BE_BACKED_UP | BACKED_UP if self.is_backed_up else 0
        if self.count is not None:
            self.count += 1
        return hashlib.sha256(self.host.encode()).digest() + bytes([flags]) + (self.count or 0).to_bytes(4, "big")


def asked(browser: Browser, purpose: str, **fields: str) -> tuple[dict[str, Any], str]:
    """Return the options for this browser, and their stamp."""
    answer = browser.post(f"/passkeys/ask/{purpose}", **fields)
    assert answer.status_code == 200, answer.text
    found = answer.get_json()
    return found["options"], found["stamp"]


def signed(browser: Browser, key: Key, purpose: str, **fields: str) -> dict[str, str]:
    """Return the fields that the script fills in with a signature."""
    options, stamp = asked(browser, purpose, **fields)
    return {"credential": json.dumps(key.sign(options)), "stamp": stamp}


def made(browser: Browser, key: Key, purpose: str, **fields: str) -> dict[str, str]:
    """Return the fields that the script fills in with a new key."""
    options, stamp = asked(browser, purpose, **fields)
    return {"credential": json.dumps(key.make(options)), "stamp": stamp, **fields}


def add(browser: Browser, key: Key | None = None, name: str = "Laptop") -> Key:
    """Add a passkey, as its owner does."""
    key = key or Key()
    answer = browser.post(f"{PAGE}/add", **form(browser, f"{PAGE}/add"), **made(browser, key, "add", name=name))
    assert answer.status_code == 303, answer.text
    return key


def sign_in(browser: Browser, key: Key, **more: str) -> TestResponse:
    return browser.post("/sign-in/passkey", **signed(browser, key, "sign-in"), **more)


def sign_up(browser: Browser, key: Key, email: str = "ada@example.org", name: str = "Ada") -> TestResponse:
    return browser.post("/sign-up/passkey", **made(browser, key, "sign-up", email=email, name=name))


def confirm(browser: Browser, key: Key, **more: str) -> TestResponse:
    return browser.post("/confirm", **signed(browser, key, "confirm"), **more)
