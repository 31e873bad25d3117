"""Accounts are added, closed and opened again from a shell."""

import pytest

from tests import passkeys
from tests.browsers import PASSWORD, Browser, Site


def test_an_account_that_is_disabled_is_out_everywhere_and_stays_out(site: Site, ada: Browser) -> None:
    assert site.run("users", "disable", "ada@example.org").output == "Disabled; 1 sessions ended.\n"
    assert not ada.is_signed_in()
    ada.sign_in()
    assert not ada.is_signed_in()


def test_an_account_is_added_by_the_rules_of_the_sign_up_page(site: Site) -> None:
    add = ("users", "add", "eve@example.org", "--password-stdin")
    assert "Use 8 to 128 characters" in site.run(*add, typed="short\n").output
    assert site.run(*add, typed=f"{PASSWORD}\n").output == "Added.\n"
    assert "There is an account" in site.run(*add, typed=f"{PASSWORD}\n").output
    eve = site.browser()
    eve.sign_in("eve@example.org")
    assert eve.is_signed_in()


def test_an_account_that_was_closed_is_opened_again_and_what_was_ended_stays_ended(site: Site, ada: Browser) -> None:
    old = ada.pocket()
    site.run("users", "disable", "ada@example.org")
    assert site.run("users", "enable", "ada@example.org").output == "Enabled.\n"
    assert not site.thief(old).is_signed_in()
    ada.sign_in()
    assert ada.is_signed_in()
    said = ada.get("/activity").text
    assert "An administrator closed the account and ended all sessions" in said
    assert "An administrator opened the account again" in said


def test_a_user_is_made_an_administrator_and_is_one_no_longer(site: Site, ada: Browser) -> None:
    assert ada.get("/admin").status_code == 404
    site.run("users", "admin", "ada@example.org")
    assert ada.get("/admin").status_code == 200
    site.run("users", "admin", "ada@example.org", "--remove")
    assert ada.get("/admin").status_code == 404


def test_an_administrator_is_added_at_once(site: Site) -> None:
    site.run("users", "add", "root@example.org", "--admin", "--name", "Root", "--password-stdin", typed=f"{PASSWORD}\n")
    root = site.browser()
    root.sign_in("root@example.org")
    assert root.get("/admin").status_code == 200
    assert "Root" in root.get("/account").text


NEW = "nine quiet walruses"


def test_a_new_password_ends_every_session_and_its_owner_reads_of_it(site: Site, ada: Browser) -> None:
    done = site.run("users", "password", "ada@example.org", "--password-stdin", typed=f"{NEW}\n")
    assert done.output == "Changed; 1 sessions ended.\n"
    assert not ada.is_signed_in()
    assert ada.sign_in().status_code == 422
    assert ada.sign_in(password=NEW).status_code == 303
    assert "An administrator set a new password and ended all sessions" in ada.get("/activity").text


def test_the_passkeys_of_an_account_are_taken_from_it(site: Site, ada: Browser) -> None:
    remove = ("users", "remove-passkeys", "ada@example.org")
    assert site.run(*remove).output == "Error: This account has no passkey.\n"
    key = passkeys.add(ada)
    done = site.run("users", "password", "ada@example.org", "--password-stdin", typed=f"{NEW}\n")
    assert "Its passkeys still sign in: `flask users remove-passkeys` takes them away." in done.output
    thief = site.browser("Safari on macOS")
    assert passkeys.sign_in(thief, key).status_code == 303
    assert site.run(*remove).output == "Removed; 1 sessions ended.\n"
    assert not thief.is_signed_in()
    assert passkeys.sign_in(thief, key).status_code == 422
    assert ada.sign_in(password=NEW).status_code == 303


def test_the_only_way_into_an_account_is_not_taken_from_it(site: Site) -> None:
    eve, key = site.browser(), passkeys.Key()
    passkeys.sign_up(eve, key, "eve@example.org")
    assert "the only way in" in site.run("users", "remove-passkeys", "eve@example.org").output
    assert passkeys.sign_in(site.browser(), key).status_code == 303


@pytest.mark.page
@pytest.mark.parametrize(
    "typed", ["", "short77", "password1", "ada@example.org", "Ada\u00a0", PASSWORD, "nine\x07 walruses"]
)
def test_a_new_password_follows_the_rules_of_the_pages(site: Site, ada: Browser, typed: str) -> None:
    done = site.run("users", "password", "ada@example.org", "--password-stdin", typed=f"{typed}\n")
    assert done.exit_code == 1
    assert ada.is_signed_in()


@pytest.mark.page
@pytest.mark.parametrize(("email", "fault"), [("\udcff@example.org", "U+DCFF"), ("ada\u200b@example.org", "U+200B")])
def test_an_invisible_character_in_an_address_is_named_to_the_operator(
    site: Site, ada: Browser, email: str, fault: str
) -> None:
    done = site.run("users", "disable", email)
    assert (done.exit_code, fault in done.output) == (1, True)
    assert ada.is_signed_in()


@pytest.mark.page
def test_there_is_no_new_password_without_an_account(site: Site) -> None:
    done = site.run("users", "password", "eve@example.org", "--password-stdin", typed=f"{NEW}\n")
    assert done.output == "Error: There is no account with this address.\n"


@pytest.mark.page
@pytest.mark.parametrize("end", [b"", b"\n", b"\r\n", b"\r", b"\r\nand more\r\n"])
@pytest.mark.parametrize("start", [b"", b"\xef\xbb\xbf"])
def test_however_a_shell_ends_the_line_the_password_is_the_same(
    site: Site, ada: Browser, start: bytes, end: bytes
) -> None:
    typed = start + NEW.encode() + end
    site.app.test_cli_runner().invoke(args=["users", "password", "ada@example.org", "--password-stdin"], input=typed)
    site.app.test_cli_runner().invoke(args=["users", "add", "eve@example.org", "--password-stdin"], input=typed)
    for email in ("ada@example.org", "eve@example.org"):
        assert site.browser().sign_in(email, NEW).status_code == 303


@pytest.mark.page
def test_what_is_no_text_is_no_password(site: Site, ada: Browser) -> None:
    words = ["users", "password", "ada@example.org", "--password-stdin"]
    done = site.app.test_cli_runner().invoke(args=words, input=b"nine \xff walruses\n")
    assert done.output == "Error: The password on standard input is not UTF-8.\n"
