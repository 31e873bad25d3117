"""Those who might attack, as docs/security.md lists them, try what it says that they can and cannot do."""

from typing import Any

import pytest

from app.crypto.keys import access_keys
from app.identity import access_token, status_list
from app.identity.access_token import Claims
from tests.browsers import ACCESS, PASSWORD, REFRESH, Browser, Site
from tests.oauth.conftest import register_app
from tests.oauth.flow import Flow


@pytest.fixture
def ada(site: Site) -> Browser:
    return site.member()


def test_a_copy_of_the_access_cookie_reads_and_renames_and_is_neither_renewed_nor_good_for_what_takes_the_password(
    site: Site, ada: Browser
) -> None:
    phone = site.browser("Chrome on Android")
    phone.sign_in()
    site.wait(301)
    ada.forget(ACCESS)
    ada.get("/account")
    site.wait(299)
    thief = site.thief(ada.pocket(), only=ACCESS)
    assert thief.get("/account").status_code == 200
    sid, other = thief.session()["sid"], phone.session()["sid"]
    assert thief.post(f"/devices/{sid}/name", name="mine").status_code == 303
    assert ada.session()["name"] == "mine"
    for path in ("/devices/end-others", "/devices/end-all", f"/devices/{other}/end"):
        assert thief.post(path).headers["Location"].startswith("/confirm")
    assert (
        thief.post("/account/password", current="guess", password="another good one", end_others="y").status_code == 422
    )
    assert phone.is_signed_in()
    assert thief.pocket() == {ACCESS: ada.pocket()[ACCESS]}, "nothing new was handed out"
    site.wait(300)
    assert not thief.is_signed_in()
    assert ada.is_signed_in()


def test_a_copy_of_the_access_cookie_lets_an_app_in_and_the_owner_finds_and_ends_it(site: Site, ada: Browser) -> None:
    thief = site.thief(ada.pocket(), only=ACCESS)
    flow = Flow(register_app(site, "Mail"), scope="openid offline_access")
    tokens = flow.exchange(flow.allow(thief)).get_json()
    ada.sign_out()
    assert ada.api(tokens["access_token"]).status_code == 200, "it was let in for longer than the browser"
    ada.sign_in()
    [app] = [session for session in ada.sessions() if session["app"] and not session["ended_at"]]
    ada.post(f"/devices/{app['sid']}/end")
    assert ada.api(tokens["access_token"]).status_code == 401


def test_a_copy_that_renews_within_the_grace_keeps_up_and_one_that_comes_later_ends_the_session_for_both(
    site: Site, ada: Browser
) -> None:
    thief = site.thief(ada.pocket(), only=REFRESH)
    site.wait(301)
    assert ada.is_signed_in()
    site.wait(9)
    assert thief.is_signed_in(), "ten seconds are for a lost answer, and a thief may use them"
    late = site.thief(ada.pocket(), only=REFRESH)
    site.wait(301)
    assert ada.is_signed_in()
    assert ada.is_signed_in(), "with the new tokens"
    site.wait(11)
    assert not late.is_signed_in()
    assert not ada.is_signed_in()


def forge(site: Site, token: str, **changed: Any) -> str:
    """Sign another token with the site's own key."""
    with site.app.test_request_context():
        claims = access_token.read(token)
        assert isinstance(claims, Claims)
        claims = claims._replace(**changed)
        said = {name: value for name, value in claims._asdict().items() if value is not None}
        said["status"] = status_list.claim(claims.opened)
        return access_keys().signing(claims.iat).sign(said, access_token.TYPE)


def test_a_thief_of_the_signing_key_passes_for_anyone_until_it_is_replaced(site: Site, ada: Browser) -> None:
    bob = site.member("bob@example.org")
    named = forge(site, bob.pocket()[ACCESS], sid=ada.session()["sid"], jti="made up", link=None)
    assert site.thief({ACCESS: named}).is_signed_in()
    made_up = forge(site, bob.pocket()[ACCESS], sub="anyone", sid="nobody's", jti="made up as well", link=None)
    assert ada.api(made_up).status_code == 200
    assert not site.thief({ACCESS: made_up}).is_signed_in()
    site.run("keys", "rotate", "--at-once")
    site.wait(30)
    assert not site.thief({ACCESS: named}).is_signed_in()
    assert ada.api(made_up).status_code == 401
    assert ada.is_signed_in()
    assert bob.is_signed_in()


def test_the_signing_key_opens_no_page_in_a_session_that_has_ended(site: Site, ada: Browser) -> None:
    token, bob = ada.pocket()[ACCESS], site.member("bob@example.org")
    ada.sign_out()
    with site.app.app_context():
        [(size,)] = site.query("SELECT size FROM log_head")
    honest = forge(site, token, jti="made up", link=None)
    later = forge(site, token, jti="made up", opened=size, link=None)
    for forged in (honest, later):
        assert not site.thief({ACCESS: forged}).is_signed_in()
    assert bob.api(honest).status_code == 401
    assert bob.api(later).status_code == 200, "at the API, the key can claim that the session opened later"


def test_a_copy_of_the_database_signs_no_user_in(site: Site, ada: Browser) -> None:
    found = site.query("SELECT hash, link FROM refresh_tokens") + site.query("SELECT id, user_id FROM sessions")
    found += site.query("SELECT id FROM signing_keys")
    for value in [value for row in found for value in row if value]:
        for text in (value.hex(), value.decode("latin-1")) if isinstance(value, bytes) else (value,):
            for name in (ACCESS, REFRESH):
                thief = site.browser()
                thief.client.set_cookie(name, "".join(letter for letter in text if letter.isalnum() or letter in "-_."))
                assert not thief.is_signed_in()
    assert PASSWORD not in str(site.query("SELECT * FROM users"))
