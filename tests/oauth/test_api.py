"""`GET /api/me` answers a good token and refuses in the words of RFC 6750."""

import pytest

from tests.browsers import ACCESS, SITE_URL, Site

pytestmark = pytest.mark.page


def ask(site: Site, **headers: str) -> tuple[int, str]:
    answer = site.app.test_client().get("/api/me", base_url=SITE_URL, headers=headers)
    return answer.status_code, answer.headers.get("WWW-Authenticate", "")


def test_ber_02_03_without_a_token_the_challenge_names_no_error(site: Site) -> None:
    assert ask(site) == (401, 'Bearer realm="api"')


@pytest.mark.parametrize("token", ["", "x", "a.b.c", "\u00e9"])
def test_ber_04_a_malformed_token_is_invalid(site: Site, token: str) -> None:
    status, challenge = ask(site, Authorization=f"Bearer {token}")
    assert status == 401
    assert challenge.startswith('Bearer realm="api"')
    assert ("error=" in challenge) == bool(token)


def test_ber_01_the_scheme_may_be_written_in_any_case(site: Site) -> None:
    token = site.member().pocket()[ACCESS]
    assert ask(site, Authorization=f"bearer {token}")[0] == 200
    assert ask(site, Authorization=f"Basic {token}")[0] == 401


def test_ber_05_a_token_in_the_query_or_in_a_cookie_is_not_looked_at(site: Site) -> None:
    ada = site.member()
    assert ada.get("/api/me").status_code == 401
    assert ada.get(f"/api/me?access_token={ada.pocket()[ACCESS]}").status_code == 401


def test_ber_04_a_revoked_token_and_an_unknown_one_get_the_same_answer(site: Site) -> None:
    ada = site.member()
    token = ada.pocket()[ACCESS]
    ada.sign_out()
    revoked, unknown = ada.api(token), ada.api("x")
    assert (revoked.status_code, revoked.data) == (unknown.status_code, unknown.data)
    assert revoked.headers["WWW-Authenticate"] == unknown.headers["WWW-Authenticate"]


def test_ber_06_a_token_is_sent_in_one_way_only(site: Site) -> None:
    ada = site.member()
    token = ada.pocket()[ACCESS]
    twice = ada.get(f"/api/me?access_token={token}", Authorization=f"Bearer {token}")
    assert twice.status_code == 400
    assert 'error="invalid_request"' in twice.headers["WWW-Authenticate"]


@pytest.mark.parametrize(("path", "method"), [("/api/me", "POST"), ("/oauth/jwks", "POST"), ("/log/tile/9/000", "GET")])
def test_an_endpoint_for_machines_uses_no_cookie_for_an_error_either(site: Site, path: str, method: str) -> None:
    ada = site.member()
    site.wait(301)  # the access token has expired: a page would renew it
    before = site.query("SELECT hash, used_at, seen_at FROM refresh_tokens")
    answer = ada.post(path) if method == "POST" else ada.get(path)
    assert (answer.status_code, answer.headers.getlist("Set-Cookie")) in [(405, []), (404, [])]
    assert answer.is_json
    assert site.query("SELECT hash, used_at, seen_at FROM refresh_tokens") == before
    assert ada.is_signed_in()
    assert site.query("SELECT hash, used_at, seen_at FROM refresh_tokens") != before, "a page renews it"


def test_the_api_answers_for_a_token_until_it_is_over(site: Site) -> None:
    ada, bea = site.member(), site.member("bea@example.org")
    tokens = [person.pocket()[ACCESS] for person in (ada, bea)]
    said = [ada.api(token).get_json() for token in tokens]
    assert [ada.api(token).get_json() for token in tokens] == said
    assert said[0]["sub"] != said[1]["sub"]
    bea.sign_out()
    assert [ada.api(token).status_code for token in tokens] == [200, 401]
