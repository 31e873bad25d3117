"""Whole sites, each on a library configured as docs/apps.md says, in a separate process, and what a visitor does there."""

import json
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import httpx
import jwt

from tests.backings import NOBODY, free_port
from tests.clients.conftest import register
from tests.clients.copied import copied
from tests.clients.library import App
from tests.clients.person import Person
from tests.clients.sites import apache
from tests.forking import PROJECT
from tests.server import Server

HERE = Path(__file__).parent
WAIT = 60  # seconds, after which a logout message will not come

Command = Callable[[App, int, Path, str, str], list[str]]


@dataclass(frozen=True)
class Client:
    """A library, by its heading in docs/apps.md, and the pages of a site that stands on it.

    *asks*: the page that holds the hidden field of its forms, the key there, and the field's name; the pages that are
    not *links* are then posted.
    *back*: where our sign-out leads afterwards, if the library says who asks for it. *told*: where it takes logout messages.
    *renews*: it asks Signed Out again. *shares*: all browsers of a person share one token there.
    """

    name: str
    command: Command
    callback: str
    enter: str
    leave: str
    asks: tuple[str, str, str] | None = None
    links: tuple[str, ...] = ()
    back: str | None = "/"
    told: str | None = None
    renews: bool = True
    shares: bool = False


@dataclass(frozen=True)
class Seen:
    """What a site holds about its visitor. The email address is in UserInfo alone."""

    sub: str
    email: str
    sid: str
    access: str


class Site:
    """A running site on a library. It has its own host, as cookies ignore the port."""

    def __init__(self, server: Server, client: Client) -> None:
        self._client = client
        self._issuer = server.url
        port = free_port()
        self.url = f"http://127.0.0.1:{port}"
        more = ["--post-logout-redirect-uri", f"{self.url}{client.back}"] if client.back is not None else []
        more += ["--backchannel-logout-uri", f"{self.url}{client.told}"] if client.told else []
        self.app = register(server, *more, redirect_uri=f"{self.url}{client.callback}")
        self._folder = Path(tempfile.mkdtemp(prefix="client-"))
        self._log = self._folder.with_suffix(".log")
        command = client.command(self.app, port, self._folder, client.name, copied(client.name, self.url))
        user = NOBODY if self._folder.stat().st_uid == NOBODY else None
        with self._log.open("w") as log:
            self._process = subprocess.Popen(command, user=user, stdout=log, stderr=log)
        self._wait_until_up()

    @property
    def renews(self) -> bool:
        return self._client.renews

    def sign_in(self, person: Person) -> Seen:
        """Have the person sign in there; return whom the site then takes them for."""
        self._open(person, self._client.enter)
        found = self.look(person)
        assert found, self._log.read_text()
        return found

    def sign_out(self, person: Person) -> None:
        """Have the person sign out there, and agree to leave Signed Out too."""
        ends = self._open(person, self._client.leave, "sign-out")
        if self._client.back is not None:
            assert ends.startswith(self.url), ends
        elif ends.startswith(self.url):  # the library ends its own session and knows no more
            person.go(f"{self._issuer}/oauth/end-session?{urlencode({'client_id': self.app.id})}", "sign-out")

    def renew(self, person: Person) -> None:
        """Have the site ask Signed Out again about this person, as it does when the access token is over."""
        person.go(f"{self.url}/renew")

    def look(self, person: Person) -> Seen | None:
        """Return whom the site takes this person for."""
        user = self._held(person)["user"]
        if user is None:
            return None
        claims = user
        if user.get("id_token"):
            claims = user | jwt.decode(user["id_token"], options={"verify_signature": False})
        return Seen(claims["sub"], user["email"], claims.get("sid", ""), user["access"])

    def learn(self, person: Person) -> None:
        """Let the site learn that the person's session is over: from a message, or when it next asks, if it ever does."""
        if not self._client.told:
            return self.renew(person) if self.renews else None
        deadline = time.monotonic() + WAIT
        while self._held(person).get("user", person) is not None:
            assert time.monotonic() < deadline, "no logout message came"
            time.sleep(0.05)  # nothing to wait on: the message goes to the other process
        return None

    def close(self) -> None:
        self._process.terminate()
        self._process.wait(timeout=30)
        shutil.rmtree(self._folder, ignore_errors=True)
        self._log.unlink()

    def _held(self, person: Person) -> dict[str, Any]:
        found: dict[str, Any] = person.read(f"{self.url}/")
        return found

    def _open(self, person: Person, path: str, decision: str = "allow") -> str:
        """Have the person follow a link of the site, or press a button there; return where that ends."""
        form = None
        if self._client.asks and path not in self._client.links:
            page, key, field = self._client.asks
            form = {field: person.read(f"{self.url}{page}")[key]}
        return person.go(f"{self.url}{path}", decision, form)

    def _wait_until_up(self) -> None:
        while self._process.poll() is None:
            try:
                httpx.get(self.url, timeout=WAIT)
                return
            except httpx.TransportError:
                time.sleep(0.05)  # nothing to wait on: the port is not open yet
        raise RuntimeError(self._log.read_text())


