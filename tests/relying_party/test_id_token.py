"""The ID token: what a relying party believes of who has signed in (OpenID Connect Core, section 3.1.3.7)."""

import time
from collections.abc import Callable
from typing import Any

import pytest

from tests.relying_party.fake_issuer import FakeIssuer, Party

pytestmark = pytest.mark.sqlite
Claims = dict[str, Any]


def test_userinfo_without_a_user_signs_no_user_in(party: Party) -> None:
    party.issuer.userinfo = ["ada"]
    assert party.visitor().sign_in().status_code == 503


def test_userinfo_about_another_user_signs_no_user_in(party: Party) -> None:
    party.issuer.userinfo = {"sub": "eve", "name": "Eve"}
    assert party.visitor().sign_in().status_code == 400


BAD_ID_TOKENS: dict[str, Callable[[FakeIssuer, Claims], str]] = {
    "another issuer": lambda issuer, claims: issuer.sign(claims | {"iss": "https://evil.example"}),
    "another nonce": lambda issuer, claims: issuer.sign(claims | {"nonce": "x"}),
    "no nonce": lambda issuer, claims: issuer.sign({name: value for name, value in claims.items() if name != "nonce"}),
    "for another site": lambda issuer, claims: issuer.sign(claims | {"aud": "another"}),
    "for two sites": lambda issuer, claims: issuer.sign(claims | {"aud": ["rp", "another"]}),
    "expired": lambda issuer, claims: issuer.sign(claims | {"exp": int(time.time()) - 60}),
    "of the future": lambda issuer, claims: issuer.sign(claims | {"iat": int(time.time()) + 60}),
    "beside another access token": lambda issuer, claims: issuer.sign(claims | {"at_hash": "x"}),
    "without its session": lambda issuer, claims: issuer.sign(claims | {"sid": ""}),
    "with a number for a person": lambda issuer, claims: issuer.sign(claims | {"sub": 7}),
    "by an unknown key": lambda issuer, claims: issuer.sign(claims, kid="another"),
    "by another key": lambda issuer, claims: issuer.sign(claims, by="another"),
    "by another algorithm": lambda issuer, claims: issuer.sign(claims, alg="RS512"),
    "by no key": lambda issuer, claims: issuer.sign_without_key(claims, "JWT"),
    "by the public key": lambda issuer, claims: issuer.sign_with_public_key(claims, "JWT"),
    "a logout token": lambda issuer, claims: issuer.sign(claims | issuer.logout_claims(), typ="logout+jwt"),
    "an access token": lambda issuer, claims: issuer.sign(claims, typ="at+jwt"),
    "endless": lambda issuer, claims: issuer.sign(claims | {"x": "x" * 5000}),
    "nonsense": lambda issuer, claims: "x",
}


@pytest.mark.parametrize("what", BAD_ID_TOKENS)
def test_an_id_token_that_is_not_the_answer_to_this_question_signs_no_user_in(party: Party, what: str) -> None:
    party.issuer.id_token = lambda claims: BAD_ID_TOKENS[what](party.issuer, claims)
    ada = party.visitor()
    refused = ada.sign_in()
    assert refused.status_code == 400
    assert "cannot be trusted" in refused.text
    assert ada.state() == "visitor"
