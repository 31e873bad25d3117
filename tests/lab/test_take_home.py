"""A design is taken home: its file and three more, in an empty folder, without this repository on the path."""

import argparse
import html
import os
import re
import shlex
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from string import Template

import httpx
import pytest

from app.lab import player
from app.lab.home.world import World
from app.lab.player import Act, Design, Story
from tests.backings import free_port, redis_server
from tests.browsers import Site

pytestmark = pytest.mark.sqlite
PATIENCE = 60  # seconds, on a machine that is busy
OUT = Story((Act(0, "sign-in"), Act(0, "copy"), Act(0, "sign-out")))
ALONE = [design for design in player.every() if design.is_alone]


@pytest.fixture(params=ALONE, ids=lambda design: design.slug)
def home(request: pytest.FixtureRequest, site: Site, tmp_path: Path) -> Iterator[httpx.Client]:
    """One design, served by a separate program, out of what its page hands out."""
    design, folder, port = request.param, tmp_path / "home", free_port()
    folder.mkdir()
    browser = site.browser()
    page = browser.get(f"/lab/designs/{design.slug}").text
    for path in re.findall(rf'href="(/lab/designs/{design.slug}/\w+\.py)" download', page):
        answer = browser.get(path)
        assert answer.text.startswith("# MIT licensed")
        (folder / path.rpartition("/")[2]).write_text(answer.text)
    assert len(list(folder.iterdir())) == 4
    environ = {"PATH": os.environ["PATH"], "REDIS_URL": redis_server().url}
    command = [sys.executable, "-s", "serve.py", design.file.stem, str(port)]
    with subprocess.Popen(
        command, cwd=folder, env=environ, stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL
    ) as program:
        with closing(httpx.Client(base_url=f"http://127.0.0.1:{port}", trust_env=False)) as client:
            deadline = time.monotonic() + PATIENCE
            while not answers(client):
                assert program.poll() is None
                assert time.monotonic() < deadline
                time.sleep(0.05)
            yield client
        program.kill()


def answers(client: httpx.Client) -> bool:
    try:
        return client.get("/me").status_code == 401
    except httpx.TransportError:
        return False


def prove(client: httpx.Client, design: Design, token: str) -> dict[str, str]:
    """What the owner's browser sends along with a token, as headers."""
    proof = client.post("/prove", data={"token": token}).text
    sent = re.fullmatch(r'(?:-H "(DPoP): |-b "(bound)=)\$PROOF"|', design.sent)
    assert sent
    assert bool(proof) is bool(design.sent)
    return {"DPoP": proof} if sent[1] else {"Cookie": f"bound={proof}"} if sent[2] else {}


def me(client: httpx.Client, token: str, proof: dict[str, str]) -> int:
    return client.get("/me", headers={"Authorization": f"Bearer {token}"} | proof).status_code


def refresh(client: httpx.Client, token: str, proof: dict[str, str]) -> int:
    return client.post("/refresh", data={"refresh_token": token}, headers=proof).status_code


def curl(client: httpx.Client, command: str, known: dict[str, str]) -> httpx.Response:
    """Do what a shell does with a line of the page. *known*: its variables."""
    options = argparse.ArgumentParser()
    for name, action in {"-d": "store", "-b": "store", "-H": "append", "url": "store"}.items():
        options.add_argument(name, action=action)
    _, *words = shlex.split(Template(command).substitute(known), comments=True)
    asked = options.parse_args(words)
    headers = dict(header.split(": ") for header in asked.H or ()) | ({"Cookie": asked.b} if asked.b else {})
    form = dict([asked.d.split("=")]) if asked.d else None
    path = asked.url.removeprefix("localhost:8080")
    return client.post(path, data=form, headers=headers) if form else client.get(path, headers=headers)


def test_at_home_a_poll_that_fails_is_not_the_last(capsys: pytest.CaptureFixture[str]) -> None:
    polls, later = list[str](), threading.Event()

    def poll() -> None:
        polls.append("poll")
        if len(polls) == 2:
            raise ValueError("a list that makes no sense")
        if len(polls) == 3:
            later.set()
            threading.Event().wait()  # it has shown enough

    World().every(0.001, poll)
    assert later.wait(PATIENCE)
    assert "makes no sense" in capsys.readouterr().err


def test_at_home_it_finds_the_verdict_that_the_lab_shows(home: httpx.Client, request: pytest.FixtureRequest) -> None:
    design = request.node.callspec.params["home"]
    held = home.post("/sign-in", data={"person": "ada"}).json()
    proof = prove(home, design, held["access"])
    assert me(home, held["access"], proof) == 200
    copied = {name: sent for name, sent in proof.items() if name == "Cookie"}
    before = player.play(design, Story(OUT.acts[:2]), 0).present()
    assert me(home, held["access"], copied) == before.status
    other = home.post("/sign-in", data={"person": "ada"}).json()
    if design.sent:
        assert [me(home, held["access"], {}), refresh(home, other["refresh"], {})] == [401, 400], "a token alone"
        assert refresh(home, other["refresh"], prove(home, design, other["refresh"])) == 200
    over = home.post("/sign-out", data={"session": held["session"]})
    assert (over.status_code, bool(over.text)) == ((200, True) if design.slug == "transparency" else (204, False))
    assert me(home, held["access"], copied) == player.play(design, OUT, 0).present().status
    assert refresh(home, held["refresh"], copied) == 400
    for signed in filter(None, (over.text, *copied.values())):  # by the issuer, and no access token
        assert me(home, signed.removeprefix("bound="), copied) == 401
    if design.slug == "transparency":
        receipts = "no head", held["access"], over.text
        assert [me(home, other["access"], {"Receipt": receipt}) for receipt in receipts] == [401, 401, 200]
        assert me(home, other["access"], {}) == 200, "an honest issuer is never accused"


def test_at_home_the_lines_of_its_page_end_with_the_verdict_that_the_lab_shows(
    home: httpx.Client, site: Site, request: pytest.FixtureRequest
) -> None:
    design, known, statuses = request.node.callspec.params["home"], dict[str, str](), list[int]()
    page = site.browser().get(f"/lab/designs/{design.slug}").text
    for line in html.unescape(page.rpartition("<pre")[2].partition("<code>")[2].partition("</code>")[0]).splitlines():
        name, _, command = line.replace(")", "").rpartition("=$(")
        answer = curl(home, command, known)
        if answer.request.url.path == "/me":
            statuses.append(answer.status_code)
        elif name:
            known[name] = answer.text
        elif answer.request.url.path == "/sign-in":
            known = {name.upper(): value for name, value in answer.json().items()}
        else:
            known["RECEIPT"] = answer.text
    assert statuses[0] == 200
    assert statuses[-1] == player.play(design, OUT, 0).present().status
