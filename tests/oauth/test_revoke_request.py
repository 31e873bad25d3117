"""A revocation request: which clients may send it, in which form, and what the answer gives away."""

import json
import logging
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine, event

from app.oauth import metadata
from tests.browsers import REFRESH, SITE_URL, Site
from tests.oauth.conftest import App, alive, basic, register

pytestmark = pytest.mark.page

TLS = "https://auth.example.org"


@pytest.fixture
def behind_tls(instance: Path) -> Iterator[App]:
    """A client of a site that is reached by https, through one proxy."""
    site = Site(instance, SITE_URL=TLS, TEST_CONTROLS="0")
    yield register(site, "Mail")
    site.close()


def test_rev_04_08_a_missing_or_empty_token_is_an_invalid_request(mail: App) -> None:
    for answer in (mail.post("/oauth/revoke"), mail.post("/oauth/revoke", token="")):
        assert (answer.status_code, answer.get_json()["error"]) == (400, "invalid_request")


def test_rev_04_tok_09_a_repeated_parameter_is_an_invalid_request_and_ends_nothing(mail: App) -> None:
    access, refresh = mail.grant()
    answer = mail.site.app.test_client().post(
        "/oauth/revoke",
        base_url=SITE_URL,
        data=f"token={refresh}&token=x",
        content_type="application/x-www-form-urlencoded",
        headers={"Authorization": basic(mail.id, mail.secret or "")},
    )
    assert (answer.status_code, answer.get_json()["error"]) == (400, "invalid_request")
    assert alive(mail, access)


def test_rev_08_a_token_in_the_query_or_in_json_is_not_looked_at(mail: App) -> None:
    access, refresh = mail.grant()
    assert mail.post(f"/oauth/revoke?token={refresh}").status_code == 400
    answer = mail.site.app.test_client().post(
        "/oauth/revoke",
        base_url=SITE_URL,
        json={"token": refresh},
        headers={"Authorization": basic(mail.id, mail.secret or "")},
    )
    assert answer.status_code == 400
    assert alive(mail, access)


@pytest.mark.parametrize("method", ["GET", "PUT", "PATCH", "DELETE"])
def test_rev_03_28_only_post_revokes(mail: App, method: str) -> None:
    access, refresh = mail.grant()
    answer = mail.site.app.test_client().open(
        f"/oauth/revoke?token={refresh}&callback=run", method=method, base_url=SITE_URL
    )
    assert answer.status_code == 405
    assert "POST" in answer.headers["Allow"]
    assert answer.mimetype == "application/json"
    assert alive(mail, access)


def test_the_sites_own_cookies_mean_nothing_here(site: Site, mail: App) -> None:
    ada = site.member()
    answer = ada.post("/oauth/revoke", token=ada.pocket()[REFRESH])
    assert answer.status_code == 401
    assert ada.is_signed_in()


def test_rev_04_unknown_parameters_are_ignored(mail: App) -> None:
    access, refresh = mail.grant()
    assert mail.revoke(refresh, foo="bar", callback="run").data == b"{}"
    assert not alive(mail, access)


def test_rev_05_06_what_is_published_is_https_and_browsers_are_told_to_stay_there(behind_tls: App) -> None:
    answer = behind_tls.site.app.test_client().get("/.well-known/oauth-authorization-server", base_url=TLS)
    published = [url for name, url in answer.get_json().items() if name.endswith(("_endpoint", "_uri", "issuer"))]
    assert len(published) >= 4
    assert all(url.startswith("https://auth.example.org") and "#" not in url for url in published)
    assert "max-age" in answer.headers["Strict-Transport-Security"]


def test_rev_07_a_token_that_was_sent_in_the_clear_is_ended_all_the_same(behind_tls: App) -> None:
    access, refresh = behind_tls.grant()
    assert alive(behind_tls, access)
    answer = behind_tls.site.app.test_client().post(
        "/oauth/revoke",
        base_url=TLS.replace("https", "http"),
        data={"token": refresh},
        headers={"Authorization": basic(behind_tls.id, behind_tls.secret or "")},
    )
    assert answer.status_code == 200
    assert not alive(behind_tls, access)


def test_rev_24_every_answer_is_json_and_no_cache_keeps_it(mail: App) -> None:
    nobody = App(mail.site, "nobody", None)
    for answer in (mail.revoke("x"), mail.post("/oauth/revoke"), nobody.revoke("x")):
        assert answer.mimetype == "application/json"
        assert answer.headers["Cache-Control"] == "no-store"
        assert answer.status_code == 200 or set(answer.get_json()) <= {"error", "error_description"}


def test_rev_27_no_page_of_another_site_may_read_an_answer(mail: App) -> None:
    for method in ("POST", "OPTIONS"):
        answer = mail.site.app.test_client().open(
            "/oauth/revoke", method=method, base_url=SITE_URL, headers={"Origin": "https://evil.example"}
        )
        assert not [name for name, _ in answer.headers if name.lower().startswith("access-control-")]


def test_rev_29_too_much_is_refused_unread(mail: App) -> None:
    answer = mail.revoke("x" * 2**20)
    assert (answer.status_code, answer.get_json()["error"]) == (413, "invalid_request")


@pytest.mark.parametrize("kind", ["an access token", "a refresh token", "nonsense"])
def test_rev_29_a_hint_costs_no_further_look(mail: App, kind: str) -> None:
    counts = set()
    for hint in ("", "access_token", "refresh_token", "foobar"):
        access, refresh = mail.grant()
        token = {"an access token": access, "a refresh token": refresh}.get(kind, "nonsense")
        looks: list[str] = []

        def note(*found: object, looks: list[str] = looks) -> None:
            looks.append(str(found[2]))

        event.listen(Engine, "before_cursor_execute", note)
        mail.revoke(token, token_type_hint=hint)
        event.remove(Engine, "before_cursor_execute", note)
        counts.add(len(looks))
    assert len(counts) == 1


def test_rev_31_our_own_client_asks_the_metadata_of_the_issuer_where_to_go(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    described = metadata.describe
    monkeypatch.setattr(
        metadata, "describe", lambda: described() | {"revocation_endpoint": f"{SITE_URL}/oauth/elsewhere"}
    )
    ada = site.member()
    assert ada.sign_out().status_code == 503, "the place it was told does not answer, so nothing is claimed"


@pytest.mark.parametrize("is_chunked", [True, False], ids=["chunked", "with its length"])
def test_rev_29_a_token_in_a_body_that_is_too_large_lives_on(mail: App, is_chunked: bool) -> None:
    access, refresh = mail.grant()
    body = f"token={refresh}&client_id={mail.id}&client_secret={mail.secret}&padding=".encode().ljust(70_000, b"x")
    answer = mail.site.browser().send("/oauth/revoke", body, is_chunked=is_chunked)
    assert answer.status_code == 413
    assert answer.get_json() == {"error": "invalid_request"}
    assert mail.site.browser().api(access).status_code == 200
    assert mail.refresh(refresh).status_code == 200


def test_an_app_that_revokes_one_access_token_is_one_line(mail: App, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "signed_out.security")
    access, _ = mail.grant()
    mail.revoke(access)
    mail.revoke(access)
    said = [json.loads(record.message) for record in caplog.records if record.name == "signed_out.security"]
    [line] = [line for line in said if line["event"] == "token_revoked"]
    assert line["client"] == mail.id
    assert access not in caplog.text
