"""Apps that want to be told when a session is over."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import jwt
import pytest

from tests.browsers import SITE_URL, Browser, Site
from tests.oauth.conftest import App, register_app
from tests.oauth.flow import Flow
from tests.oauth.logout.sink import Received, Sink
from tests.server import Server


@dataclass(frozen=True)
class Grant:
    """What an app got from one browser. *sid*: its own session."""

    sid: str
    access: str
    refresh: str
    id_token: str


@dataclass
class Party:
    """An app, with the place where it is told."""

    app: App
    sink: Sink

    def connect(self, browser: Browser, *, offline: bool = False) -> Grant:
        """Have the person of *browser* sign in to it."""
        tokens = Flow(self.app, scope="openid profile offline_access" if offline else "openid profile").connect(browser)
        sid = jwt.decode(tokens["id_token"], options={"verify_signature": False})["sid"]
        return Grant(sid, tokens["access_token"], tokens["refresh_token"], tokens["id_token"])

    def told(self) -> list[Received]:
        """Have due messages delivered; return what it was told so far."""
        self.app.site.deliver()
        return self.sink.received


def party(site: Site, name: str, sink: Sink) -> Party:
    return Party(register_app(site, name, backchannel_logout_uri=sink.uri, may_be_private=True), sink)


@pytest.fixture
def server(instance: Path) -> Iterator[Server]:
    running = Server(instance, WORKERS="2", SITE_URL=SITE_URL)
    yield running
    running.stop()


@pytest.fixture
def mail(site: Site) -> Iterator[Party]:
    sink = Sink()
    yield party(site, "Mail", sink)
    sink.down()


@pytest.fixture
def notes(site: Site) -> Iterator[Party]:
    sink = Sink()
    yield party(site, "Notes", sink)
    sink.down()


@pytest.fixture
def ada(site: Site) -> Browser:
    return site.member()
