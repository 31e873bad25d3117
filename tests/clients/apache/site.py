"""Apache with mod_auth_openidc, configured by what docs/apps.md has people copy, and what a visitor does there."""

import os
import re
import shutil
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import httpx

from tests.backings import NOBODY, free_port
from tests.clients.conftest import register
from tests.clients.person import Person
from tests.forking import PROJECT
from tests.server import Server

MODULES = Path("/usr/lib/apache2/modules")
LOADED = ("mpm_event", "authn_core", "authz_core", "authz_user", "dir", "auth_openidc")
COPIED = re.compile(r"```apache\n(.*?)```", re.DOTALL)
OWN = "http://127.0.0.1:9000"  # the app's address in the docs


class Missing(Exception):
    """A program that these tests need is not installed."""


class ApacheSite:
    """A site with a public page (`/`) and a private one (`/private/`)."""

    def __init__(self, server: Server) -> None:
        program = shutil.which("apache2") or "/usr/sbin/apache2"
        if not (Path(program).exists() and (MODULES / "mod_auth_openidc.so").exists()):
            raise Missing("Apache or its module is missing: `make test-clients` installs Debian's packages.")
        port = free_port()
        self.url = f"http://127.0.0.1:{port}"  # another host than the site's: cookies ignore the port
        self._issuer, self._callback = server.url, f"{self.url}/private/callback"
        told = "--backchannel-logout-uri", f"{self._callback}?logout=backchannel"
        self.app = register(server, "--post-logout-redirect-uri", f"{self.url}/", *told, redirect_uri=self._callback)
        self._folder = Path(tempfile.mkdtemp(prefix="apache-"))
        self._write(port)
        user = NOBODY if os.geteuid() == 0 else None
        if user is not None:  # Apache refuses to answer as root
            for path in (self._folder, *self._folder.rglob("*")):
                os.chown(path, user, -1)
        words = [program, "-f", str(self._folder / "apache.conf"), "-D", "FOREGROUND"]
        self._process = subprocess.Popen(words, user=user, stderr=subprocess.PIPE, text=True)
        self._wait_until_up()

    def sign_in(self, person: Person) -> dict[str, Any]:
        """Have the person open the private page; return whom Apache then takes them for."""
        assert person.go(f"{self.url}/private/") == f"{self.url}/private/"
        return self.look(person)

    def sign_in_again(self, person: Person) -> dict[str, Any]:
        """Have the person start over, as from a bookmark of the app at Signed Out (OpenID Connect Core, section 4)."""
        start = urlencode({"iss": self._issuer, "target_link_uri": f"{self.url}/private/"})
        assert person.go(f"{self._callback}?{start}") == f"{self.url}/private/"
        return self.look(person)

    def refresh(self, person: Person) -> None:
        """Have Apache exchange its refresh token."""
        wanted = {"refresh": f"{self.url}/private/", "access_token": self.look(person)["access_token"]}
        assert person.go(f"{self._callback}?{urlencode(wanted)}") == f"{self.url}/private/"

    def sign_out(self, person: Person) -> None:
        """Have the person follow the app's sign-out, and agree to leave Signed Out too."""
        assert person.go(f"{self._callback}?{urlencode({'logout': f'{self.url}/'})}", "sign-out") == f"{self.url}/"

    def look(self, person: Person) -> dict[str, Any]:
        """Return what Apache holds about this person."""
        found: dict[str, Any] = person.read(f"{self._callback}?info=json")
        return found

    def knows(self, person: Person) -> bool:
        """Return whether the private page opens without asking the site who this is."""
        return person.status(f"{self.url}/private/") == 200

    def wait_until_told(self, person: Person) -> None:
        """Wait until a logout message has ended this person's session here."""
        for _ in range(600):
            if not self.knows(person):
                return
            time.sleep(0.05)
        raise AssertionError("no logout message came")

    def close(self) -> None:
        self._process.terminate()
        self._process.communicate(timeout=30)
        shutil.rmtree(self._folder)

    def _write(self, port: int) -> None:
        for page in ("index.html", "private/index.html"):
            path = self._folder / "pages" / page
            path.parent.mkdir(exist_ok=True)
            path.write_text("<title>A page</title>")
        lines = [
            *(f"LoadModule {name}_module {MODULES}/mod_{name}.so" for name in LOADED),
            f"ServerRoot {self._folder}",
            f"DefaultRuntimeDir {self._folder}",
            f"PidFile {self._folder}/apache.pid",
            f"ErrorLog {self._folder}/errors",
            f"Mutex file:{self._folder}",
            f"Listen 127.0.0.1:{port}",
            "ServerName 127.0.0.1",
            f"DocumentRoot {self._folder}/pages",
            "DirectoryIndex index.html",
            self._copied(),
        ]
        (self._folder / "apache.conf").write_text("\n".join(lines))

    def _copied(self) -> str:
        """Return the block of docs/apps.md, with what it leaves open filled in."""
        [block] = COPIED.findall((PROJECT / "docs" / "apps.md").read_text())
        given = {"ISSUER": self.app.issuer, "SECRET": self.app.secret or "", "ID": self.app.id}
        return re.sub(r"\b(?:ISSUER|SECRET|ID)\b", lambda found: given[found[0]], block.replace(OWN, self.url))

    def _wait_until_up(self) -> None:
        while self._process.poll() is None:
            try:
                httpx.get(self.url)
                return
            except httpx.TransportError:
                time.sleep(0.05)  # nothing to wait on: the port is not open yet
        raise RuntimeError(self._process.communicate()[1])
