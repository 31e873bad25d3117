"""The authorization code flow, step by step: an app that asks, and a person who decides."""

import base64
import hashlib
import secrets
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

from werkzeug.test import TestResponse

from tests.browsers import SITE_URL, Browser
from tests.oauth.conftest import App

CALLBACK = "https://app.example/callback"


def challenge(verifier: str) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()


@dataclass
class Flow:
    """One request of *app*, with a verifier, state and nonce. A parameter of None is left out."""

    app: App
    scope: str = "openid profile email"
    redirect_uri: str = CALLBACK
    verifier: str = field(default_factory=lambda: secrets.token_urlsafe(32))
    state: str = field(default_factory=lambda: secrets.token_urlsafe(8))
    nonce: str = field(default_factory=lambda: secrets.token_urlsafe(8))

    def path(self, **changed: str | None) -> str:
        """The address at which the app sends a browser here."""
        asked: dict[str, str | None] = {
            "response_type": "code",
            "client_id": self.app.id,
            "redirect_uri": self.redirect_uri,
            "scope": self.scope,
            "state": self.state,
            "nonce": self.nonce,
            "code_challenge": challenge(self.verifier),
            "code_challenge_method": "S256",
        }
        given = {name: value for name, value in {**asked, **changed}.items() if value is not None}
        return f"/oauth/authorize?{urlencode(given)}"

    def asked(self, **changed: str | None) -> dict[str, str]:
        """What the app asks for, by name."""
        return {name: values[0] for name, values in parse_qs(urlsplit(self.path(**changed)).query).items()}

    def push(self, **changed: str | None) -> TestResponse:
        """Hand the request in, from server to server."""
        given = self.asked(**changed)
        return self.app.post("/oauth/par", **{name: value for name, value in given.items() if name != "client_id"})

    def pushed(self, **changed: str | None) -> str:
        """Hand the request in; return the address at which the app then sends a browser here."""
        answer = self.push(**changed)
        assert answer.status_code == 201, answer.text
        return at(self.app, answer.get_json()["request_uri"])

    def allow(self, browser: Browser, **changed: str | None) -> str:
        """Have the person say yes; return the code."""
        answer = self.decide(browser, "allow", **changed)
        assert "code" in led(answer), led(answer)
        return led(answer)["code"]

    def decide(self, browser: Browser, decision: str, **changed: str | None) -> TestResponse:
        return browser.post(self.path(**changed), decision=decision, sid=browser.session()["sid"])

    def exchange(self, code: str, **changed: str | None) -> TestResponse:
        form: dict[str, str | None] = {
            "grant_type": "authorization_code",
            "code": code,
            "code_verifier": self.verifier,
            "redirect_uri": self.redirect_uri,
        }
        sent = {name: value for name, value in {**form, **changed}.items() if value is not None}
        return self.app.post("/oauth/token", **sent)

    def connect(self, browser: Browser) -> dict[str, Any]:
        """The whole of it; return the tokens."""
        tokens: dict[str, Any] = self.exchange(self.allow(browser)).get_json()
        return tokens


def at(app: App, request_uri: str, **beside: str) -> str:
    """Return the address that names a pushed request."""
    return f"/oauth/authorize?{urlencode({'client_id': app.id, 'request_uri': request_uri, **beside})}"


def led(answer: TestResponse) -> dict[str, str]:
    """Return the parameters with which the browser is led back to the app."""
    assert answer.status_code == 303, answer.text
    parts = urlsplit(answer.headers["Location"])
    return {name: values[0] for name, values in parse_qs(parts.query, keep_blank_values=True).items()}


def is_led_back(answer: TestResponse) -> bool:
    """Whether the browser is sent anywhere but to a page of this site."""
    location = answer.headers.get("Location", "/")
    return not location.startswith(("/", SITE_URL))
