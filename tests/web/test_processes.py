"""Two worker processes and many requests at once: one successor a round, no one signed out, theft still seen."""

import http.client
import json
import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.browsers import ACCESS, REFRESH, Pocket
from tests.server import Server

pytestmark = pytest.mark.server

ROUNDS = 40 if os.environ.get("LONG") else 4
PARALLEL = 40


@pytest.fixture(scope="module")
def server(shared_instance: Path) -> Iterator[Server]:
    running = Server(shared_instance, WORKERS="2")
    yield running
    running.stop()


def load(server: Server, pocket: Pocket) -> tuple[int, Pocket]:
    """Ask for a page as a browser does, again after each 503: a process that stood still for a second judges no refresh token."""
    for _ in range(100):
        status, given = server.ask("GET", "/account", pocket)
        if status != 503:
            break
        assert given == {}
    return status, given


@pytest.mark.stores("a race")
def test_forty_parallel_requests_with_one_refresh_token_get_one_successor(server: Server) -> None:
    bystander = server.join("bob@example.org")
    pocket = server.join("ada@example.org")
    oldest = pocket[REFRESH]
    with ThreadPoolExecutor(PARALLEL) as tabs:
        for _ in range(ROUNDS):
            only = {REFRESH: pocket[REFRESH]}
            answers = list(tabs.map(lambda only: load(server, only), [only] * PARALLEL))
            assert {status for status, _ in answers} == {200}
            successors = {given[REFRESH] for _, given in answers}
            assert len(successors) == 1
            assert successors != {pocket[REFRESH]}
            pocket = answers[0][1]
    assert server.is_signed_in(pocket)
    assert not server.is_signed_in({REFRESH: oldest})
    assert not server.is_signed_in(pocket)
    assert server.is_signed_in(bystander)


def test_a_sign_out_is_known_to_every_worker_when_its_answer_arrives(server: Server) -> None:
    for number in range(ROUNDS):
        pocket = server.join(f"eve-{number}@example.org")
        assert server.ask("POST", "/sign-out", pocket)[0] == 303
        with ThreadPoolExecutor(8) as thieves:
            tried = [pocket, {ACCESS: pocket[ACCESS]}, {REFRESH: pocket[REFRESH]}, pocket] * 2
            assert not any(thieves.map(lambda copy: server.is_signed_in(copy), tried))


def test_a_session_begun_in_one_worker_is_known_in_all(server: Server) -> None:
    pocket = server.join("carol@example.org")
    with ThreadPoolExecutor(8) as tabs:
        assert all(tabs.map(lambda copy: server.is_signed_in(copy), [pocket] * 32))


def test_a_password_is_kept_as_its_argon2id_hash_at_full_cost(instance: Path) -> None:
    server = Server(instance, anew=True, WORKERS="1")
    server.join("dora@example.org")
    [(stored,)] = server.query("SELECT password_hash FROM users WHERE email = ?", "dora@example.org")
    server.stop()
    assert stored.startswith("$argon2id$v=19$m=47104,t=1,p=1$")


@pytest.mark.parametrize(
    ("path", "headers", "expected"),
    [("/" + "x" * 17_000, {}, 414), ("/", {"X": "x" * 10_000}, 431), ("/sign-in", {"Content-Length": str(2**30)}, 413)],
    ids=["a long address", "a long header", "a body that is said to be long"],
)
def test_a_body_that_is_too_long_is_refused_before_it_is_read(
    server: Server, path: str, headers: dict[str, str], expected: int
) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=60)
    connection.request("POST" if "Content-Length" in headers else "GET", path, headers=headers)
    assert connection.getresponse().status == expected
    connection.close()


def test_the_port_in_use_is_a_clear_message(server: Server, tmp_path: Path) -> None:
    with pytest.raises(RuntimeError, match=rf"^PORT={server.port} cannot be used") as stopped:
        Server(tmp_path / "instance", anew=True, PORT=str(server.port))
    assert str(stopped.value).count("\n") == 1


def test_a_bad_setting_is_one_line_too(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError, match=r"^WORKERS=many") as stopped:
        Server(tmp_path / "instance", WORKERS="many")
    assert str(stopped.value).count("\n") == 1


def test_every_security_event_is_one_json_line_of_its_output(server: Server) -> None:
    pocket = server.join("erin@example.org")
    sid = server.claims(pocket[ACCESS])["sid"]
    server.ask("POST", "/sign-in", {}, email="erin@example.org", password="wrong wrong")
    server.ask("POST", "/sign-out", pocket)
    lines = [json.loads(line) for line in server.output().splitlines() if line.startswith("{")]
    assert [line["event"] for line in lines if line.get("session") == sid] == ["signed_in", "signed_out"]
    assert any(line["event"] == "sign_in_failed" for line in lines)
    for secret in (*pocket.values(), "erin@example.org"):
        assert secret not in server.output()


def test_it_says_where_it_is(server: Server) -> None:
    assert server.output().splitlines()[0] == f"Signed Out is at {server.url}"
