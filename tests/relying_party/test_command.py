"""`flask relying-party` and `make demo`: processes that are told an address, and nothing that only the site may know."""

import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import httpx
import pytest
from click.testing import CliRunner

from app.oauth import clients
from app.relying_party import demo
from app.relying_party.__main__ import main
from tests.backings import free_port
from tests.browsers import Site
from tests.forking import PROJECT
from tests.relying_party.conftest import PATIENCE, until

WORDS = ["relying-party", "--issuer", "http://localhost:8000", "--delivery", "push", "--port", "8001"]
Started = list[tuple[list[str], dict[str, str]]]


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> Started:
    """What the command would have become, with its environment."""
    found: Started = []
    monkeypatch.setattr(os, "execve", lambda _program, words, environ: found.append((words, environ)))
    for name in ("SECRET_KEY", "DATABASE_URL", "REDIS_URL"):
        monkeypatch.setenv(name, "hidden")
    return found


def run(site: Site, *words: str) -> None:
    assert site.app.test_cli_runner().invoke(args=[*WORDS, *words], catch_exceptions=False).exit_code == 0


@pytest.mark.sqlite
def test_the_command_gives_way_to_a_process_without_our_secrets(site: Site, started: Started) -> None:
    run(site)
    ((command, environ),) = started
    assert command == [sys.executable, "-m", "app.relying_party", *WORDS[1:]]
    assert "hidden" not in environ.values()


@pytest.mark.sqlite
def test_a_relying_party_of_this_very_site_is_registered_and_its_secret_is_on_no_command_line(
    site: Site, started: Started
) -> None:
    run(site)
    ((command, environ),) = started
    assert environ["CLIENT_SECRET"] not in command
    ((uris, back, told, private),) = site.query(
        "SELECT redirect_uris, post_logout_redirect_uris, backchannel_logout_uri, may_be_private FROM clients WHERE id = :id",
        id=environ["CLIENT_ID"],
    )
    url = "http://127.0.0.1:8001"
    assert (uris, back, told) == (f"{url}/callback", f"{url}/signed-out", f"{url}/backchannel-logout")
    assert private


@pytest.mark.sqlite
def test_started_again_it_keeps_its_id_and_its_old_secret_is_no_longer_good(site: Site, started: Started) -> None:
    run(site)
    run(site, "--delivery", "poll")
    (_, first), (_, second) = started
    assert first["CLIENT_ID"] == second["CLIENT_ID"]
    with site.app.app_context():
        client = clients.find(first["CLIENT_ID"])
        assert client
        assert client.check_client_secret(second["CLIENT_SECRET"])
        assert not client.check_client_secret(first["CLIENT_SECRET"])
        assert client.backchannel_logout_uri is None
    run(site, "--host", "127.0.0.2")
    assert started[-1][1]["CLIENT_ID"] != first["CLIENT_ID"]


@pytest.mark.sqlite
@pytest.mark.parametrize("words", [["--issuer", "http://localhost:9000"], ["--client-id", "x"], ["--help"]])
def test_another_sites_relying_party_is_not_registered_here(site: Site, started: Started, words: list[str]) -> None:
    if words == ["--help"]:
        site.app.test_cli_runner().invoke(args=["relying-party", "--help"])
    else:
        run(site, *words)
    assert "CLIENT_ID" not in started[0][1]
    assert site.query("SELECT count(*) FROM clients") == [(0,)]


@pytest.mark.sqlite
def test_an_id_without_its_secret_is_said_in_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CLIENT_SECRET", raising=False)
    found = CliRunner().invoke(main, [*WORDS[1:], "--client-id", "x"])
    assert found.exit_code != 0
    assert "CLIENT_SECRET is missing" in found.output


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["--issuer", "localhost"], "scheme and host only"),
        (["--issuer", "http://localhost:8000/path"], "scheme and host only"),
        (["--delivery", "pigeon"], "'pigeon' is not one of"),
        (["--port", "TAKEN"], "Cannot listen on 127.0.0.1"),
    ],
)
def test_what_makes_no_sense_is_said_in_one_line(words: list[str], says: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        good = ["--issuer", "http://localhost:8000", "--delivery", "push", "--port", str(free_port())]
        words = [word.replace("TAKEN", str(taken.getsockname()[1])) for word in words]
        found = CliRunner().invoke(main, [*good, *words])
    assert found.exit_code != 0
    assert says in found.output


@pytest.mark.server
def test_the_demo_starts_three_sites_and_stops_them_all(tmp_path: Path) -> None:
    environ = os.environ | {"INSTANCE_PATH": str(tmp_path / "instance"), "PORT": str(free_port()), "WORKERS": "1"}
    command = [sys.executable, "-m", "app.relying_party.demo"]
    with subprocess.Popen(command, cwd=PROJECT, env=environ, stdout=subprocess.PIPE, text=True) as running:
        try:
            assert running.stdout
            lines = sorted(running.stdout.readline().strip() for _ in range(3))
            addresses = [line.rpartition(" ")[2] for line in lines]
            assert [line.partition(" is at ")[0] for line in lines] == [
                "A relying party (poll)",
                "A relying party (push)",
                "Signed Out",
            ]
            assert len({address.rpartition(":")[0] for address in addresses}) == (
                3 if demo._host(1) == "127.0.0.2" else 2
            )
            for address in addresses:
                until(lambda address=address: httpx.get(address).status_code, lambda status: status == 200)  # type: ignore[misc]
            for address in addresses[:2]:
                led = httpx.get(f"{address}/sign-in")
                assert led.headers["Location"].startswith(f"{addresses[2]}/oauth/authorize?")
                assert "Sign in to see that page" in httpx.get(led.headers["Location"], follow_redirects=True).text
            running.send_signal(signal.SIGINT)
            running.wait(timeout=30)
        finally:
            running.terminate()  # if it has not stopped: no other code ends it
        deadline = time.monotonic() + PATIENCE
        while any(_answers(address) for address in addresses):
            assert time.monotonic() < deadline
            time.sleep(0.01)


def _answers(address: str) -> bool:
    host, _, port = address.removeprefix("http://").partition(":")
    try:
        socket.create_connection((host, int(port)), timeout=5).close()
    except OSError:
        return False
    return True


def test_the_lab_says_how_to_start_them_where_none_takes_part(site: Site) -> None:
    browser = site.browser()
    for path in ("sign-in", "copy", "replay"):
        browser.post(f"/lab/{path}")
    page = browser.get("/lab").text
    assert ">make demo</code>" in page
