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

from app.relying_party import demo
from app.relying_party.__main__ import main
from tests.backings import free_port
from tests.browsers import Site
from tests.relying_party.conftest import PATIENCE, until
from tests.server import PROJECT


@pytest.mark.sqlite
def test_the_command_gives_way_to_a_process_without_our_secrets(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    started: list[tuple[list[str], dict[str, str]]] = []
    monkeypatch.setattr(os, "execve", lambda _program, words, environ: started.append((words, environ)))
    for name in ("SECRET_KEY", "DATABASE_URL", "REDIS_URL"):
        monkeypatch.setenv(name, "hidden")
    words = ["relying-party", "--issuer", "http://localhost:8000", "--delivery", "push", "--port", "8001"]
    assert site.app.test_cli_runner().invoke(args=words, catch_exceptions=False).exit_code == 0
    ((command, environ),) = started
    assert command == [sys.executable, "-m", "app.relying_party", *words[1:]]
    assert "hidden" not in environ.values()


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["--issuer", "localhost"], "scheme and host only"),
        (["--issuer", "http://localhost:8000/path"], "scheme and host only"),
        (["--delivery", "pigeon"], "'pigeon' is not one of"),
        (["--port", "TAKEN"], "Nobody can listen on 127.0.0.1"),
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
            running.send_signal(signal.SIGINT)
            running.wait(timeout=30)
        finally:
            running.terminate()  # if it has not stopped: nobody else would end it
        deadline = time.monotonic() + PATIENCE
        while any(_answers(address) for address in addresses):
            assert time.monotonic() < deadline


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
    assert "<code>make demo</code>" in page
