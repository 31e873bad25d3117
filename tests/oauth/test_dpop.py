"""DPoP (RFC 9449): what passes for a proof. Section 4.3 line by line, at each place that takes one."""

import json
import warnings
from base64 import urlsafe_b64encode
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from jwt.algorithms import RSAAlgorithm
from werkzeug.test import TestResponse

from app import clock
from tests.browsers import SITE_URL, Browser, Site
from tests.conftest import standing_still
from tests.oauth.conftest import App, register_app
from tests.oauth.proofs import AppKey, Holder, fault

pytestmark = pytest.mark.page
PLACES = {"token": ("POST", "/oauth/token"), "me": ("GET", "/api/me"), "userinfo": ("POST", "/oauth/userinfo")}
SHORT = rsa.generate_private_key(65537, 1024)  # noqa: S505 - too short, on purpose
LONG_EXPONENT = rsa.generate_private_key(65537, 2048)


class Place:
    """A request that takes a proof: with an access token, or for new tokens."""

    def __init__(self, holder: Holder, name: str, tokens: dict[str, Any]) -> None:
        self.holder, self.key, self.name, self._refresh = holder, holder.key, name, tokens["refresh_token"]
        self.access: str | None = None if name == "token" else tokens["access_token"]

    def claims(self, **changed: Any) -> dict[str, Any]:
        return self.key.claims(*PLACES[self.name], self.access) | changed

    def proof(self, **changed: Any) -> str:
        return self.key.sign(self.claims(**changed))

    def send(self, *proofs: str) -> TestResponse:
        method, path = PLACES[self.name]
        headers = [("DPoP", proof) for proof in proofs]
        if self.access:
            headers.append(("Authorization", f"DPoP {self.access}"))
        form = {"grant_type": "refresh_token", "client_id": self.holder.app.id, "refresh_token": self._refresh}
        client = self.holder.app.site.app.test_client()
        sent = None if self.access else form
        answer = client.open(path, method=method, base_url=SITE_URL, headers=headers, data=sent)
        if not self.access and answer.status_code == 200:
            self._refresh = answer.get_json()["refresh_token"]
        return answer


@pytest.fixture(scope="module")
def world(shared_instance: Path) -> Iterator[tuple[App, Browser]]:
    with standing_still():
        site = Site(shared_instance)
        yield register_app(site, "Page", public=True), site.member()
        site.close()


@pytest.fixture(scope="module", params=PLACES)
def place(request: pytest.FixtureRequest, world: tuple[App, Browser]) -> Place:
    app, ada = world
    holder = Holder(app)
    return Place(holder, request.param, holder.connect(ada))


def part(said: Any) -> str:
    return urlsafe_b64encode(said if isinstance(said, bytes) else json.dumps(said).encode()).decode().rstrip("=")


def unsigned(place: Place, alg: str) -> str:
    return f"{part({'alg': alg, 'typ': 'dpop+jwt', 'jwk': place.key.jwk})}.{part(place.claims())}."


def by(place: Place, key: AppKey, **header: Any) -> str:
    """By *key*, and with that in the header, unless something else is there."""
    return place.key.sign(place.claims(), key=key.private, **{"alg": key.algorithm, "jwk": key.jwk, **header})


def by_rsa(place: Place, key: rsa.RSAPrivateKey, **members: str) -> str:
    jwk = RSAAlgorithm.to_jwk(key.public_key(), as_dict=True) | members
    with warnings.catch_warnings(action="ignore"):  # the library knows a short key too
        return place.key.sign(place.claims(), key=key, alg="PS256", jwk=jwk)


def by_public_key(place: Place) -> str:
    """The public key, taken for the secret of an HMAC."""
    head = {"typ": "dpop+jwt", "jwk": place.key.jwk}
    secret = place.key.private.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
    return jwt.encode(place.claims(), secret, "HS256", headers=head)


def altered(place: Place) -> str:
    head, _, signature = place.proof().split(".")
    return f"{head}.{part(place.claims(jti='another'))}.{signature}"


def nested(place: Place) -> str:
    """Claims that are signed, and too deep to be read."""
    head = {"alg": "ES256", "typ": "dpop+jwt", "jwk": place.key.jwk}
    return jwt.api_jws.encode(b"[" * 2000, place.key.private, "ES256", headers=head)


