"""A browser that binds its sessions to a key, as Chromium does (Device Bound Session Credentials)."""

import re
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import ec
from werkzeug.test import TestResponse

from tests.browsers import ACCESS, REFRESH, Browser, Site

URL = "https://localhost:8000"
BOUND = "__Host-bound"
ASIDE = "__Host-Http-aside"
OFFER, CHALLENGE, PROOF = "Secure-Session-Registration", "Secure-Session-Challenge", "Secure-Session-Response"
SID = "Sec-Secure-Session-Id"


class Key:
    """A key that never leaves its device."""

    def __init__(self, curve: ec.EllipticCurve | None = None) -> None:
        self.private = ec.generate_private_key(curve or ec.SECP256R1())

    @property
    def jwk(self) -> dict[str, Any]:
        found: dict[str, Any] = jwt.algorithms.ECAlgorithm.to_jwk(self.private.public_key(), as_dict=True)
        return found

    def prove(self, challenge: Any, *, is_first: bool = False, **header: Any) -> str:
        """Sign a challenge; the first time with the public key beside it."""
        head = {"typ": "dbsc+jwt", **({"jwk": self.jwk} if is_first else {}), **header}
        return jwt.encode({"jti": challenge}, self.private, algorithm="ES256", headers=head)


class Chrome(Browser):
    """It takes up the offer when it is told to, by `bind`, and renews its cookie by `renew`."""

    at = URL

    def __init__(self, site: Site, label: str = "Chrome on Android", address: str = "127.0.0.1") -> None:
        super().__init__(site, label, address)
        self.key = Key()
        self.sid = self.offer = self.challenge = ""

    def enter(self, email: str = "ada@example.org") -> "Chrome":
        """Sign up, and bind the session."""
        self.take(self.sign_up(email))
        assert self.bind().status_code == 200
        assert self.is_signed_in()
        return self

    def take(self, answer: TestResponse) -> None:
        """Remember what an answer offers."""
        found = re.fullmatch(r'\(ES256\);path="/session/bind";challenge="([^"]+)"', answer.headers[OFFER])
        assert found
        self.offer = found[1]

    def bind(self, proof: str | None = None) -> TestResponse:
        answer = self.post("/session/bind", {PROOF: proof or self.key.prove(self.offer, is_first=True)})
        if answer.status_code == 200:
            self.sid = answer.get_json()["session_identifier"]
        return answer

    def refresh(self, proof: str | None = None, sid: str | None = None) -> TestResponse:
        """Ask for the cookie, with a proof or without; remember the challenge that the answer brings."""
        headers = {SID: sid or self.sid, **({PROOF: proof} if proof else {})}
        answer = self.post("/session/refresh", headers)
        found = re.fullmatch(r'"([^"]+)";id="([^"]+)"', answer.headers.get(CHALLENGE, ""))
        if found:
            assert found[2] == self.sid
            self.challenge = found[1]
        return answer

    def renew(self) -> TestResponse:
        """Ask for a challenge and answer it."""
        assert self.refresh().status_code == 403
        return self.refresh(self.key.prove(self.challenge))

    def pocket(self) -> dict[str, str]:
        """Copy every cookie that a thief could use."""
        found = {name: self.cookie(name) for name in (ACCESS, REFRESH, BOUND, ASIDE)}
        return {name: value for name, value in found.items() if value}


def thief(site: Site, pocket: dict[str, str], *but: str) -> Chrome:
    """A browser elsewhere, with another key, that has these cookies without some."""
    browser = Chrome(site, "Safari on macOS", "203.0.113.66")
    for name, value in pocket.items():
        if name not in but:
            browser.client.set_cookie(name, value)
    return browser
