"""Demo accounts: their password is no secret, so they are open in a workshop and nowhere else."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import Result

from app.identity import demo
from tests import passkeys
from tests.browsers import Browser, Site

EMAIL = "ada@workshop.example"


@pytest.fixture
def elsewhere(site: Site, instance: Path) -> Iterator[Site]:
    """The same database under a site that is no workshop."""
    opened = Site(instance, WORKSHOP="0")
    yield opened
    opened.close()


def seed(site: Site) -> Result:
    return site.app.test_cli_runner().invoke(args=["users", "seed"], catch_exceptions=False)


def sign_in(site: Site, password: str = demo.PASSWORD) -> Browser:
    browser = site.browser()
    browser.sign_in(EMAIL, password)
    return browser


def test_no_site_has_them_unasked(site: Site) -> None:
    assert site.query("SELECT count(*) FROM users") == [(0,)]


def test_seeding_lists_the_accounts_and_may_be_repeated(site: Site) -> None:
    assert seed(site).output == seed(site).output
    assert seed(site).output.splitlines() == [*demo.ACCOUNTS, f"Their password: {demo.PASSWORD}"]
    assert site.query("SELECT count(*) FROM users") == [(3,)]
    assert sign_in(site).is_signed_in()


def test_seeding_puts_them_back_as_they_were(site: Site) -> None:
    seed(site)
    ada = sign_in(site)
    ada.post("/account/password", current=demo.PASSWORD, password="nine quiet walruses")
    site.app.test_cli_runner().invoke(args=["users", "disable", EMAIL])
    assert not sign_in(site, "nine quiet walruses").is_signed_in()
    seed(site)
    assert sign_in(site).is_signed_in()


def test_a_site_that_is_no_workshop_makes_no_demo_accounts(elsewhere: Site) -> None:
    assert "set WORKSHOP=1" in seed(elsewhere).output
    assert elsewhere.query("SELECT count(*) FROM users") == [(0,)]


def test_a_site_that_is_no_workshop_closes_those_it_finds(site: Site, instance: Path) -> None:
    seed(site)
    ada, bob = sign_in(site), site.member("bob@example.org")
    elsewhere = Site(instance, WORKSHOP="0")
    assert not ada.is_signed_in()
    assert not sign_in(elsewhere).is_signed_in()
    assert bob.is_signed_in()
    elsewhere.close()


def test_seeding_takes_away_an_added_passkey(site: Site) -> None:
    seed(site)
    eve = site.browser()
    eve.sign_in("ada@workshop.example", demo.PASSWORD)
    key = passkeys.add(eve)
    seed(site)
    assert passkeys.sign_in(site.browser(), key).status_code == 422
