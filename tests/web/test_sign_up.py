"""Signing up takes what people type and refuses what is guessed first."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from app.identity import passwords
from tests.browsers import Browser, Site


@pytest.mark.page
@pytest.mark.parametrize(
    "password",
    [
        "short77",
        "password",
        "Password1",
        "iloveyou",
        "qwertyuiop",
        "SignedOut",
        "ada@example.org",
        "aaaaaaaaaaaa",
        "x" * 50 + "y" * 79,
        "ada",
        "plenty\tof violet otters",
        "plenty of violet\x00",
    ],
)
def test_a_password_that_is_short_long_or_common_is_refused(site: Site, password: str) -> None:
    ada = site.browser()
    assert ada.sign_up(password=password).status_code == 422
    assert not ada.is_signed_in()


@pytest.mark.page
def test_a_password_that_is_too_long_is_never_cut(site: Site) -> None:
    ada = site.browser()
    assert "maxlength" not in ada.get("/sign-up").text + ada.get("/sign-in").text
    page = ada.sign_up(password="quiet walrus " * 10)
    assert "Use 8 to 128 characters. This has 130." in page.text


@pytest.mark.page
def test_what_a_password_cannot_hold_is_named(site: Site) -> None:
    assert (
        "A password cannot hold U+0007 (control character)" in site.browser().sign_up(password="walrus\x07 otters").text
    )


@pytest.mark.page
@pytest.mark.parametrize(
    "password",
    [
        "eight ch",
        "plenty of violet otters",
        "   spaces count   ",
        "κωδικός πρόσβασης",
        "quiet walrus " * 9 + "!" * 11,
        "<script>alert(1)",
    ],
)
def test_any_other_password_works_exactly_as_typed(site: Site, password: str) -> None:
    ada = site.browser()
    assert ada.sign_up(password=password).status_code == 303
    ada.sign_out()
    assert ada.sign_in(password=password.swapcase()).status_code == (422 if password.swapcase() != password else 303)
    ada.sign_in(password=password)
    assert ada.is_signed_in()


@pytest.mark.page
@pytest.mark.parametrize(
    "email",
    ["", "ada", "ada@", "@example.org", "a b@example.org", "ada@example.org\r\nBcc: x", "a" * 300 + "@example.org"],
)
def test_what_is_no_address_is_refused(site: Site, email: str) -> None:
    assert site.browser().sign_up(email).status_code == 422


@pytest.mark.parametrize(
    "email", ["ada@example.test", "ada.lovelace+site@example.org", "ada@münchen.example", "ADA@EXAMPLE.ORG"]
)
def test_a_valid_address_is_accepted(site: Site, email: str) -> None:
    ada = site.browser()
    assert ada.sign_up(email).status_code == 303
    ada.sign_out()
    ada.sign_in(email)
    assert ada.is_signed_in()


@pytest.mark.stores("a race")
def test_one_of_many_sign_ups_with_an_address_at_once_gets_the_account(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    at_once = threading.Barrier(6)

    def hash_together(_password: str) -> str:
        at_once.wait()
        return "hashed"

    monkeypatch.setattr(passwords, "hash", hash_together)
    with ThreadPoolExecutor(6) as pool:
        browsers = [site.browser() for _ in range(6)]
        spellings = ["ada@m\u00fcnchen.example", "Ada@mu\u0308nchen.example", "ada@xn--mnchen-3ya.example"] * 2
        answers = list(pool.map(Browser.sign_up, browsers, spellings))
    assert sorted(answer.status_code for answer in answers) == [303] + [422] * 5
    assert sum("has an account already" in answer.text for answer in answers) == 5


def test_a_password_in_the_address_of_the_page_makes_no_account(site: Site) -> None:
    form = "name=Ada&email=ada@example.org&password=plenty+of+violet+otters"
    assert site.browser().post(f"/sign-up?{form}").status_code == 422
    assert 'value="ada@example.org"' in site.browser().get(f"/sign-up?{form}").text


def test_an_address_has_one_account(site: Site) -> None:
    site.member("ada@example.org")
    second = site.browser()
    assert second.sign_up("ADA@example.org").status_code == 422
    assert not second.is_signed_in()


@pytest.mark.page
@pytest.mark.parametrize("name", ["", "   ", "x" * 81, "line\nbreak", "\u202eevil"])
def test_a_name_is_one_line_of_reasonable_length(site: Site, name: str) -> None:
    assert site.browser().sign_up(name=name).status_code == 422


def test_a_name_is_shown_as_typed_and_never_as_markup(site: Site) -> None:
    ada = site.browser()
    ada.sign_up(name='<img src=x onerror="alert(1)">')
    page = ada.get("/account").text
    assert "<img" not in page
    assert "&lt;img" in page


def test_trying_which_addresses_are_taken_is_slowed_down(site: Site) -> None:
    site.member("ada@example.org")
    prober = site.browser(address="203.0.113.1")
    answers = [prober.sign_up("ada@example.org").status_code for _ in range(32)]
    assert answers == [422] * 30 + [429] * 2
