"""New keys take over, and sign no user out."""

import re
from pathlib import Path

import jwt

from app.crypto.keys import PUBLISHED_SECONDS
from tests.browsers import ACCESS, Browser, Site


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


def test_a_new_key_is_published_before_it_signs_and_the_old_one_until_its_tokens_are_over(
    site: Site, other_node: Site, ada: Browser
) -> None:
    old = ada.pocket()[ACCESS]
    [first] = key_ids(site)
    found = re.search(r"^Key (\S+) signs in 5 minutes\. All users stay signed in", site.run("keys", "rotate").output)
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
    site.run("keys", "rotate")
    site.wait(31)
    assert first not in key_ids(site)


def test_tokens_of_a_stolen_key_are_refused_and_no_user_is_signed_out(
    site: Site, other_node: Site, ada: Browser
) -> None:
    stolen = ada.pocket()[ACCESS]
    assert other_node.browser().api(stolen).status_code == 200
    site.run("keys", "rotate", "--at-once")
    site.wait(31)
    assert other_node.browser().api(stolen).status_code == 401
    assert site.browser().api(stolen).status_code == 401
    assert ada.is_signed_in()
    assert kid(ada.pocket()[ACCESS]) in key_ids(other_node)


def test_a_key_that_a_process_has_not_seen_is_looked_for_at_once(site: Site, instance: Path, ada: Browser) -> None:
    assert site.browser().api(ada.pocket()[ACCESS]).status_code == 200
    site.run("keys", "rotate", "--at-once")
    newcomer = Site(instance)  # knows the new key from its start
    site.wait(2)
    browser = newcomer.browser()
    browser.sign_in()
    assert site.browser().api(browser.pocket()[ACCESS]).status_code == 200
    newcomer.close()
