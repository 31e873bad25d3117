"""Apps that stand on libraries not written here, on a real server, and people who let them in."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from uuid import uuid4

import pytest

from tests.clients.authlib_app import Authlib
from tests.clients.library import App, Library
from tests.clients.node_app import OAuth4WebAPI, OpenidClient
from tests.clients.person import Person
from tests.clients.requests_oauthlib_app import RequestsOAuthlib
from tests.server import Server

CALLBACK = "http://127.0.0.1/callback"  # no program listens there: the test hands the address over
LIBRARIES: dict[str, Callable[[App], Library]] = {
    "Authlib": Authlib,
    "requests-oauthlib": RequestsOAuthlib,
    "openid-client": OpenidClient,
    "oauth4webapi": OAuth4WebAPI,
}


def register(server: Server, *more: str, redirect_uri: str = CALLBACK) -> App:
    """Register an app as an operator does, with *more* words on the command line."""
    about = "--redirect-uri", redirect_uri, "--scope", "openid profile email offline_access"
    said = json.loads(server.run("clients", "add", "Calendar", *about, "--json", *more))
    return App(server.url, said["client_id"], said.get("client_secret"), redirect_uri)


@pytest.fixture(scope="module")
def server(shared_instance: Path) -> Iterator[Server]:
    """Two worker processes. Tests of one module share it, each with its own users."""
    running = Server(shared_instance, WORKERS="2")
    yield running
    running.stop()


@pytest.fixture(scope="module", params=[[], ["--public"]], ids=["with a secret", "public"])
def app(request: pytest.FixtureRequest, server: Server) -> App:
    return register(server, *request.param)


@pytest.fixture(params=LIBRARIES)
def library(request: pytest.FixtureRequest, app: App, monkeypatch: pytest.MonkeyPatch) -> Iterator[Library]:
    monkeypatch.setenv("OAUTHLIB_INSECURE_TRANSPORT", "1")  # its switch for http, which others have in their calls
    opened = LIBRARIES[request.param](app)
    yield opened
    opened.close()


@pytest.fixture
def person(server: Server) -> Iterator[Person]:
    found = Person(server, f"{uuid4()}@example.org")
    yield found
    found.close()


@pytest.fixture
def phone(server: Server, person: Person) -> Iterator[Person]:
    """The same person at another browser."""
    found = Person(server, person.email)
    yield found
    found.close()
