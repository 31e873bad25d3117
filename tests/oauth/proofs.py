"""The key of an app, and the proofs that it signs (DPoP)."""

import base64
import hashlib
import secrets
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from jwt.algorithms import ECAlgorithm, OKPAlgorithm, RSAAlgorithm
from werkzeug.test import TestResponse

from app import clock
from tests.browsers import SITE_URL
from tests.oauth.conftest import App
from tests.oauth.flow import Flow

_FAMILIES: dict[str, Any] = {"ES": ECAlgorithm, "PS": RSAAlgorithm, "RS": RSAAlgorithm, "Ed": OKPAlgorithm}
_CURVES = {"ES256": ec.SECP256R1, "ES384": ec.SECP384R1}


def left_out(members: dict[str, Any]) -> dict[str, Any]:
    """Return the members without those that are None."""
    return {name: value for name, value in members.items() if value is not None}


def hashed(token: str) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(token.encode()).digest()).rstrip(b"=").decode()


class AppKey:
    """A key that an app holds, and the nonce that it was given last. A claim or header parameter of None is left out."""

    def __init__(self, algorithm: str = "ES256") -> None:
        self.algorithm, self.nonce = algorithm, ""
        kind = algorithm[:2]
        if kind == "Ed":
            self.private: Any = ed25519.Ed25519PrivateKey.generate()
        elif kind == "ES":
            self.private = ec.generate_private_key(_CURVES[algorithm]())
        else:
            self.private = rsa.generate_private_key(65537, 2048)
        family = _FAMILIES[kind]
        self.jwk: dict[str, Any] = family.to_jwk(self.private.public_key(), as_dict=True)
        self.private_jwk: dict[str, Any] = family.to_jwk(self.private, as_dict=True)

    @property
    def jkt(self) -> str:
        """The thumbprint, worked out here once more (RFC 7638, section 3)."""
        names = {"EC": "crv kty x y", "OKP": "crv kty x", "RSA": "e kty n"}[self.jwk["kty"]].split()
        inside = ",".join(f'"{name}":"{self.jwk[name]}"' for name in names)
        return hashed(f"{{{inside}}}")

    def claims(self, method: str, path: str, access: str | None = None) -> dict[str, Any]:
        claims = {
            "jti": secrets.token_urlsafe(12),
            "htm": method,
            "htu": f"{SITE_URL}{path}",
            "iat": clock.now(),
            "nonce": self.nonce,
            "ath": hashed(access) if access else None,
        }
        return left_out(claims)

    def sign(self, claims: dict[str, Any], *, key: Any = None, **header: Any) -> str:
        head = {"typ": "dpop+jwt", "jwk": self.jwk, **header}
        return jwt.encode(
            left_out(claims), key or self.private, head.pop("alg", self.algorithm), headers=head, sort_headers=False
        )

    def prove(self, method: str, path: str, access: str | None = None, **changed: Any) -> str:
        return self.sign(self.claims(method, path, access) | changed)

    def learn(self, answer: TestResponse) -> TestResponse:
        """Keep the nonce of an answer, if it brings one."""
        self.nonce = answer.headers.get("DPoP-Nonce", self.nonce)
        return answer


class Holder:
    """An app that has a key, and proves it with each request. It begins as all do: without a nonce."""

    def __init__(self, app: App, key: AppKey | None = None) -> None:
        self.app, self.key = app, key or AppKey()

    def exchange(self, flow: Flow, code: str, proof: str | None = None, **changed: str | None) -> TestResponse:
        form = {"code": code, "code_verifier": flow.verifier, "redirect_uri": flow.redirect_uri, **changed}
        return self.token(proof, grant_type="authorization_code", **left_out(form))

    def refresh(self, token: str, proof: str | None = None) -> TestResponse:
        return self.token(proof, grant_type="refresh_token", refresh_token=token)

    def token(self, proof: str | None = None, **form: str) -> TestResponse:
        """Ask the token endpoint; once more if it answers with a nonce, as every library does."""
        given = proof or self.key.prove("POST", "/oauth/token")
        answer = self.key.learn(self.app.post("/oauth/token", headers={"DPoP": given}, **form))
        if proof is None and answer.is_json and answer.get_json().get("error") == "use_dpop_nonce":
            return self.token(self.key.prove("POST", "/oauth/token"), **form)
        return answer

    def connect(self, browser: Any, scope: str = "openid profile", **asked: str | None) -> dict[str, Any]:
        flow = Flow(self.app, scope=scope)
        answer = self.exchange(flow, flow.allow(browser, **asked))
        assert answer.status_code == 200, answer.text
        tokens: dict[str, Any] = answer.get_json()
        return tokens

    def call(self, access: str, proof: str | None = None, path: str = "/api/me", method: str = "GET") -> TestResponse:
        given = proof or self.key.prove(method, path, access)
        return self.key.learn(present(self.app, access, given, path=path, method=method))


def present(
    app: App, access: str, *proofs: str, scheme: str = "DPoP", path: str = "/api/me", method: str = "GET"
) -> TestResponse:
    """Present an access token, with as many proofs."""
    headers = [("Authorization", f"{scheme} {access}"), *(("DPoP", proof) for proof in proofs)]
    return app.site.app.test_client().open(path, method=method, base_url=SITE_URL, headers=headers)


def fault(answer: TestResponse) -> str | None:
    """The error code of an answer, which the body and the challenge agree on."""
    said: str | None = answer.get_json().get("error")
    if answer.status_code == 401 and "WWW-Authenticate" in answer.headers and said:
        assert f'error="{said}"' in answer.headers["WWW-Authenticate"]
    return said
