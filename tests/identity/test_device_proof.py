"""What passes for a proof of a device's key, and what does not."""

from base64 import urlsafe_b64encode
from collections.abc import Callable
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from app.crypto.jwk import LONGEST_JWT
from app.identity import device_proof
from tests.device import Key

KEY, OTHER = Key(), Key()
CHALLENGE = "what the site asked"
HEAD = {"typ": "dbsc+jwt", "jwk": KEY.jwk}


def public(key: Key) -> bytes:
    return key.private.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)[1:]


def signed(claims: dict[str, Any], key: Any = None, algorithm: str = "ES256", **header: Any) -> str:
    return jwt.encode(claims, key or KEY.private, algorithm=algorithm, headers={**HEAD, **header})


def part(text: str) -> str:
    return urlsafe_b64encode(text.encode()).decode().rstrip("=")


def off_the_curve() -> dict[str, Any]:
    return KEY.jwk | {"y": KEY.jwk["x"]}


def with_a_public_secret() -> str:
    """The public key, taken for the secret of an HMAC."""
    key = KEY.private.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
    return jwt.encode({"jti": CHALLENGE}, key, algorithm="HS256", headers=HEAD)


def test_a_registration_brings_its_key_and_answers_the_challenge() -> None:
    assert device_proof.register(KEY.prove(CHALLENGE, is_first=True)) == (public(KEY), CHALLENGE)


def test_a_later_proof_needs_no_key_and_answers_the_challenge() -> None:
    assert device_proof.answer(KEY.prove(CHALLENGE), public(KEY)) == CHALLENGE


def test_a_clock_that_is_wrong_and_what_else_a_browser_may_say_hinder_nothing() -> None:
    more = {
        "jti": CHALLENGE,
        "iat": 1,
        "exp": 2,
        "nbf": 1 << 40,
        "aud": "https://elsewhere.example",
        "authorization": "x",
    }
    assert device_proof.register(signed(more, kid="7")) == (public(KEY), CHALLENGE)


WRONG: dict[str, Callable[[], str]] = {
    "nothing": lambda: "",
    "no token": lambda: "a.b.c",
    "letters of elsewhere": lambda: "é.é.é",
    "not signed": lambda: jwt.encode({"jti": CHALLENGE}, None, algorithm="none", headers=HEAD),
    "not signed, in capitals": lambda: ".".join([part('{"alg":"None","typ":"dbsc+jwt"}'), part('{"jti":"x"}'), ""]),
    "signed with the public key as a secret": with_a_public_secret,
    "signed by RSA": lambda: signed({"jti": CHALLENGE}, rsa.generate_private_key(65537, 2048), "RS256"),
    "signed on another curve": lambda: signed({"jti": CHALLENGE}, Key(ec.SECP384R1()).private, "ES384"),
    "signed by another key": lambda: signed({"jti": CHALLENGE}, OTHER.private),
    "of another type": lambda: signed({"jti": CHALLENGE}, typ="JWT"),
    "of an access token's type": lambda: signed({"jti": CHALLENGE}, typ="at+jwt"),
    "without a type": lambda: signed({"jti": CHALLENGE}, typ=None),
    "with an extension that must be known": lambda: signed({"jti": CHALLENGE}, crit=["later"], later=1),
    "without a challenge": lambda: signed({"nonce": CHALLENGE}),
    "with a number for a challenge": lambda: signed({"jti": 7}),
    "with a list for a challenge": lambda: signed({"jti": [CHALLENGE]}),
    "too long": lambda: signed({"jti": CHALLENGE, "padding": "x" * LONGEST_JWT}),
    "with a signature cut short": lambda: KEY.prove(CHALLENGE, is_first=True)[:-8],
    "with no signature": lambda: KEY.prove(CHALLENGE, is_first=True).rpartition(".")[0] + ".",
}
WRONG_KEYS: dict[str, Any] = {
    "none": None,
    "a name": "P-256",
    "a private one": KEY.jwk | {"d": KEY.jwk["x"]},
    "one of another curve": Key(ec.SECP384R1()).jwk,
    "one that says another curve": KEY.jwk | {"crv": "P-384"},
    "an octet key": {"kty": "oct", "k": "eA"},
    "one without y": {name: value for name, value in KEY.jwk.items() if name != "y"},
    "one with a number": KEY.jwk | {"x": 7},
    "one that is too long": KEY.jwk | {"x": KEY.jwk["x"] + "AA"},
    "one with letters that do not belong": KEY.jwk | {"x": "+" + KEY.jwk["x"][1:]},
    "one that is off the curve": off_the_curve(),
    "another device's": OTHER.jwk,
}


@pytest.mark.parametrize("wrong", WRONG.values(), ids=WRONG)
def test_a_malformed_proof_is_refused(wrong: Callable[[], str]) -> None:
    assert device_proof.register(wrong()) is None
    assert device_proof.answer(wrong(), public(KEY)) is None


@pytest.mark.parametrize("jwk", WRONG_KEYS.values(), ids=WRONG_KEYS)
def test_a_registration_with_a_key_that_is_no_public_key_of_the_signer_is_refused(jwk: Any) -> None:
    assert device_proof.register(signed({"jti": CHALLENGE}, jwk=jwk)) is None


def test_a_proof_is_judged_by_the_key_of_the_session_and_not_by_one_that_it_brings() -> None:
    assert device_proof.answer(OTHER.prove(CHALLENGE, is_first=True), public(KEY)) is None
