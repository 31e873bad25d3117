"""Accounts are added, closed and opened again from a shell."""

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


def test_somebody_is_made_an_administrator_and_is_one_no_longer(site: Site, ada: Browser) -> None:
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
