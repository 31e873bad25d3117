"""An issuer that says the answers that a test sets, and remembers what it was asked."""

import base64
import hashlib
import hmac
import json
import time
import uuid
from collections.abc import Callable
from functools import cache
from typing import Any
from urllib.parse import parse_qs, parse_qsl, urlsplit

import httpx
import jwt
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from app.relying_party.issuer import Issuer
from app.relying_party.site import create_site

ISSUER = "https://issuer.example"
URL = "http://127.0.0.2:8001"
CLIENT = "rp"
EVENT = "http://schemas.openid.net/event/backchannel-logout"


@cache
def key(name: str) -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


class FakeIssuer:
    """Its answers are fields: change them before they are given. *asked*: the paths, in order, with what was sent."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, dict[str, str]]] = []
        self.issuer = ISSUER
        self.sid = "sid-1"
        self.is_down = False
        self.over: set[str] = set()
        self.refuses_code = False
        self.leaves_out = ""
        self.userinfo: Any = {"sub": "ada", "name": "Ada"}
        self.id_token: Callable[[dict[str, Any]], str] = self.sign

    def paths(self) -> list[str]:
        return [path for path, _ in self.asked]

    def sign(
        self, claims: dict[str, Any], *, typ: str | None = "JWT", by: str = "good", alg: str = "RS256", kid: str = "rsa"
    ) -> str:
        return jwt.encode(claims, key(by), alg, {"typ": typ, "kid": kid})

    def sign_without_key(self, claims: dict[str, Any], typ: str) -> str:
        return jwt.encode(claims, None, "none", {"typ": typ, "kid": "rsa"})  # type: ignore[arg-type]

    def sign_with_public_key(self, claims: dict[str, Any], typ: str) -> str:
        """HS256, with the public key as its secret: a library that believes the header would take it."""
        public = key("good").public_key()
        pem = public.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
        head, body = (_part(found) for found in ({"alg": "HS256", "typ": typ, "kid": "rsa"}, claims))
        return f"{head}.{body}.{_encode(_hmac(pem, f'{head}.{body}'))}"

    def logout_claims(self, **changed: Any) -> dict[str, Any]:
        now = int(time.time())
        claims = {"iss": ISSUER, "aud": CLIENT, "iat": now, "exp": now + 120, "jti": uuid.uuid4().hex}
        claims |= {"sub": "ada", "sid": "sid-1", "events": {EVENT: {}}} | changed
        return {name: value for name, value in claims.items() if value is not None}

    def logout_token(self, **changed: Any) -> str:
        return self.sign(self.logout_claims(**changed), typ="logout+jwt")

    def __call__(self, request: httpx.Request) -> httpx.Response:
        sent = {name: values[0] for name, values in parse_qs(request.content.decode()).items()}
        self.asked.append((request.url.path, sent))
        if self.is_down:
            raise httpx.ConnectError("nobody there")
        answer = getattr(self, f"_{request.url.path.rpartition('/')[2].replace('-', '_')}", None)
        return answer(sent) if answer else httpx.Response(404)

    def _openid_configuration(self, sent: dict[str, str]) -> httpx.Response:
        names = ("authorization", "token", "userinfo", "introspection", "revocation", "end_session")
        endpoints = {f"{name}_endpoint": f"{ISSUER}/{name}" for name in names}
        return httpx.Response(200, json={"issuer": self.issuer, "jwks_uri": f"{ISSUER}/jwks", **endpoints})

    def _jwks(self, sent: dict[str, str]) -> httpx.Response:
        public = json.loads(jwt.algorithms.RSAAlgorithm.to_jwk(key("good").public_key()))
        return httpx.Response(200, json={"keys": [public | {"kid": "rsa", "alg": "RS256", "use": "sig"}]})

    def _token(self, sent: dict[str, str]) -> httpx.Response:
        if self.refuses_code:
            return httpx.Response(400, json={"error": "invalid_grant"})
        now, half = int(time.time()), hashlib.sha256(b"access-secret").digest()[:16]
        claims = {"iss": ISSUER, "aud": CLIENT, "sub": "ada", "sid": self.sid, "iat": now, "exp": now + 300}
        tokens = {"access_token": "access-secret", "token_type": "Bearer", "refresh_token": f"refresh-{self.sid}"}
        id_token = self.id_token(claims | {"nonce": sent["code"], "at_hash": _encode(half)})
        given = tokens | {"id_token": id_token}
        return httpx.Response(200, json={name: value for name, value in given.items() if name != self.leaves_out})

    def _userinfo(self, sent: dict[str, str]) -> httpx.Response:
        return httpx.Response(200, json=self.userinfo)

    def _introspection(self, sent: dict[str, str]) -> httpx.Response:
        return httpx.Response(200, json={"active": sent["token"] not in self.over})

    def _revocation(self, sent: dict[str, str]) -> httpx.Response:
        self.over.add(sent["token"])
        return httpx.Response(200)


class Party:
    """The site in this process, of one delivery, and its visitors."""

    def __init__(self, issuer: FakeIssuer, delivery: str = "push", *, every: float = 5, url: str = URL) -> None:
        self.issuer = issuer
        made = Issuer(ISSUER, httpx.MockTransport(issuer))
        self.app = create_site(made, delivery, every, url, CLIENT, "secret of the client")
        self.url = url

    @property
    def watch(self) -> Any:
        return self.app.extensions["party"].guests.watch

    def visitor(self) -> "Visitor":
        return Visitor(self)

    def guest(self, sid: str = "sid-1") -> "Visitor":
        """A browser that has just signed in, under a session of that id."""
        self.issuer.sid = sid
        visitor = self.visitor()
        assert visitor.sign_in().location == "/"
        return visitor

    def tell(self, token: str) -> TestResponse:
        """Bring a logout token, as the issuer does."""
        form = {"logout_token": token}
        return self.app.test_client().post("/backchannel-logout", base_url=self.url, data=form)


class Visitor:
    """A browser at the relying party, which keeps its cookies."""

    def __init__(self, party: Party) -> None:
        self.party = party
        self.client: FlaskClient = party.app.test_client()

    def get(self, path: str, **query: str) -> TestResponse:
        return self.client.get(path, base_url=self.party.url, query_string=query)

    def sign_out(self, **headers: str) -> TestResponse:
        return self.client.post("/sign-out", base_url=self.party.url, headers={"Origin": self.party.url} | headers)

    def begin(self) -> dict[str, str]:
        """Press the button; what the issuer is asked."""
        led = urlsplit(self.get("/sign-in").location)
        assert f"{led.scheme}://{led.netloc}{led.path}" == f"{ISSUER}/authorization"
        return dict(parse_qsl(led.query))

    def answer(self, asked: dict[str, str], **changed: str) -> TestResponse:
        """Come back with the issuer's answer. Its code is the nonce, which goes into the ID token."""
        return self.get("/callback", **{"code": asked["nonce"], "state": asked["state"], "iss": ISSUER} | changed)

    def sign_in(self) -> TestResponse:
        return self.answer(self.begin())

    def is_signed_in(self) -> bool:
        return "You are signed in here, Ada" in self.get("/").text

    def state(self) -> str:
        found: str = self.get("/state").get_json()["state"]
        return found


def _part(found: dict[str, Any]) -> str:
    return _encode(json.dumps(found).encode())


def _encode(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()


def _hmac(secret: bytes, content: str) -> bytes:
    return hmac.digest(secret, content.encode(), "sha256")
