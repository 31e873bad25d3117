"""Two clients by other authors hold a key and prove it with each request, and a thief has all but the key."""

from collections.abc import Callable, Iterator

import httpx
import pytest

from tests.clients.conftest import register
from tests.clients.library import App, Refused
from tests.clients.node_app import Node, OAuth4WebAPI, OpenidClient
from tests.clients.person import Person
from tests.oauth.proofs import AppKey
from tests.server import Server

pytestmark = [pytest.mark.server, pytest.mark.page]
LIBRARIES: dict[str, Callable[..., Node]] = {"openid-client": OpenidClient, "oauth4webapi": OAuth4WebAPI}


@pytest.fixture(scope="module", params=[[], ["--public"]], ids=["with a secret", "public"])
def app(request: pytest.FixtureRequest, server: Server) -> App:
    return register(server, "--dpop", *request.param)


@pytest.fixture(params=LIBRARIES)
def open_app(request: pytest.FixtureRequest, app: App) -> Iterator[Callable[[], Node]]:
    opened: list[Node] = []

    def open_one() -> Node:
        opened.append(LIBRARIES[request.param](app, has_key=True))
        return opened[-1]

    yield open_one
    for each in opened:
        each.close()


def test_dpop_01_02_03_from_the_code_to_the_end_with_a_key(open_app: Callable[[], Node], person: Person) -> None:
    owner = open_app()
    assert owner.arrive(person.decide(owner.ask()))["sub"] == person.id
    assert owner.copy()["token_type"] == "dpop"
    for _ in range(3):
        assert (owner.userinfo()["sub"], owner.call_api()) == (person.id, 200)
        owner.refresh()
    owner.revoke()
    assert owner.call_api() == 401
    with pytest.raises(Refused, match="invalid_grant"):
        owner.refresh()


def test_dpop_02_the_same_library_with_another_key_gets_nothing_of_it_and_ends_nothing(
    open_app: Callable[[], Node], person: Person, app: App
) -> None:
    owner, thief = open_app(), open_app()
    owner.arrive(person.decide(owner.ask()))
    thief.ask()
    copied = owner.copy()
    thief.steal(copied)
    assert thief.call_api() == 401
    if not app.secret:  # with one, a thief has to prove that too
        with pytest.raises(Refused, match="invalid_grant"):
            thief.refresh()
    as_bearer = httpx.get(f"{app.issuer}/api/me", headers={"Authorization": f"Bearer {copied['access_token']}"})
    assert as_bearer.status_code == 401
    assert owner.call_api() == 200
    owner.refresh()
    assert owner.call_api() == 200


def test_dpop_01_two_headers_are_refused_by_the_real_server_too(
    open_app: Callable[[], Node], person: Person, app: App
) -> None:
    owner, key = open_app(), AppKey()
    owner.arrive(person.decide(owner.ask()))
    access = owner.copy()["access_token"]
    proof = ("DPoP", key.prove("GET", "/api/me", access))
    told = []
    for proofs in ([proof], [proof, proof]):
        answer = httpx.get(f"{app.issuer}/api/me", headers=[("Authorization", f"DPoP {access}"), *proofs])
        told.append((answer.status_code, answer.headers["WWW-Authenticate"].partition("description=")[2]))
    assert [status for status, _ in told] == [401, 401]
    assert told[0][1].startswith('"The proof is for another address (htu)."'), "one header is read"
    assert told[1][1].startswith('"The proof is malformed')
