"""What the operator does from a shell takes effect at once, on every node."""

import re
from pathlib import Path

import jwt
import pytest
from click.testing import Result

from app.keys import PUBLISHED_SECONDS
from tests.browsers import ACCESS, PASSWORD, Browser, Site


@pytest.fixture
def ada(site: Site) -> Browser:
    return site.member()


def run(site: Site, *words: str, typed: str | None = None) -> Result:
    return site.app.test_cli_runner().invoke(args=list(words), input=typed, catch_exceptions=False)


def key_ids(site: Site) -> set[str]:
    """The keys of access tokens that are published."""
    return {key["kid"] for key in site.browser().get("/oauth/jwks").get_json()["keys"] if key["alg"] == "ES256"}


def kid(token: str) -> str:
    found: str = jwt.get_unverified_header(token)["kid"]
    return found


def renew(browser: Browser) -> str:
    """Lose the access token and get another."""
    browser.forget(ACCESS)
    assert browser.is_signed_in()
    return browser.pocket()[ACCESS]


def test_sessions_of_a_person_are_listed_and_ended_on_every_node(site: Site, other_node: Site, ada: Browser) -> None:
    sid = ada.session()["sid"]
    assert sid in run(site, "sessions", "list", "ada@example.org").output
    token = ada.pocket()[ACCESS]
    assert other_node.browser().api(token).status_code == 200
    assert run(site, "sessions", "end", "ADA@example.org", "--sid", sid).output == "1 ended.\n"
    assert other_node.browser().api(token).status_code == 401
    assert not ada.is_signed_in()
    assert run(site, "sessions", "list", "ada@example.org").output == ""


def test_all_of_them_can_be_ended_together(site: Site, ada: Browser) -> None:
    phone = site.browser("Chrome on Android")
    phone.sign_in()
    assert run(site, "sessions", "end", "ada@example.org").output == "2 ended.\n"
    assert not ada.is_signed_in()
    assert not phone.is_signed_in()


def test_another_persons_session_is_not_ended(site: Site, ada: Browser) -> None:
    bob = site.member("bob@example.org")
    done = run(site, "sessions", "end", "ada@example.org", "--sid", bob.session()["sid"])
    assert done.exit_code == 1
    assert bob.is_signed_in()
    assert ada.is_signed_in()


def test_an_account_that_is_disabled_is_out_everywhere_and_stays_out(site: Site, ada: Browser) -> None:
    assert run(site, "users", "disable", "ada@example.org").output == "Disabled; 1 sessions ended.\n"
    assert not ada.is_signed_in()
    ada.sign_in()
    assert not ada.is_signed_in()


def test_an_account_is_added_by_the_rules_of_the_sign_up_page(site: Site) -> None:
    add = ("users", "add", "eve@example.org", "--password-stdin")
    assert "Use 8 to 128 characters" in run(site, *add, typed="short\n").output
    assert run(site, *add, typed=f"{PASSWORD}\n").output == "Added.\n"
    assert "There is an account" in run(site, *add, typed=f"{PASSWORD}\n").output
    eve = site.browser()
    eve.sign_in("eve@example.org")
    assert eve.is_signed_in()


def test_somebody_unknown_is_said_to_be(site: Site) -> None:
    for words in (["sessions", "list"], ["sessions", "end"], ["users", "disable"]):
        assert run(site, *words, "nobody@example.org").exit_code == 1


def test_a_new_key_is_published_before_it_signs_and_the_old_one_until_its_tokens_are_over(
    site: Site, other_node: Site, ada: Browser
) -> None:
    old = ada.pocket()[ACCESS]
    [first] = key_ids(site)
    found = re.search(r"^Key (\S+) signs in 5 minutes\. Nobody", run(site, "keys", "rotate").output)
    assert found
    site.wait(31)  # every process has read the keys again
    assert key_ids(site) == key_ids(other_node) == {first, found[1]}
    assert kid(renew(ada)) == first
    site.wait(PUBLISHED_SECONDS)
    assert kid(renew(ada)) == found[1]
    assert other_node.browser().api(ada.pocket()[ACCESS]).status_code == 200
    assert ada.is_signed_in()
    assert old != ada.pocket()[ACCESS]
    site.wait(24 * 60 * 60 + 60)
    run(site, "keys", "rotate")
    site.wait(31)
    assert first not in key_ids(site)


def test_what_a_stolen_key_signed_is_refused_and_nobody_is_signed_out(
    site: Site, other_node: Site, ada: Browser
) -> None:
    stolen = ada.pocket()[ACCESS]
    assert other_node.browser().api(stolen).status_code == 200
    run(site, "keys", "rotate", "--at-once")
    site.wait(31)
    assert other_node.browser().api(stolen).status_code == 401
    assert site.browser().api(stolen).status_code == 401
    assert ada.is_signed_in()
    assert kid(ada.pocket()[ACCESS]) in key_ids(other_node)


def test_a_key_that_a_process_has_not_seen_is_looked_for_at_once(site: Site, instance: Path, ada: Browser) -> None:
    assert site.browser().api(ada.pocket()[ACCESS]).status_code == 200
    run(site, "keys", "rotate", "--at-once")
    newcomer = Site(instance)  # knows the new key from its start
    site.wait(2)
    browser = newcomer.browser()
    browser.sign_in()
    assert site.browser().api(browser.pocket()[ACCESS]).status_code == 200
    newcomer.close()


def test_purging_forgets_old_sessions_and_activity_and_never_an_entry(site: Site, ada: Browser) -> None:
    ada.sign_out()
    entries = site.query("SELECT count(*) FROM log_entries")
    site.wait(31 * 24 * 60 * 60)
    assert site.query("SELECT count(*) FROM receipts") == [(1,)]
    assert run(site, "purge").output == "1 sessions, 0 events and 1 receipts forgotten.\n"
    assert site.query("SELECT count(*) FROM receipts") == [(0,)]
    assert site.query("SELECT count(*) FROM sessions") == site.query("SELECT count(*) FROM refresh_tokens") == [(0,)]
    assert site.query("SELECT count(*) FROM log_entries") == entries
    site.wait(60 * 24 * 60 * 60)
    assert "0 sessions" in run(site, "purge").output
    assert site.query("SELECT count(*) FROM activity") == [(0,)]
    ada.sign_in()
    assert ada.is_signed_in()
