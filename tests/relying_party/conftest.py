"""Relying parties as separate processes, beside a real site, and a visitor at its lab."""

import http.client
import json
import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Any, TypeVar

import jwt
import pytest

from app import clock
from app.crypto.keys import access_keys
from app.lab import parties, visitors
from app.lab.run import Run
from app.relying_party.site import DELIVERIES
from tests.backings import free_port
from tests.browsers import Site
from tests.forking import Forked
from tests.relying_party import fake_issuer
from tests.relying_party.fake_issuer import FakeIssuer
from tests.server import Server

COOKIE = "__Host-Http-lab"
T = TypeVar("T")
PATIENCE = 60  # seconds after which something that has to happen has not


class Party:
    """A relying party in a process, started by its own command. It polls once a second."""

    def __init__(self, delivery: str, port: int, log: Path, words: list[str], environ: dict[str, str]) -> None:
        self.delivery = delivery
        self.port = port
        self.url = f"http://127.0.0.1:{port}"
        self._process = Forked(tuple(words), environ, log)

    def present(self, token: str) -> dict[str, Any]:
        """Present *token* once; what came back, its status checked against what it says."""
        status, body, _ = self.get("/api/me", Authorization=f"Bearer {token}")
        found: dict[str, Any] = json.loads(body)
        assert (found["status"], found["accepted"]) == (status, status == 200)
        return found

    def get(self, path: str, **headers: str) -> tuple[int, str, http.client.HTTPMessage]:
        with closing(http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)) as connection:
            connection.request("GET", path, headers=headers)
            answer = connection.getresponse()
            return answer.status, answer.read().decode(), answer.headers

    def until(self, token: str, status: int, decided_by: str = "") -> list[dict[str, Any]]:
        """Present *token* until that is the answer; all the answers up to then."""
        return until(
            lambda: self.present(token), lambda found: found["status"] == status and decided_by in found["decided_by"]
        )

    def kill(self) -> None:
        os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait(timeout=30)


def until(look: Callable[[], T], is_so: Callable[[T], bool]) -> list[T]:
    """Look again and again until it is so; everything that was seen."""
    seen, deadline = [look()], time.monotonic() + PATIENCE
    while not is_so(seen[-1]):
        assert time.monotonic() < deadline, seen[-1]
        time.sleep(0.02)
        seen.append(look())
    return seen


class Attendee:
    """A visitor at the lab of a real server, signed in, whose token has been copied."""

    def __init__(self, issuer: Server) -> None:
        self._issuer = issuer
        self.pocket = issuer.ask("POST", "/lab/sign-in", {})[1]
        self.press("copy")
        site = Site(issuer.folder, SITE_URL=issuer.url)
        with closing(site), site.app.app_context():
            self.token, self.phone_token = (parties.token(self.run(), whose) for whose in ("thief", "phone"))

    def press(self, path: str, **form: str) -> None:
        assert self._issuer.ask("POST", f"/lab/{path}", self.pocket, **form)[0] == 303

    def sign_out(self, way: str = "sign-out") -> int:
        """Sign out; return the second in which the server had done it."""
        self.press("sign-out", way=way)
        return int(time.time())

    def run(self) -> Run:
        rows = self._issuer.query("SELECT run FROM lab_visitors WHERE id = ?", visitors.name(self.pocket[COOKIE]))
        run = Run.from_json(rows[0][0])
        assert run
        return run


class World:
    """A site and one relying party of each delivery, which are told its address and nothing else."""

    def __init__(self, folder: Path, *, is_registered: bool) -> None:
        self._is_registered = is_registered
        ports = {delivery: free_port() for delivery in DELIVERIES}
        addresses = [
            f"http://127.0.0.1:{port}" for port in (*ports.values(), free_port())
        ]  # at the last no program listens
        self.issuer = Server(folder, WORKERS="2", RELYING_PARTIES=" ".join(addresses))
        self.parties = {
            delivery: Party(delivery, port, folder.with_name(f"{delivery}.log"), *self._command(delivery, port))
            for delivery, port in ports.items()
        }

    def _command(self, delivery: str, port: int) -> tuple[list[str], dict[str, str]]:
        """Return the command of a party, and its environment."""
        words = ["--issuer", self.issuer.url, "--delivery", delivery, "--port", str(port), "--every", "1"]
        return self._register(words) if self._is_registered else (["-m", "app.relying_party", *words], {})

    def _register(self, words: list[str]) -> tuple[list[str], dict[str, str]]:
        """Register a party by the site's command; return the program that this would become, and its environment."""
        became: list[tuple[list[str], dict[str, str]]] = []
        with self.inside() as site, pytest.MonkeyPatch.context() as patch:
            patch.setattr(os, "execve", lambda _python, command, environ: became.append((command[1:], environ)))
            site.run("relying-party", *words)
        [found] = became
        return found

    def wait_until_all_have_heard(self) -> None:
        attendee = self.attendee()
        for party in self.parties.values():
            until(lambda party=party: _try(party, attendee.token), bool)  # type: ignore[misc]
        self["push"].until(attendee.token, 200, "remembers")
        self["poll"].until(attendee.token, 200, "remembers")

    def __getitem__(self, delivery: str) -> Party:
        return self.parties[delivery]

    def attendee(self) -> Attendee:
        return Attendee(self.issuer)

    @contextmanager
    def inside(self) -> Iterator[Site]:
        """The same site in this process, on the same database: also while its own processes are gone."""
        site = Site(self.issuer.folder, SITE_URL=self.issuer.url)
        yield site
        site.close()

    def sign(self, claims: dict[str, Any], **header: str) -> str:
        """Sign what the site itself would not, with its own key."""
        with self.inside() as site, site.app.app_context():
            key = access_keys().signing(clock.now())
            return jwt.encode(claims, key.private, "ES256", {"typ": "at+jwt", "kid": key.kid, **header})

    def stop(self) -> None:
        """The site first: that parties listen to it must not keep it."""
        self.issuer.stop()
        for party in self.parties.values():
            party.kill()


def _try(party: Party, token: str) -> bool:
    with suppress(OSError):
        return party.present(token)["status"] == 200
    return False


@contextmanager
def running(folder: Path, *, is_registered: bool = False) -> Iterator[World]:
    """A site and its relying parties, from the moment at which all of them have heard from it.

    *is_registered*: people can sign in to them, too.
    """
    made = World(folder, is_registered=is_registered)
    try:
        made.wait_until_all_have_heard()
        yield made
    finally:
        made.stop()


@pytest.fixture(scope="module")
def world(shared_instance: Path) -> Iterator[World]:
    """Tests of a module share it, each with its own attendee."""
    with running(shared_instance) as made:
        yield made


@pytest.fixture
def attendee(world: World) -> Attendee:
    return world.attendee()


@pytest.fixture
def issuer() -> FakeIssuer:
    """An issuer that answers the answers that a test sets, in this process."""
    return FakeIssuer()


@pytest.fixture
def party(issuer: FakeIssuer) -> fake_issuer.Party:
    """A relying party of that one, in this process."""
    return fake_issuer.Party(issuer)
