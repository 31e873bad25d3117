"""A site that demands all that it can of every app, and clients by other authors: they do it, and get in."""

from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

from tests.clients.conftest import CALLBACK, register
from tests.clients.library import App, Refused
from tests.clients.node_app import Node, OAuth4WebAPI, OpenidClient
from tests.clients.person import Person
from tests.oauth.keyed import Signer, key_file
from tests.server import Server

pytestmark = [pytest.mark.server, pytest.mark.page]
LIBRARIES: dict[str, Callable[..., Node]] = {"openid-client": OpenidClient, "oauth4webapi": OAuth4WebAPI}


@pytest.fixture(scope="module")
def server(shared_instance: Path) -> Iterator[Server]:
    running = Server(shared_instance, WORKERS="2", OAUTH_PROFILE="fapi2")
    yield running
    running.stop()


@pytest.fixture(scope="module")
def old() -> Signer:
    return Signer(kid="old")


@pytest.fixture(scope="module")
def app(server: Server, old: Signer, tmp_path_factory: pytest.TempPathFactory) -> App:
    return register(server, "--jwks", key_file(tmp_path_factory.mktemp("keys"), old.public))


@pytest.fixture(params=LIBRARIES)
def open_app(request: pytest.FixtureRequest, app: App) -> Iterator[Callable[[Signer], Node]]:
    opened: list[Node] = []

    def open_one(key: Signer) -> Node:
        opened.append(LIBRARIES[request.param](app, has_key=True, jwk=key.secret))
        return opened[-1]

    yield open_one
    for each in opened:
        each.close()


def test_from_the_pushed_request_to_the_end_with_a_key_in_place_of_a_secret(
    open_app: Callable[[Signer], Node], old: Signer, app: App, person: Person
) -> None:
    library = open_app(old)
    address = library.ask()
    assert set(parse_qs(urlsplit(address).query)) == {"client_id", "request_uri"}
    callback = person.decide(address)
    assert callback.startswith(CALLBACK)
    claims = library.arrive(callback)
    assert (claims["iss"], claims["sub"], claims["aud"]) == (app.issuer, person.id, app.id)
    for _ in range(2):
        assert (library.userinfo()["sub"], library.call_api()) == (person.id, 200)
        assert library.is_active()
        library.refresh()
    library.revoke()
    assert library.call_api() == 401
    with pytest.raises(Refused, match="invalid_grant"):
        library.refresh()


def test_with_another_key_it_is_not_the_app(open_app: Callable[[Signer], Node]) -> None:
    with pytest.raises(Refused, match="invalid_client"):
        open_app(Signer()).ask()


def test_an_app_changes_its_key_without_a_pause(
    open_app: Callable[[Signer], Node], server: Server, old: Signer, app: App, person: Person, tmp_path: Path
) -> None:
    new = Signer(kid="new")
    before, after = open_app(old), open_app(new)
    before.arrive(person.decide(before.ask()))
    server.run("clients", "change", app.id, "--jwks", key_file(tmp_path, old.public, new.public))
    before.refresh()
    after.arrive(person.decide(after.ask()))
    after.refresh()
    server.run("clients", "change", app.id, "--jwks", key_file(tmp_path, new.public))
    with pytest.raises(Refused, match="invalid_client"):
        before.refresh()
    after.refresh()
    server.run("clients", "change", app.id, "--jwks", key_file(tmp_path, old.public))
