"""How a user proved who they are, in the words of RFC 8176. Pure.

A proof is kept as words with spaces between them; none are kept of before there was anything but a password.
"""

from collections.abc import Collection
from typing import NamedTuple

PASSWORD = "pwd"  # noqa: S105 - a word of RFC 8176
CODE = "otp"  # of an authenticator app
RECOVERY = "rec"  # a recovery code: a word of ours, published as `otp`
_FACTORS = frozenset({CODE, RECOVERY})
_KNOWN, _HELD = frozenset({PASSWORD}), _FACTORS  # something you know, something you have
ONE_FACTOR, TWO_FACTORS = "1", "2"
LEVELS = (ONE_FACTOR, TWO_FACTORS)  # `acr`, from weak to strong


class Proof(NamedTuple):
    """When and how the holder of a token proved who they are. It belongs to the link of the chain that it made."""

    at: int | None
    how: str | None


def join(*words: str) -> str:
    """Return *words*, in their order, as they are kept."""
    return " ".join(words)


def repeat(before: Collection[str] | None, word: str) -> str:
    """Return how a user is known who proves by *word* once more what they proved *before*.

    A second factor stands beside the password that the session began with. A password stands alone: what proved a
    second factor before it may have been removed since.
    """
    return join(PASSWORD, word) if word in _FACTORS and PASSWORD in (before or ()) else word


def has_factor(words: Collection[str] | None) -> bool:
    """Return whether this proof includes a second factor."""
    return not _FACTORS.isdisjoint(words or ())


def published(how: str | None) -> tuple[str, ...] | None:
    """Return `amr` as tokens have it."""
    if how is None:
        return None
    words = set(how.split())
    both = not _KNOWN.isdisjoint(words) and not _HELD.isdisjoint(words)
    said = dict.fromkeys(CODE if word == RECOVERY else word for word in how.split())
    return (*said, *(["mfa"] if both and "mfa" not in said else []))


def level(words: Collection[str] | None) -> str | None:
    """Return `acr` as tokens have it."""
    if words is None:
        return None
    return TWO_FACTORS if "mfa" in words else ONE_FACTOR
