"""Headers, cross-origin writes, and errors that help."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from app.store.db import StoreUnavailable, db
from app.web import session_list
from tests.browsers import SITE_URL, Browser, Site
from tests.pages import SLOW, SOONER, pages

PAGES = [
    "/",
    "/sign-in",
    "/sign-up",
    "/sign-up/passkey",
    "/sign-out",
    "/signed-out",
    "/account",
    "/account/password",
    "/account/authenticator",
    "/account/authenticator/remove",
    "/account/passkeys",
    "/account/passkeys/add",
    "/account/data",
    "/account/export",
    "/devices",
    "/devices/ended",
    "/activity",
    "/confirm",
    "/nowhere",
]


@pytest.fixture
def ada(site: Site) -> Browser:
    return site.member()


@pytest.fixture(scope="module")
def reader(shared_instance: Path) -> Iterator[Browser]:
    """A browser that stays signed in, during all attempts."""
    opened = Site(shared_instance)
    yield opened.member()
    opened.close()


FILES = ["/static/icon.svg", "/static/js/live.js", "/api/me", "/oauth/jwks", "/oauth/nowhere", "/live", "/healthz"]


@pytest.mark.page
@pytest.mark.parametrize("path", PAGES + FILES)
def test_every_answer_has_a_policy(reader: Browser, path: str) -> None:
    headers = reader.get(path).headers
    policy = headers["Content-Security-Policy"]
    for part in ("object-src 'none'", "base-uri 'none'", "frame-ancestors 'none'"):
        assert part in policy
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert "Access-Control-Allow-Origin" not in headers


def test_every_page_answers_head_as_it_answers_get(site: Site, ada: Browser) -> None:
    """Such a request passes as safe from every origin (RFC 9110, section 9.3.2)."""
    for who in (site.browser(), ada):
        for path in pages(site.app):
            head, get = (ask(path.replace(SLOW, SOONER)) for ask in (who.head, who.get))
            assert (head.status_code, head.location) == (get.status_code, get.location), path
            assert head.text == ""


def test_an_offer_to_upgrade_the_connection_is_ignored(ada: Browser) -> None:
    """RFC 9110, section 7.8."""
    assert ada.get("/account", Connection="Upgrade", Upgrade="websocket").status_code == 200


@pytest.mark.page
@pytest.mark.parametrize("path", PAGES)
def test_out_03_aut_06_every_page_has_the_careful_headers(reader: Browser, path: str) -> None:
    headers = reader.get(path).headers
    policy = headers["Content-Security-Policy"]
    for part in ("default-src 'none'", "frame-ancestors 'none'", "base-uri 'none'", "form-action 'self'"):
        assert part in policy
    assert "unsafe" not in policy
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"] == "same-origin"
    assert headers["Cross-Origin-Opener-Policy"] == "same-origin"
    assert headers["Cache-Control"] == "no-store"
    assert "Strict-Transport-Security" not in headers


def test_out_06_sign_out_is_on_every_page_that_can_be_reached(ada: Browser) -> None:
    seen: set[str] = set()
    to_see = ["/"]
    while to_see:
        path = to_see.pop()
        seen.add(path)
        answer = ada.get(SOONER if path == SLOW else path)
        if answer.mimetype == "text/html" and answer.status_code == 200:
            assert '<form action="/sign-out" method="post"' in answer.text, path
            links = re.findall(r'<a [^>]*href="(/[^"#]*)', answer.text)
            to_see += [link for link in links if link not in seen and link not in to_see]
    assert {"/", "/account", "/account/password", "/account/authenticator", "/devices", "/activity"} <= seen


@pytest.mark.page
@pytest.mark.parametrize("path", PAGES)
def test_no_page_has_anything_inline_or_from_elsewhere(reader: Browser, path: str) -> None:
    page = reader.get(path).text
    for bad in ("<style", " style=", " onclick", "javascript:", 'src="http', 'href="http'):
        assert bad not in page


def test_over_https_browsers_are_told_to_stay_there(instance: object, site: Site) -> None:
    secure = Site(site.folder, SITE_URL="https://signed-out.example", TEST_CONTROLS="0")
    answer = secure.app.test_client().get("/", base_url="https://signed-out.example")
    assert "max-age=63072000" in answer.headers["Strict-Transport-Security"]
    secure.close()


@pytest.mark.parametrize("path", ["/", "/healthz", "/nowhere"])
def test_on_this_machine_they_are_not_as_its_other_servers_would_be_shut_out(site: Site, path: str) -> None:
    local = Site(site.folder, SITE_URL="https://localhost:8000")
    assert (
        "Strict-Transport-Security" not in local.app.test_client().get(path, base_url="https://localhost:8000").headers
    )
    local.close()


@pytest.mark.page
@pytest.mark.parametrize(
    "headers",
    [
        {"Sec-Fetch-Site": "cross-site", "Origin": SITE_URL},
        {"Sec-Fetch-Site": "same-site", "Origin": SITE_URL},
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://localhost:8001"},
        {"Origin": "https://localhost:8000"},
    ],
    ids=str,
)
@pytest.mark.parametrize(
    "path",
    [
        "/sign-in",
        "/sign-in/code",
        "/sign-in/passkey",
        "/sign-up/passkey",
        "/passkeys/ask/sign-in",
        "/account/passkeys/add",
        "/account/passkeys/x/remove",
        "/sign-up",
        "/sign-out",
        "/devices/end-all",
        "/account/password",
        "/account/authenticator",
        "/account/authenticator/remove",
        "/account/recovery-codes",
        "/account/delete",
        "/confirm",
    ],
)
def test_rt_14_a_write_that_comes_from_elsewhere_is_refused(
    reader: Browser, path: str, headers: dict[str, str]
) -> None:
    assert reader.post(path, headers).status_code == 403
    assert reader.is_signed_in()


@pytest.mark.parametrize(
    "headers", [{"Sec-Fetch-Site": "same-origin"}, {"Sec-Fetch-Site": "none"}, {"Origin": SITE_URL}], ids=str
)
def test_a_write_from_here_is_not(ada: Browser, headers: dict[str, str]) -> None:
    assert ada.post("/sign-out", headers).status_code == 303


def test_errors_speak_json_to_machines_and_words_to_people(ada: Browser) -> None:
    assert ada.get("/nowhere").status_code == 404
    assert ada.get("/nowhere").mimetype == "text/html"
    assert ada.get("/nowhere", Accept="application/json").get_json() == {"error": "not_found"}
    assert ada.get("/oauth/nowhere").get_json() == {"error": "not_found"}


@pytest.mark.parametrize(
    "path", ["/live", "/healthz", "/readyz", "/metrics", "/openapi.json", "/oauth/revoke", "/api/me", "/log/checkpoint"]
)
def test_an_endpoint_for_programs_answers_an_error_in_json(ada: Browser, path: str) -> None:
    answer = ada.client.delete(path)
    assert (answer.status_code, answer.get_json()) == (405, {"error": "invalid_request"})


@pytest.mark.parametrize("path", ["/oauth/authorize", "/oauth/end-session", "/sign-out"])
def test_a_page_for_people_answers_an_error_as_a_page(ada: Browser, path: str) -> None:
    answer = ada.client.delete(path)
    assert (answer.status_code, answer.mimetype) == (405, "text/html")


def test_too_large_a_body_is_refused(ada: Browser) -> None:
    assert ada.post("/sign-in", email="a" * 100_000).status_code == 413


def test_a_wrong_method_names_the_right_ones(ada: Browser) -> None:
    answer = ada.get("/devices/end-all")
    assert answer.status_code == 405
    assert "POST" in answer.headers["Allow"]


def test_our_mistake_is_said_plainly_and_shows_no_inside(
    site: Site, ada: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError("an inner secret")

    monkeypatch.setattr(session_list, "build", broken)
    answer = ada.get("/devices")
    assert answer.status_code == 500
    assert "an inner secret" not in answer.text
    monkeypatch.undo()
    assert ada.is_signed_in()


@pytest.mark.sqlite
def test_a_database_that_is_gone_is_503_and_never_a_guess(site: Site, ada: Browser) -> None:
    database = site.folder / "signed-out.db"
    database.rename(site.folder / "elsewhere.db")
    token = ada.pocket()["__Host-Http-access"]
    for answer in (ada.get("/account"), ada.api(token)):
        assert answer.status_code == 503
        assert int(answer.headers["Retry-After"]) > 0
    (site.folder / "elsewhere.db").rename(database)
    assert ada.is_signed_in()


@pytest.mark.sqlite
@pytest.mark.parametrize("lost", [(), ("__Host-Http-access",)], ids=str)
def test_without_a_database_too_an_error_says_what_it_is(site: Site, ada: Browser, lost: tuple[str, ...]) -> None:
    ada.forget(*lost)
    (site.folder / "signed-out.db").rename(site.folder / "elsewhere.db")
    for answer, code in (
        (ada.get("/nowhere"), 404),
        (ada.get("/nowhere", Accept="application/json"), 404),
        (ada.get("/devices/end-all"), 405),
        (ada.post("/sign-out", {"Sec-Fetch-Site": "cross-site"}), 403),
        (ada.post("/sign-in", email="a" * 100_000), 413),
    ):
        assert answer.status_code == code
        assert "Something broke" not in answer.text


@pytest.mark.stores("what its driver says")
def test_an_error_of_the_database_does_not_tell_what_was_to_be_stored(site: Site) -> None:
    twice = {"id": "x", "email": "ada@example.org", "name": "Ada", "hash": "a hash"}
    insert = text(
        "INSERT INTO users (id, email, name, password_hash, password_version, created_at)"
        " VALUES (:id, :email, :name, :hash, 1, 1)"
    )
    with site.app.app_context():
        db.session.execute(insert, twice)
        with pytest.raises(IntegrityError) as problem:
            db.session.execute(insert, twice)
    assert "a hash" not in str(problem.value)


def test_a_page_that_breaks_after_a_refresh_still_hands_back_the_new_tokens(site: Site, ada: Browser) -> None:
    ada.forget("__Host-Http-access")
    assert ada.get("/nowhere").status_code == 404
    site.wait(60)
    assert ada.is_signed_in()


def test_a_page_that_breaks_by_our_mistake_still_hands_back_the_new_tokens(
    site: Site, ada: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise StoreUnavailable

    ada.forget("__Host-Http-access")
    before = ada.pocket()
    monkeypatch.setattr(session_list, "build", broken)
    answer = ada.get("/devices")
    assert answer.status_code == 503
    assert "Ada" not in answer.text
    assert ada.pocket() != before
    monkeypatch.undo()
    site.wait(60)
    assert ada.is_signed_in()


def test_the_address_behind_a_trusted_proxy_is_believed_and_otherwise_not(site: Site) -> None:
    ada = site.browser()
    ada.post(
        "/sign-up", {"X-Forwarded-For": "198.51.100.9"}, name="Ada", email="a@example.org", password="violet otters"
    )
    assert ada.session()["address"] == "127.0.0.1"
    behind = Site(site.folder, TRUSTED_PROXIES="1")
    bob = behind.browser()
    bob.post(
        "/sign-up",
        {"X-Forwarded-For": "6.6.6.6, 198.51.100.9"},
        name="B",
        email="b@example.org",
        password="violet otters",
    )
    assert bob.session()["address"] == "198.51.100.9"
    behind.close()


def test_with_insecure_cookies_every_page_says_so(site: Site) -> None:
    plain = Site(site.folder, SITE_URL="http://192.0.2.1:8000", INSECURE_COOKIES="1", TEST_CONTROLS="0")
    client = plain.app.test_client()
    form = {"name": "Ada", "email": "ada@example.org", "password": "violet otters"}
    answer = client.post("/sign-up", data=form, base_url="http://192.0.2.1:8000")
    lines = answer.headers.getlist("Set-Cookie")
    assert [line.partition("=")[0] for line in lines] == ["access", "refresh", "mail"]
    assert all("Secure" not in line and "HttpOnly" in line for line in lines)
    for path in ("/", "/devices", "/nowhere"):
        assert "not protected" in client.get(path, base_url="http://192.0.2.1:8000").text
    plain.close()
