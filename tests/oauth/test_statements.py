"""The exact number of statements of each act of an app, and of its round trips on PostgreSQL."""

from collections.abc import Callable
from dataclasses import dataclass

import pytest
from sqlalchemy import select
from werkzeug.test import TestResponse

from app.identity import refresh_token
from app.identity.chains import RefreshToken
from app.identity.session import Session
from app.oauth import code as codes
from app.oauth.code import Code
from app.store.db import db
from tests import plans
from tests.browsers import Site
from tests.oauth.conftest import App
from tests.oauth.flow import CALLBACK, Flow
from tests.test_statements import as_stored, at_once, check_notices, is_postgresql, noting, steady

SCOPE = "openid offline_access"


@dataclass
class Grant:
    """What an app holds, and a code that it can still exchange."""

    app: App
    flow: Flow
    code: str
    access: str
    refresh: str

    def act(self, name: str) -> TestResponse:
        form = {"code": self.code, "code_verifier": self.flow.verifier, "redirect_uri": CALLBACK}
        acts: dict[str, tuple[str, dict[str, str]]] = {
            "code": ("token", {"grant_type": "authorization_code", **form}),
            "refresh": ("token", {"grant_type": "refresh_token", "refresh_token": self.refresh}),
            "introspect access": ("introspect", {"token": self.access}),
            "introspect refresh": ("introspect", {"token": self.refresh}),
            "introspect unknown": ("introspect", {"token": "x" * 43}),
            "revoke access": ("revoke", {"token": self.access}),
            "revoke refresh": ("revoke", {"token": self.refresh}),
        }
        path, sent = acts[name]
        return self.app.post(f"/oauth/{path}", **sent)


@pytest.fixture
def site(open_site: Callable[..., Site], monkeypatch: pytest.MonkeyPatch) -> Site:
    return steady(open_site, monkeypatch)


@pytest.fixture
def granted(site: Site, web: App) -> Grant:
    ada = site.member()
    given = Flow(web, scope=SCOPE).connect(ada)
    flow = Flow(web, scope=SCOPE)
    site.member("bea@example.org").sign_out()  # which waits until this node, too, has read so far
    return Grant(web, flow, flow.allow(ada), given["access_token"], given["refresh_token"])


@pytest.mark.stores("what is sent as one")
@pytest.mark.parametrize(
    ("act", "statements", "together", "trips"),
    [
        ("code", 9, 8, 10),
        ("refresh", 8, 5, 7),
        ("introspect access", 1, 1, 1),
        ("introspect refresh", 3, 3, 3),
        ("introspect unknown", 3, 3, 3),
        ("revoke access", 7, 6, 8),
        ("revoke refresh", 9, 8, 10),
    ],
)
def test_an_act_of_an_app_sends_no_statement_more(
    site: Site, granted: Grant, act: str, statements: int, together: int, trips: int
) -> None:
    """*together*: on PostgreSQL, which gets some as one. Where an act needs fewer, write down the smaller number."""
    with noting(site) as asked:
        assert granted.act(act).status_code == 200
    check_notices(site, asked, revokes=act.startswith("revoke"))
    expected = (together, trips) if is_postgresql(site) else (statements, 0)
    assert (len(asked.statements), asked.trips) == expected, "\n".join(asked.statements)


@pytest.mark.stores("connections")
@pytest.mark.parametrize(
    "act", ["code", "refresh", "introspect access", "introspect refresh", "revoke access", "revoke refresh"]
)
def test_an_act_of_an_app_takes_one_connection_once(site: Site, granted: Grant, act: str) -> None:
    with at_once(site) as counts:
        assert granted.act(act).status_code == 200
    assert counts == [1]


def test_the_first_code_of_an_app_in_a_browser_costs_no_more_than_its_session(site: Site, web: App) -> None:
    ada = site.member()
    Flow(web, scope="openid").connect(ada)
    flow = Flow(web, scope=SCOPE)
    begins = Grant(web, flow, flow.allow(ada), "", "")
    with noting(site) as asked:
        assert begins.act("code").status_code == 200
    expected = (10, 12) if is_postgresql(site) else (12, 0)
    assert (len(asked.statements), asked.trips) == expected, "\n".join(asked.statements)


@pytest.mark.sqlite
@pytest.mark.parametrize("act", ["code", "refresh", "revoke refresh"])
def test_an_act_of_an_app_looks_at_no_more_sessions_however_many_the_app_has(
    site: Site, granted: Grant, act: str
) -> None:
    with plans.noting(site, "SELECT") as asked:
        assert granted.act(act).status_code == 200
    assert asked
    for statement, plan in plans.explain(site.folder, asked):
        assert not plans.scans(plan), f"{statement}\n{plan}"


def test_no_object_of_a_row_that_an_act_of_an_app_changed_is_older_than_the_row(site: Site, granted: Grant) -> None:
    site.wait(30)
    with site.app.test_request_context("/"):
        (session,) = db.session.scalars(select(Session).where(Session.client_id == granted.app.id))
        held = [*db.session.scalars(select(Code)), *db.session.scalars(select(RefreshToken))]
        told = {"client_id": granted.app.id, "verifier": granted.flow.verifier, "redirect_uri": CALLBACK}
        assert codes.exchange(granted.code, **told)
        assert refresh_token.rotate(granted.refresh, client_id=granted.app.id)
        of_session = "chains", "scope", "last_auth_at", "last_seen_at", "idle_until", "expires_at", "access_until"
        assert as_stored(site, session, *of_session)
        for one in held:
            of_row = ("used_at", "session_id") if isinstance(one, Code) else ("used_at", "successor", "stopped_at")
            assert as_stored(site, one, *of_row)


def test_no_object_of_a_session_that_an_app_ended_is_older_than_the_row(site: Site, granted: Grant) -> None:
    with site.app.test_request_context("/"):
        (session,) = db.session.scalars(select(Session).where(Session.client_id == granted.app.id))
        assert granted.act("revoke refresh").status_code == 200
        db.session.rollback()
        assert as_stored(site, session, "ended_entry")
        assert session.ended_entry