LONG = "x" * 4096
ES384, RS256 = AppKey("ES384"), AppKey("RS256")
OCT = {"kty": "oct", "k": "c2VjcmV0"}
MALFORMED: dict[str, Callable[[Place], list[str]]] = {
    "1: two headers": lambda it: [it.proof(), it.proof()],
    "1: the same header twice": lambda it: [proof := it.proof(), proof],
    "1: two proofs in one header": lambda it: [f"{it.proof()}, {it.proof()}"],
    "2: an empty header": lambda _: [""],
    "2: no JWT": lambda _: ["a.b.c"],
    "2: two parts of one": lambda it: [it.proof().rpartition(".")[0]],
    "2: four parts": lambda it: [it.proof() + ".x"],
    "2: letters of elsewhere": lambda _: ["é.é.é"],
    "2: an oversize one": lambda it: [it.proof(jti=LONG)],
    "2: claims that are no object": lambda it: [
        jwt.api_jws.encode(b"1", it.key.private, "ES256", headers={"jwk": it.key.jwk, "typ": "dpop+jwt"})
    ],
    "2: claims too deep": lambda it: [nested(it)],
    "2: an extension that must be understood": lambda it: [it.key.sign(it.claims(), crit=["b64"], b64=True)],
    "3: no jti": lambda it: [it.proof(jti=None)],
    "3: an empty jti": lambda it: [it.proof(jti="")],
    "3: a jti that is a number": lambda it: [it.key.sign(it.claims(jti=7))],
    "3: no htm": lambda it: [it.proof(htm=None)],
    "3: a htm that is a list": lambda it: [it.proof(htm=["GET", "POST"])],
    "3: no htu": lambda it: [it.proof(htu=None)],
    "3: no iat": lambda it: [it.proof(iat=None)],
    "3: an iat in words": lambda it: [it.proof(iat=str(clock.now()))],
    "3: a true iat": lambda it: [it.proof(iat=True)],
    "3: a nonce that is a number": lambda it: [it.proof(nonce=7)],
    "4: no typ": lambda it: [it.key.sign(it.claims(), typ=None)],
    "4: the typ of any JWT": lambda it: [it.key.sign(it.claims(), typ="JWT")],
    "4: the typ of an access token": lambda it: [it.key.sign(it.claims(), typ="at+jwt")],
    "4: the typ of a device's proof": lambda it: [it.key.sign(it.claims(), typ="dbsc+jwt")],
    "5: none": lambda it: [unsigned(it, "none")],
    "5: None": lambda it: [unsigned(it, "None")],
    "5: a secret": lambda it: [by_public_key(it)],
    "5: an algorithm that is not advertised": lambda it: [by(it, RS256)],
    "5: a curve that is not": lambda it: [by(it, ES384)],
    "5: another algorithm than the key names": lambda it: [
        it.key.sign(it.claims(), jwk={**it.key.jwk, "alg": "ES384"})
    ],
    "6: signed by another key": lambda it: [by(it, AppKey(), jwk=it.key.jwk)],
    "6: changed afterwards": lambda it: [altered(it)],
    "6: no key": lambda it: [it.key.sign(it.claims(), jwk=None)],
    "6: a key by its name alone": lambda it: [it.key.sign(it.claims(), jwk=None, kid=it.key.jkt)],
    "6: a key in words": lambda it: [it.key.sign(it.claims(), jwk=json.dumps(it.key.jwk))],
    "6: a key that is not on its curve": lambda it: [
        it.key.sign(it.claims(), jwk={**it.key.jwk, "y": it.key.jwk["x"]})
    ],
    "6: a key that lacks a part": lambda it: [it.key.sign(it.claims(), jwk={**it.key.jwk, "y": None})],
    "6: a key for encryption": lambda it: [it.key.sign(it.claims(), jwk={**it.key.jwk, "use": "enc"})],
    "6: a key that signs only": lambda it: [it.key.sign(it.claims(), jwk={**it.key.jwk, "key_ops": ["sign"]})],
    "6: a short RSA key": lambda it: [by_rsa(it, SHORT)],
    "6: an RSA key that takes long": lambda it: [
        by_rsa(it, LONG_EXPONENT, e=RSAAlgorithm.to_jwk(LONG_EXPONENT.public_key(), as_dict=True)["n"])
    ],
    "7: a private key": lambda it: [it.key.sign(it.claims(), jwk=it.key.private_jwk)],
    "7: a private RSA key": lambda it: [by(it, key := AppKey("PS256"), jwk=key.private_jwk)],
    "7: a shared secret": lambda it: [it.key.sign(it.claims(), jwk=OCT)],
    "8: another method": lambda it: [it.proof(htm="PUT")],
    "8: the method in small letters": lambda it: [it.proof(htm=PLACES[it.name][0].lower())],
    "9: another path": lambda it: [it.proof(htu=f"{SITE_URL}/oauth/revoke")],
    "9: a path below": lambda it: [it.proof(htu=it.claims()["htu"] + "/")],
    "9: a path alone": lambda it: [it.proof(htu=PLACES[it.name][1])],
    "9: another host": lambda it: [it.proof(htu=f"http://evil.example{PLACES[it.name][1]}")],
    "9: another port": lambda it: [it.proof(htu=f"http://localhost:8001{PLACES[it.name][1]}")],
    "9: another scheme": lambda it: [it.proof(htu=f"https://localhost:8000{PLACES[it.name][1]}")],
    "9: with a user": lambda it: [it.proof(htu=f"http://me@localhost:8000{PLACES[it.name][1]}")],
    "9: no address": lambda it: [it.proof(htu="\ud800")],
    "11: five minutes old": lambda it: [it.proof(iat=clock.now() - 301)],
    "11: five minutes early": lambda it: [it.proof(iat=clock.now() + 301)],
    "11: of no time": lambda it: [it.proof(iat=float("nan"))],
    "11: not good yet": lambda it: [it.proof(nbf=clock.now() + 301)],
    "11: good no more": lambda it: [it.proof(exp=clock.now() - 301)],
}
OLD = {
    "10: no nonce": lambda it: [it.proof(nonce=None)],
    "10: an empty nonce": lambda it: [it.proof(nonce="")],
    "10: a made-up nonce": lambda it: [it.proof(nonce="x")],
    "10: a nonce with another time": lambda it: [it.proof(nonce=f"{clock.now() + 1}.{it.key.nonce.partition('.')[2]}")],
    "10: a nonce with another MAC": lambda it: [it.proof(nonce=f"{clock.now()}.{'x' * 43}")],
    "10: a nonce of elsewhere": lambda it: [it.proof(nonce="²." + "é" * 43)],
    "10: an oversize nonce": lambda it: [it.proof(nonce="1" * 1000)],
}
OF_TOKEN = {
    "12: no ath": lambda it: [it.proof(ath=None)],
    "12: the ath of another token": lambda it: [it.key.prove(*PLACES[it.name], "another token")],
    "12: the token itself": lambda it: [it.proof(ath=it.access)],
    "12: another key": lambda it: [by(it, AppKey())],
    "12: no proof": lambda _: [],
}
RIGHT: dict[str, Callable[[Place], list[str]]] = {
    "as it should be": lambda it: [it.proof()],
    "as media types are written": lambda it: [it.key.sign(it.claims(), kid="1")],
    "a query and a fragment do not count": lambda it: [it.proof(htu=it.claims()["htu"] + "?a=b#c")],
    "host and scheme in capitals": lambda it: [it.proof(htu=f"HTTP://LocalHost:8000{PLACES[it.name][1]}")],
    "a path in other letters": lambda it: [it.proof(htu=it.claims()["htu"].replace("e", "%65"))],
    "a path with dots": lambda it: [it.proof(htu=f"{SITE_URL}/x/.{'./'}{PLACES[it.name][1][1:]}")],
    "a clock that is behind": lambda it: [it.proof(iat=clock.now() - 300)],
    "a clock that is ahead": lambda it: [it.proof(iat=clock.now() + 299.5)],
    "with times of its own": lambda it: [it.proof(nbf=clock.now() - 1, exp=clock.now() + 1)],
    "more that it says": lambda it: [it.proof(iss="me", aud="you", sub="them", more={"a": 1})],
    "a key that says what it is for": lambda it: [
        it.key.sign(it.claims(), jwk={**it.key.jwk, "use": "sig", "alg": "ES256", "key_ops": ["verify"]})
    ],
}
WRONG = {name: ("invalid_dpop_proof", send) for name, send in MALFORMED.items()} | {
    name: ("use_dpop_nonce", send) for name, send in OLD.items()
}


