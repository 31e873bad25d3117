"""Clients of the authorization server, and sessions that belong to them."""

from base64 import b64encode
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote_plus

import pytest
from werkzeug.test import TestResponse

from app.identity import passwords, refresh_token, session_row, users
from app.identity.browsers import Browser as Agent
from app.identity.proof import Proof
from app.identity.session import SITE, Session
from app.oauth import clients
from app.store.db import db, writing
from tests.browsers import SITE_URL, Site


@dataclass
class App:
    """A registered client and how it talks to the endpoints."""

    site: Site
    id: str
    secret: str | None

    def post(
        self, path: str, *, auth: str = "basic", headers: dict[str, str] | None = None, **form: str
    ) -> TestResponse:
        sent = dict(headers or {})
        if self.secret is None or auth == "post":
            form = {"client_id": self.id, **form} | ({"client_secret": self.secret} if self.secret else {})
        elif auth == "basic":
            sent["Authorization"] = basic(self.id, self.secret)
        return self.site.app.test_client().post(path, base_url=SITE_URL, data=form, headers=sent)

    def revoke(self, token: str, **more: str) -> TestResponse:
        return self.post("/oauth/revoke", token=token, **more)

    def refresh(self, token: str, **more: str) -> TestResponse:
        return self.post("/oauth/token", grant_type="refresh_token", refresh_token=token, **more)

    def grant(self, scope: str = "profile mail") -> tuple[str, str]:
        """Begin a session of this app for Ada; return its access and refresh token."""
        with self.site.app.test_request_context(base_url=SITE_URL):
            hashed = passwords.hash("x" * 8)
        with self.site.app.test_request_context(base_url=SITE_URL), writing():
            ada = users.find("ada@example.org") or users.sign_up("ada@example.org", "Ada", hashed)
            assert ada is not None
            session = Session.start(ada, Agent("an app", "192.0.2.1"), keep=True)
            session.client_id, session.scope = self.id, scope
            tokens = refresh_token.give(session_row.of(session), scope, Proof(session.last_auth_at, None))
            db.session.flush()
            return tokens.access, tokens.refresh


def basic(name: str, secret: str) -> str:
    return "Basic " + b64encode(f"{quote_plus(name)}:{quote_plus(secret)}".encode()).decode()


def alive(app: App, access: str) -> bool:
    """Whether the API accepts an access token."""
    return app.site.browser().api(access).status_code == 200


def register(site: Site, name: str, *, public: bool = False, scope: str = "profile mail", **more: Any) -> App:
    with site.app.app_context(), writing():
        client, secret = clients.register(name, scope=scope, public=public, **more)
        return App(site, client.id, secret)


def register_app(site: Site, name: str, *, public: bool = False, **more: Any) -> App:
    """An app that people can sign in to."""
    told = {"redirect_uris": ["https://app.example/callback"], "scope": "openid profile email offline_access"}
    return register(site, name, public=public, **(told | more))


@pytest.fixture
def mail(site: Site) -> App:
    """A confidential client."""
    return register(site, "Mail")


@pytest.fixture
def notes(site: Site) -> App:
    """Another confidential client."""
    return register(site, "Notes")


@pytest.fixture
def game(site: Site) -> App:
    """A public client."""
    return register(site, "Game", public=True)


@pytest.fixture
def web(site: Site) -> App:
    """A confidential app that people sign in to."""
    return register_app(site, "Web")


@pytest.fixture
def page_app(site: Site) -> App:
    """A public app that runs in the browser."""
    return register_app(site, "Page", public=True)


@pytest.fixture
def own(site: Site) -> App:
    """The site as a client of itself."""
    with site.app.app_context():
        return App(site, SITE, clients.site_secret())
