"""The keys of a story remember what they signed, and that lets nothing through that real ones would refuse."""

import time

import jwt
import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from app.lab.signing import Key, Tokens

LAX = {"verify_exp": False, "verify_iat": False}
RAW = bytes(range(32))


@pytest.fixture
def key() -> Key:
    return Key.from_private_bytes(RAW)


def test_it_signs_as_the_real_one_does_whatever_it_remembers(key: Key) -> None:
    real = Ed25519PrivateKey.from_private_bytes(RAW)
    for data in (b"one", b"two", b"one"):
        assert key.sign(data) == real.sign(data)
        real.public_key().verify(key.sign(data), data)
        key.verify(real.sign(data), data)


def test_a_signature_of_something_else_or_by_another_key_or_a_forged_one_is_refused(key: Key) -> None:
    one, other = key.sign(b"one"), Key.from_private_bytes(bytes(32))
    for refusing, signature, data in ((key, one, b"two"), (other, one, b"one"), (key, bytes(64), b"one")):
        with pytest.raises(InvalidSignature):
            refusing.verify(signature, data)


def test_a_key_is_known_again_by_its_public_half_and_a_stranger_is_a_real_one(key: Key) -> None:
    assert Key.from_public_bytes(key.public_bytes_raw()) is key
    stranger = Ed25519PrivateKey.from_private_bytes(bytes([7] * 32)).public_key()
    found = Key.from_public_bytes(stranger.public_bytes_raw())
    assert isinstance(found, Ed25519PublicKey)
    assert found == stranger


def test_a_token_is_read_once_and_a_changed_one_is_refused_also_after_that(key: Key) -> None:
    token = jwt.encode({"sub": "ada"}, key, "EdDSA")  # type: ignore[arg-type]
    found = Tokens().decode(token, key, ["EdDSA"], LAX)
    found["sub"] = "eve"
    assert Tokens().decode(token, key, ["EdDSA"], LAX) == {"sub": "ada"}
    for bad, algorithms in ((token[:-4] + "AAAA", ["EdDSA"]), (token, ["ES256"])):
        with pytest.raises(jwt.InvalidTokenError):
            Tokens().decode(bad, key, algorithms, LAX)


def test_a_token_whose_times_the_library_checks_is_checked_each_time(key: Key) -> None:
    token = jwt.encode({"exp": int(time.time()) - 1}, key, "EdDSA")  # type: ignore[arg-type]
    assert Tokens().decode(token, key, ["EdDSA"], LAX)
    with pytest.raises(jwt.ExpiredSignatureError):
        Tokens().decode(token, key, ["EdDSA"], {})


def test_a_token_that_was_signed_in_a_story_is_read_as_the_library_reads_it(key: Key) -> None:
    claims = {"sub": "ada", "list": (1, 2)}
    token = Tokens().encode(claims, key, "EdDSA", {"kid": "one"})
    assert token == jwt.encode(claims, key, "EdDSA", {"kid": "one"})  # type: ignore[arg-type]
    claims["sub"] = "eve"
    assert Tokens().decode(token, key, ["EdDSA"], LAX) == {"sub": "ada", "list": [1, 2]}
    for bad, algorithms in ((token[:-4] + "AAAA", ["EdDSA"]), (token, ["ES256"])):
        with pytest.raises(jwt.InvalidTokenError):
            Tokens().decode(bad, key, algorithms, LAX)