def check_refused(place: Place, answer: TestResponse, error: str) -> None:
    assert (answer.status_code, fault(answer)) == (400 if place.name == "token" else 401, error), answer.text
    if place.name != "token":
        assert answer.headers["WWW-Authenticate"].startswith("DPoP ")
        assert 'algs="ES256 PS256 Ed25519 EdDSA"' in answer.headers["WWW-Authenticate"]


@pytest.mark.parametrize("wrong", WRONG)
@pytest.mark.parametrize("place", ["token", "me"], indirect=True, scope="module")
def test_dpop_01_what_is_wrong_in_one_point_is_refused_and_uses_nothing_up(place: Place, wrong: str) -> None:
    error, make = WRONG[wrong]
    check_refused(place, place.send(*make(place)), error)
    assert place.send(place.proof()).status_code == 200


@pytest.mark.parametrize("wrong", OF_TOKEN)
@pytest.mark.parametrize("place", ["me", "userinfo"], indirect=True, scope="module")
def test_dpop_01_with_an_access_token_the_proof_is_for_that_and_by_its_key(place: Place, wrong: str) -> None:
    check_refused(place, place.send(*OF_TOKEN[wrong](place)), "invalid_dpop_proof")
    assert place.send(place.proof()).status_code == 200


@pytest.mark.parametrize("right", RIGHT)
def test_dpop_01_what_may_differ_is_accepted(place: Place, right: str) -> None:
    assert place.send(*RIGHT[right](place)).status_code == 200


@pytest.mark.parametrize("algorithm", ["ES256", "PS256", "Ed25519", "EdDSA"])
def test_dpop_01_every_algorithm_that_is_advertised_is_accepted(world: tuple[App, Browser], algorithm: str) -> None:
    app, ada = world
    said = app.site.browser().get("/.well-known/oauth-authorization-server").get_json()
    assert algorithm in said["dpop_signing_alg_values_supported"]
    holder = Holder(app, AppKey(algorithm))
    access = holder.connect(ada)["access_token"]
    assert holder.call(access).status_code == 200
    assert jwt.decode(access, options={"verify_signature": False})["cnf"] == {"jkt": holder.key.jkt}


def test_only_asymmetric_algorithms_are_advertised(world: tuple[App, Browser]) -> None:
    said = world[0].site.browser().get("/.well-known/openid-configuration").get_json()
    assert said["dpop_signing_alg_values_supported"] == ["ES256", "PS256", "Ed25519", "EdDSA"]
