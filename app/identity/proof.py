"""How a user proved their identity, in the words of RFC 8176. Pure.

A proof is stored as words with spaces between them; old rows, from before second factors, have none.
"""

from collections.abc import Collection
from typing import NamedTuple

PASSWORD = "pwd"  # noqa: S105 - a word of RFC 8176
CODE = "otp"  # of an authenticator app
RECOVERY = "rec"  # a recovery code: our own word, published as `otp`
PASSKEY = "pop"  # proof of possession of a key
BOTH = "mfa"  # with a passkey: it has verified its user, by a finger or a PIN
_CODES = frozenset({CODE, RECOVERY})
_FACTORS = _CODES | {BOTH}
_KNOWN, _HELD = frozenset({PASSWORD}), _CODES | {PASSKEY}  # something you know, something you have
ONE_FACTOR, TWO_FACTORS = "1", "2"
LEVELS = (ONE_FACTOR, TWO_FACTORS)  # `acr`, from weak to strong


class Proof(NamedTuple):
    """When and how the holder of a token proved their identity. It belongs to the link that it made."""

    at: int | None
    how: str | None


def join(*words: str) -> str:
    """Return *words*, in their order, as they are kept."""
    return " ".join(words)


def as_words(how: str | None) -> list[str]:
    """Return the words of a proof as it is kept; none if there is none."""
    return (how or "").split()


def repeat(before: Collection[str] | None, word: str) -> str:
    """Return the proof of a user who proved *before* and now proves again by *word*.

    A code adds to the password or the passkey that the session began with. These count alone: what proved a second
    factor before may have been removed since.
    """
    first = next((first for first in (PASSWORD, PASSKEY) if first in (before or ())), None)
    return join(first, word) if first and word in _CODES else word


def has_factor(words: Collection[str] | None) -> bool:
    """Return whether this proof includes a second factor."""
    return not _FACTORS.isdisjoint(words or ())


def suffices(words: Collection[str] | None, *, asks_factor: bool) -> bool:
    """Return whether this proof is enough to change an account. *asks_factor*: the account has one.

    A passkey that did not verify its user signs in, but is not enough: a finder of a lost key has it.
    """
    return has_factor(words) or not (asks_factor or _is_held_only(words))


def _is_held_only(words: Collection[str] | None) -> bool:
    return PASSKEY in (words or ()) and PASSWORD not in (words or ())


def published(how: str | None) -> tuple[str, ...] | None:
    """Return `amr` as tokens have it."""
    if how is None:
        return None
    words = set(how.split())
    both = not _KNOWN.isdisjoint(words) and not _HELD.isdisjoint(words)
    said = dict.fromkeys(CODE if word == RECOVERY else word for word in how.split())
    return (*said, *([BOTH] if both and BOTH not in said else []))


def level(words: Collection[str] | None) -> str | None:
    """Return `acr` as tokens have it."""
    if words is None:
        return None
    return TWO_FACTORS if BOTH in words else ONE_FACTOR
