"""A site on express-openid-connect, in a process of its own (tests/node/express.mjs), and what a visitor does there."""

import json
import subprocess
from typing import Any

from tests.backings import free_port
from tests.clients.conftest import register
from tests.clients.person import Person
from tests.forking import PROJECT
from tests.server import Server


class ExpressSite:
    def __init__(self, server: Server) -> None:
        port = free_port()
        self.url = f"http://127.0.0.1:{port}"  # another host than the site's: cookies ignore the port
        more = "--post-logout-redirect-uri", self.url, "--backchannel-logout-uri", f"{self.url}/backchannel-logout"
        self.app = register(server, *more, redirect_uri=f"{self.url}/callback")
        told = {"issuer": server.url, "id": self.app.id, "secret": self.app.secret, "port": port}
        self._process = subprocess.Popen(
            ["node", "express.mjs", json.dumps(told)],
            cwd=PROJECT / "tests" / "node",
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert self._line() == {"listens": port}

    def sign_in(self, person: Person) -> dict[str, Any]:
        """Have the person follow "Log in"; return whom the site then takes them for."""
        assert person.go(f"{self.url}/login").rstrip("/") == self.url
        user: dict[str, Any] = self.look(person)["user"]
        return user

    def sign_out(self, person: Person) -> None:
        """Have the person follow "Log out", and agree to leave Signed Out too."""
        assert person.go(f"{self.url}/logout", "sign-out").rstrip("/") == self.url

    def refresh(self, person: Person) -> str:
        """Have the site exchange its refresh token; return the new access token."""
        found = self.look(person, "/refresh")
        assert "access" in found, found
        return str(found["access"])

    def look(self, person: Person, path: str = "/") -> dict[str, Any]:
        """Return what the site says to this person."""
        found: dict[str, Any] = person.read(f"{self.url}{path}")
        return found

    def wait_until_told(self) -> str:
        """Wait for the next logout message; return whose session is over, as the library notes it."""
        return str(self._line()["told"])

    def close(self) -> str:
        """Stop it; return what it has said since."""
        self._process.terminate()
        return self._process.communicate(timeout=30)[0]

    def _line(self) -> dict[str, Any]:
        assert self._process.stdout
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError(self._process.communicate(timeout=30)[1])
        found: dict[str, Any] = json.loads(line)
        return found