class ApacheSite(Site):
    """A site under Apache, which has a private page and holds everything itself."""

    def sign_in(self, person: Person) -> Seen:
        """Begin at the app's callback, as a bookmark of the app at Signed Out does (OpenID Connect Core, section 4)."""
        start = urlencode({"iss": self._issuer, "target_link_uri": f"{self.url}/private/"})
        assert person.go(f"{self.url}{self._client.callback}?{start}") == f"{self.url}/private/"
        found = self.look(person)
        assert found
        return found

    def sign_out(self, person: Person) -> None:
        wanted = urlencode({"logout": f"{self.url}/"})
        assert person.go(f"{self.url}{self._client.callback}?{wanted}", "sign-out") == f"{self.url}/"

    def renew(self, person: Person) -> None:
        access = self._held(person)["user"]["access"]
        wanted = urlencode({"refresh": f"{self.url}/private/", "access_token": access})
        assert person.go(f"{self.url}{self._client.callback}?{wanted}") == f"{self.url}/private/"

    def _held(self, person: Person) -> dict[str, Any]:
        if person.status(f"{self.url}/private/") != 200:
            return {"user": None}
        found = person.read(f"{self.url}{self._client.callback}?info=json")
        return {"user": {**found["userinfo"], "sid": found["id_token"]["sid"], "access": found["access_token"]}}


def _told(app: App, port: int, folder: Path, name: str, block: str) -> str:
    told = {"issuer": app.issuer, "id": app.id, "secret": app.secret, "port": port, "folder": str(folder)}
    return json.dumps({**told, "client": name, "block": block})


def _node(script: str) -> Command:
    return lambda *given: ["node", str(PROJECT / "tests" / script), _told(*given)]


def _python(script: str) -> Command:
    def command(*given: Any) -> list[str]:
        python = PROJECT / ".venv" / "libraries" / "bin" / "python"
        if not python.exists():
            raise FileNotFoundError("These libraries are missing: `make test-clients` installs them.")
        return [str(python), str(HERE / "sites" / script), _told(*given)]

    return command


def _apache(app: App, port: int, folder: Path, _name: str, block: str) -> list[str]:
    return apache.command(app, port, folder, block)


DJANGO = "/", "csrf", "csrfmiddlewaretoken"
CLIENTS = {
    client.name: client
    for client in (
        Client(
            "express-openid-connect",
            _node("node/express.mjs"),
            callback="/callback",
            enter="/login",
            leave="/logout",
            back="",
            told="/backchannel-logout",
        ),
        Client(
            "mod_auth_openidc",
            _apache,
            callback="/private/callback",
            enter="",
            leave="",
            told="/private/callback?logout=backchannel",
        ),
        Client(
            "mozilla-django-oidc",
            _python("django_site.py"),
            callback="/oidc/callback/",
            enter="/oidc/authenticate/",
            leave="/oidc/logout/",
            asks=DJANGO,
            links=("/oidc/authenticate/",),
        ),
        Client(
            "django-allauth",
            _python("django_site.py"),
            callback="/accounts/oidc/signed-out/login/callback/",
            enter="/accounts/oidc/signed-out/login/",
            leave="/accounts/logout/",
            asks=DJANGO,
            back=None,
            renews=False,
        ),
        Client(
            "social-auth",
            _python("django_site.py"),
            callback="/complete/oidc/",
            enter="/login/oidc/",
            leave="/leave",
            asks=DJANGO,
            shares=True,
        ),
        Client(
            "flask-oidc",
            _python("flask_site.py"),
            callback="/authorize",
            enter="/login",
            leave="/leave",
            back=None,
        ),
        Client(
            "Auth.js",
            _node("clients/node/authjs.mjs"),
            callback="/auth/callback/signed-out",
            enter="/auth/signin/signed-out",
            leave="/auth/signout",
            asks=("/auth/csrf", "csrfToken", "csrfToken"),
            back=None,
            renews=False,
        ),
    )
}


def begin(server: Server, name: str) -> Site:
    """Start a site on this library. Raises FileNotFoundError where it is missing."""
    return (ApacheSite if name == "mod_auth_openidc" else Site)(server, CLIENTS[name])
