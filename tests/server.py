"""The real server: `python app.py` with its worker processes, on a random loopback port."""

import http.client
import os
import secrets
import signal
import sqlite3
import ssl
import subprocess
import time
from contextlib import closing
from http.cookies import SimpleCookie
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import jwt

from tests import backings
from tests.backings import free_port
from tests.browsers import PASSWORD, Pocket, move_clock
from tests.forking import Forked, begin


class Server:
    """A running site in its own instance folder.

    *anew*: in a separate interpreter, as when it is started from a shell; else by a fork, which is soon done.
    *program*: what starts it.
    """

    def __init__(self, folder: Path, *, anew: bool = False, program: str = "app.py", **environ: str) -> None:
        self.folder = folder
        self.port = free_port()
        self.url = f"http{'s' if environ.get('TLS') == '1' else ''}://localhost:{self.port}"
        self._environ = {
            "INSTANCE_PATH": str(folder),
            "PORT": str(self.port),
            "TEST_CONTROLS": "1",
            "TMPDIR": str(folder.parent),
        }
        self._environ |= backings.settings(folder) | environ
        listens = environ.get("HOST", "127.0.0.1")
        self.address = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(listens, listens)  # noqa: S104 - where it is reached
        self._anew, self._program = anew, program
        self._log = folder.parent / f"{folder.name}-{self.port}.log"
        self.start()

    def start(self, **changed: str) -> None:
        """Start, or start again after `stop` or `kill`, with settings *changed* from now on."""
        self._environ |= changed
        if self._anew:
            self._process = begin((self._program,), self._environ, self._log)
        else:
            self._process = Forked((self._program,), self._environ, self._log)
        self._wait_until_up()

    def run(self, *words: str) -> str:
        """Give `flask` these words in a shell; return what it said."""
        said, errors = (self._log.with_name(f"{secrets.token_hex(8)}.{kind}") for kind in ("said", "errors"))
        status = Forked(("-m", "flask", *words), self._environ, said, errors).wait()
        if status:
            raise subprocess.CalledProcessError(status, words, said.read_text(), errors.read_text())
        return said.read_text()

    @property
    def pid(self) -> int:
        """The first process, which starts the workers."""
        return self._process.pid

    @property
    def environ(self) -> dict[str, str]:
        """What a command needs, to be about this site."""
        return self._environ

    def wait(self, seconds: int) -> None:
        """Move the clock of every worker."""
        move_clock(self.folder, seconds)

    def ask(self, method: str, path: str, pocket: Pocket, **form: str) -> tuple[int, Pocket]:
        """Send one request on a separate connection; return its status and the cookies it set."""
        headers = {"Cookie": "; ".join(f"{name}={value}" for name, value in pocket.items())}
        if form:
            headers["Content-Type"] = "application/x-www-form-urlencoded"
        status, given, _ = self._send(method, path, headers, urlencode(form) if form else None)
        return status, given

    def api(self, token: str) -> int:
        """Present an access token to the API; return the status."""
        return self._send("GET", "/api/me", {"Authorization": f"Bearer {token}"})[0]

    def read(self, path: str, pocket: Pocket | None = None) -> str:
        """Return what stands at *path*."""
        cookies = "; ".join(f"{name}={value}" for name, value in (pocket or {}).items())
        return self._send("GET", path, {"Cookie": cookies})[2]

    def visit(self, path: str, pocket: Pocket) -> tuple[int, Pocket, str]:
        """Return the status of the page at *path*, the cookies that it set, and what stands there."""
        cookies = "; ".join(f"{name}={value}" for name, value in pocket.items())
        return self._send("GET", path, {"Cookie": cookies})

    def join(self, email: str) -> Pocket:
        """Sign up; return the cookies of the first session."""
        return self.ask("POST", "/sign-up", {}, name="Ada", email=email, password=PASSWORD)[1]

    def sign_in(self, email: str, password: str = PASSWORD) -> Pocket:
        return self.ask("POST", "/sign-in", {}, email=email, password=password)[1]

    def is_signed_in(self, pocket: Pocket) -> bool:
        return self.ask("GET", "/account", pocket)[0] == 200

    def claims(self, access: str) -> dict[str, Any]:
        """Read what an access token says."""
        found: dict[str, Any] = jwt.decode(access, options={"verify_signature": False})
        return found

    def query(self, statement: str, *values: str) -> list[tuple[Any, ...]]:
        """Look into the database."""
        with backings.shell(self.folder) as connection:
            if not isinstance(connection, sqlite3.Connection):
                statement = statement.replace("?", "%s")
            found: list[tuple[Any, ...]] = connection.execute(statement, values).fetchall()
            return found

    def output(self) -> str:
        """What the server has printed so far."""
        return self._log.read_text()

    def stop(self) -> None:
        self._process.send_signal(signal.SIGTERM)
        self._process.wait(timeout=30)

    def begin_to_stop(self, how: int = signal.SIGTERM) -> None:
        self._process.send_signal(how)

    def wait_until_stopped(self) -> int:
        """Return the exit status of the supervisor."""
        return self._process.wait(timeout=60)

    def kill(self) -> None:
        """Kill every process of it at once, as a failing machine would."""
        workers = self.workers()
        os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait(timeout=30)
        while any(map(backings.runs, workers)):
            time.sleep(0.01)  # each still holds the port

    def pause(self) -> None:
        """Stop every process of it, as a machine that sleeps would."""
        os.killpg(self._process.pid, signal.SIGSTOP)

    def resume(self) -> None:
        os.killpg(self._process.pid, signal.SIGCONT)

    def workers(self) -> list[int]:
        """The process ids of its workers."""
        master = self.pid
        return [int(pid) for pid in Path(f"/proc/{master}/task/{master}/children").read_text().split()]

    def connect(self, timeout: int) -> http.client.HTTPConnection:
        """Prepare a connection; with `TLS=1`, one that trusts the site's own authority and no other."""
        if self._environ.get("TLS") != "1":
            return http.client.HTTPConnection(self.address, self.port, timeout=timeout)
        context = ssl.create_default_context(cafile=self.folder / "tls" / "authority.pem")
        return http.client.HTTPSConnection(self.address, self.port, timeout=timeout, context=context)

    def _send(
        self, method: str, path: str, headers: dict[str, str], body: str | None = None
    ) -> tuple[int, Pocket, str]:
        with closing(self.connect(60)) as connection:
            connection.request(method, path, body, {"Host": f"localhost:{self.port}", **headers})
            answer = connection.getresponse()
            text = answer.read().decode()
        given = SimpleCookie()
        for line in answer.headers.get_all("Set-Cookie") or []:
            given.load(line)
        return answer.status, {name: morsel.value for name, morsel in given.items()}, text

    def _wait_until_up(self) -> None:
        for _ in range(600):
            if self._process.poll() is not None:
                raise RuntimeError(self.output())
            try:
                with closing(self.connect(2)) as connection:
                    connection.request("GET", "/readyz")
                    if connection.getresponse().status == 200:
                        return
            except OSError:
                time.sleep(0.05)  # nothing to wait on: the port is not open yet
        self.stop()
        raise RuntimeError(self.output())
