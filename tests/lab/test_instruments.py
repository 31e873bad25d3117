"""The world of a story remembers what it signed, and that lets nothing through that a real one would refuse."""

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from app.lab import instruments
from app.lab.home.world import World
from app.lab.instruments import Clock, StoryWorld, stream

OTHER = Ed25519PrivateKey.from_private_bytes(bytes([7] * 32))
CLAIMS = {"sub": "ada", "exp": 100}


class Plain(World):  # type: ignore[misc]
    """A world that remembers nothing, with the clock and the random bytes of a story."""

    def __init__(self, _name: str, seed: str, clock: Clock) -> None:
        self.now, self.random = clock.now, stream(seed)
        super().__init__()


def at(now: int, kind: type[World] = StoryWorld) -> World:
    return kind("ada", "1", Clock(now))


def test_it_signs_as_a_real_one_does_with_a_full_memory() -> None:
    for claims in (CLAIMS, {"sub": "eve", "exp": 100}, CLAIMS, {"sub": "ada", "exp": "100"}):
        assert at(0).sign(claims) == at(0, Plain).sign(claims)
        assert at(0).sign(claims, OTHER) == at(0, Plain).sign(claims, OTHER)
        assert at(0).sign(claims, headers={"kid": "1"}) == at(0, Plain).sign(claims, headers={"kid": "1"})


@pytest.mark.parametrize("kind", [Plain, StoryWorld])
def test_a_forged_token_or_one_by_another_key_is_refused_also_after_the_good_one_was_read(kind: type[World]) -> None:
    world = at(0, kind)
    token, foreign = world.sign(CLAIMS), world.sign(CLAIMS, OTHER)
    body = token.rpartition(".")[0]
    assert world.read(token) == world.read(foreign, OTHER.public_key()) == CLAIMS
    for bad, key in ((foreign, None), (token, OTHER.public_key()), (f"{body}.{'A' * 86}", None), ("", None)):
        with pytest.raises(jwt.InvalidTokenError):
            world.verify(bad, key)


@pytest.mark.parametrize("kind", [Plain, StoryWorld])
def test_what_has_expired_by_the_worlds_own_clock_is_refused(kind: type[World]) -> None:
    token = at(0, kind).sign(CLAIMS)
    assert at(99, kind).read(token)
    assert at(100, kind).verify(token) == CLAIMS
    with pytest.raises(PermissionError):
        at(100, kind).read(token)


def test_claims_that_a_caller_changes_are_read_as_they_were_signed() -> None:
    token = at(0).sign(CLAIMS)
    at(0).verify(token)["sub"] = "eve"
    assert at(0).verify(token) == CLAIMS


def test_what_it_remembers_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(instruments, "MAX_REMEMBERED", 10)
    for number in range(50):
        assert at(0).verify(at(0).sign({"exp": number})) == {"exp": number}
    assert len(instruments._REMEMBERED) <= 10
