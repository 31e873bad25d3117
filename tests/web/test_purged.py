"""A request that ends something, whose session is purged between its first look and its transaction, breaks nothing.

A purge removes what ended or timed out long ago. A slow request may have read the row before.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.pool import PoolProxiedConnection

from app.store.db import db
from app.web.sign_out import receipt
from tests.browsers import ACCESS, RECEIPT, REFRESH, Browser, Site
from tests.oauth.conftest import App, register, register_app
from tests.oauth.flow import Flow

pytestmark = pytest.mark.page


@pytest.fixture
def ada(site: Site) -> Browser:
    return site.member()


@contextmanager
def purged(site: Site, sid: str, *more: str) -> Iterator[list[str]]:
    """Have the rows of a session removed, and *more*, as the next transaction that writes begins; list that it happened."""
    done: list[str] = []
    store = site.app.extensions["store"]
    begin = store.begin

    def purge(pooled: PoolProxiedConnection, patience: float, *, durable: bool) -> None:
        begin(pooled, patience, durable=durable)
        if not done:
            done.append(sid)
            for table, key in (("refresh_tokens", "session_id"), ("sessions", "id")):
                pooled.cursor().execute(f"DELETE FROM {table} WHERE {key} = '{sid}'")
            for statement in more:
                pooled.cursor().execute(statement)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(store, "begin", purge)
        yield done


def of(site: Site, token: str) -> str:
    found: dict[str, Any] = site.browser().api(token).get_json()
    return str(found["sid"])


@pytest.mark.parametrize("kind", [0, 1], ids=["access token", "refresh token"])
def test_a_token_whose_session_is_purged_meanwhile_is_revoked_like_an_unknown_one(site: Site, kind: int) -> None:
    mail: App = register(site, "Mail")
    tokens = mail.grant()
    with purged(site, of(site, tokens[0])) as done:
        answer = mail.revoke(tokens[kind])
    assert (answer.status_code, answer.get_json(), len(done)) == (200, {}, 1)


@pytest.mark.parametrize("only", [(ACCESS, REFRESH), (ACCESS,), (REFRESH,)], ids=["both", "access", "refresh"])
def test_sign_out_of_a_session_that_is_purged_meanwhile_clears_the_cookies(
    site: Site, ada: Browser, only: tuple[str, ...]
) -> None:
    pocket = ada.pocket()
    ada.forget(*({ACCESS, REFRESH} - set(only)))
    with purged(site, of(site, pocket[ACCESS])) as done:
        answer = ada.sign_out()
    assert (answer.status_code, answer.headers["Location"], len(done)) == (303, "/signed-out", 1)
    assert ada.pocket() == {}
    assert "You are signed out" in ada.get("/signed-out").text


def test_sign_out_of_a_session_that_is_purged_before_its_receipt_is_made_goes_without_one(
    site: Site, ada: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    prove = receipt.prove

    def purge(access: str | None, refresh: str | None) -> list[dict[str, Any]]:
        proofs = prove(access, refresh)
        with db.engine.begin() as connection:
            for table in ("refresh_tokens", "sessions"):
                connection.execute(text(f"DELETE FROM {table}"))
        return proofs

    monkeypatch.setattr(receipt, "prove", purge)
    answer = ada.sign_out()
    assert (answer.status_code, answer.headers["Location"]) == (303, "/signed-out")
    assert (ada.pocket(), ada.cookie(RECEIPT)) == ({}, None)


def test_a_refresh_of_a_session_that_is_purged_meanwhile_signs_no_user_in(site: Site, ada: Browser) -> None:
    sid = of(site, ada.pocket()[ACCESS])
    ada.forget(ACCESS)
    with purged(site, sid) as done:
        answer = ada.get("/account")
    assert (answer.status_code, answer.headers["Location"], len(done)) == (303, "/sign-in?next=/account", 1)


def test_a_sign_in_over_a_session_that_is_purged_meanwhile_succeeds(site: Site, ada: Browser) -> None:
    with purged(site, of(site, ada.pocket()[ACCESS])) as done:
        assert ada.sign_in().status_code == 303
    assert len(done) == 1
    assert ada.is_signed_in()


def test_a_device_that_is_purged_meanwhile_is_not_there_to_be_ended(site: Site, ada: Browser) -> None:
    phone = site.browser("Chrome on Android")
    phone.sign_in()
    sid = phone.session()["sid"]
    assert ada.is_signed_in()
    with purged(site, sid) as done:
        assert ada.post(f"/devices/{sid}/end").status_code == 303
    assert len(done) == 1


@pytest.mark.parametrize("path", ["/devices/end-others", "/devices/end-all", "/account/password"])
def test_a_session_that_is_purged_meanwhile_is_asked_to_sign_in(site: Site, ada: Browser, path: str) -> None:
    form = {"current": "plenty of violet otters", "password": "another violet otter", "end_others": "y"}
    with purged(site, of(site, ada.pocket()[ACCESS])) as done:
        answer = ada.post(path, **(form if path == "/account/password" else {}))
    assert (answer.status_code, answer.headers["Location"][:8], len(done)) == (303, "/sign-in", 1)


def test_a_code_that_is_purged_meanwhile_is_no_grant(site: Site, ada: Browser) -> None:
    flow = Flow(register_app(site, "Web"))
    code = flow.allow(ada)
    with purged(site, of(site, ada.pocket()[ACCESS]), "DELETE FROM authorization_codes") as done:
        answer = flow.exchange(code)
    assert (answer.status_code, answer.get_json()["error"], len(done)) == (400, "invalid_grant", 1)
