"""Each peer as a server, and its acts as arms."""

import json
import os
import subprocess
import time
from base64 import b64encode
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from tests.backings import PostgreSQL, Redis, free_port
from tests.bench.arms import Act, Arm, again, flooding
from tests.bench.line import Asked, Line, carrying, get, post, post_json
from tests.forking import PROJECT
from tests.oauth.flow import CALLBACK, challenge

_HERE = Path(__file__).parent
_PYTHON = PROJECT / ".venv" / "peers" / "bin" / "python"
_THREADS = "64"  # as many as the site has
_VERIFIER = "v" * 43
_SECONDS = 60  # for a peer to start
_WARM = 1000  # requests for each act, before the first that counts: V8 compiles what has run for a while
_FLOW = {"CALLBACK": CALLBACK, "CHALLENGE": challenge(_VERIFIER)}
_CLIENT = {"Authorization": "Basic " + b64encode(b"bench:a-secret-of-the-bench").decode()}


@dataclass
class Peer:
    """A running peer. *servers*: its own first process, and that of its store."""

    name: str
    port: int
    servers: list[int]
    arms: dict[str, Arm] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.line = Line(self.port)

    def add(self, act: str, ready: Callable[[int], Iterable[Act]]) -> None:
        self.arms[act] = Arm(f"{act}: {self.name}", self.servers, ready)

    def add_check(self, asked: Asked) -> None:
        self.arms["check"] = flooding(f"check: {self.name}", self.servers, self.port, asked)

    def asking(self, asked: Asked) -> Act:
        return partial(self.line.ask, asked)

    def warm(self) -> None:
        """Do each act so often that the peer is as fast as it gets."""
        for arm in self.arms.values():
            for _ in range(0, _WARM, arm.count * arm.per):
                arm.run()
            arm.forget()


@contextmanager
def jwt_extended(redis: Redis) -> Iterator[Peer]:
    with _gunicorn("jwt_extended", {"REDIS_URL": redis.url}) as (port, pid):
        peer = Peer("Flask-JWT-Extended", port, [pid, redis.pid])
        token = peer.line.ask(get("/bench/token")).json["token"]
        peer.add_check(get("/api/me", Authorization=f"Bearer {token}"))
        yield peer


@contextmanager
def security(folder: Path) -> Iterator[Peer]:
    with _gunicorn("security", {"DATABASE_URL": f"sqlite:///{folder}/security.db"}) as (port, pid):
        peer = Peer("Flask-Security", port, [pid])
        begin = post("/bench/session", {})
        begun = peer.line.ask(begin)
        peer.add_check(get("/api/me", **{"Authentication-Token": begun.json["token"]}))
        peer.add("account", again(peer.asking(get("/account", **carrying(begun.cookies)))))

        def sign_outs(count: int) -> Iterator[Act]:
            for pocket in [peer.line.ask(begin).cookies for _ in range(count)]:
                yield peer.asking(post("/logout", {}, 302, **carrying(pocket)))

        peer.add("sign out", sign_outs)
        yield peer


@contextmanager
def oidc(name: str, redis: Redis) -> Iterator[Peer]:
    environ = {"REDIS_URL": redis.url, "NODE_ENV": "production", **_FLOW}
    with _node("oidc", environ) as (port, pid):
        peer = Peer(name, port, [pid, redis.pid])
        _add_flow(peer, "/token", "/token/introspection", "/token/revocation")
        peer.warm()
        yield peer


@contextmanager
def toolkit(name: str, database: dict[str, str], *store: int) -> Iterator[Peer]:
    with _gunicorn("toolkit", {"DATABASE": json.dumps(database), **_FLOW}) as (port, pid):
        peer = Peer(name, port, [pid, *store])
        _add_flow(peer, "/oauth/token/", "/oauth/introspect/", "/oauth/revoke_token/")
        yield peer


@contextmanager
def better(database: PostgreSQL, url: str) -> Iterator[Peer]:
    with _node("better", {"DATABASE_URL": url, "NODE_ENV": "production"}) as (port, pid):
        peer = Peer("better-auth", port, [pid, database.pid])
        origin = {"Origin": f"http://localhost:{port}"}
        ada = {"email": "ada@example.org", "password": "correct horse"}
        peer.line.ask(post_json("/api/auth/sign-up/email", ada | {"name": "Ada"}, **origin))
        sign_in = post_json("/api/auth/sign-in/email", ada, **origin)
        pockets = [peer.line.ask(sign_in).cookies for _ in range(9)]
        peer.add_check(get("/api/auth/get-session", **carrying(pockets[0])))
        peer.add("devices", again(peer.asking(get("/api/auth/list-sessions", **carrying(pockets[0])))))

        def sign_outs(count: int) -> Iterator[Act]:
            for pocket in [peer.line.ask(sign_in).cookies for _ in range(count)]:
                yield peer.asking(post_json("/api/auth/sign-out", {}, **carrying(pocket), **origin))

        peer.add("sign out", sign_outs)
        peer.warm()
        yield peer


def _add_flow(peer: Peer, token: str, introspection: str, revocation: str) -> None:
    """The acts of an authorization server."""

    def exchanges(count: int) -> list[Asked]:
        about = {"grant_type": "authorization_code", "code_verifier": _VERIFIER, "redirect_uri": CALLBACK}
        codes = peer.line.ask(get(f"/bench/codes?count={count}")).json
        return [post(token, about | {"code": code}, **_CLIENT) for code in codes]

    def grants(count: int) -> list[dict[str, str]]:
        return [peer.line.ask(asked).json for asked in exchanges(count)]

    def refreshes(count: int) -> list[Act]:
        form = {"grant_type": "refresh_token", "refresh_token": grants(1)[0]["refresh_token"]}

        def act() -> None:
            form["refresh_token"] = peer.line.ask(post(token, form, **_CLIENT)).json["refresh_token"]

        return [act] * count

    def introspections(count: int) -> list[Act]:
        return [peer.asking(post(introspection, {"token": grants(1)[0]["access_token"]}, **_CLIENT))] * count

    peer.add("code", lambda count: map(peer.asking, exchanges(count)))
    peer.add("app refresh", refreshes)
    peer.add("introspection", introspections)
    peer.add(
        "revocation",
        lambda count: [
            peer.asking(post(revocation, {"token": found["refresh_token"]}, **_CLIENT)) for found in grants(count)
        ],
    )


@contextmanager
def _gunicorn(module: str, environ: dict[str, str]) -> Iterator[tuple[int, int]]:
    """Serve a Python peer by one worker process with threads."""
    port = free_port()
    command = [str(_PYTHON), "-m", "gunicorn", f"{module}:app", "--bind", f"127.0.0.1:{port}", "--workers", "1"]
    command += ["--worker-class", "gthread", "--threads", _THREADS, "--log-level", "error", "--no-control-socket"]
    with _running(command, environ, port) as pid:
        yield port, pid


@contextmanager
def _node(module: str, environ: dict[str, str]) -> Iterator[tuple[int, int]]:
    port = free_port()
    with _running(["node", f"node/{module}.mjs"], environ | {"PORT": str(port)}, port) as pid:
        yield port, pid


@contextmanager
def _running(command: list[str], environ: dict[str, str], port: int) -> Iterator[int]:
    bare = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    process = subprocess.Popen(command, cwd=_HERE, env=bare | environ, stdout=subprocess.DEVNULL)
    try:
        _wait(process, port)
        yield process.pid
    finally:
        process.terminate()
        process.wait()


def _wait(process: subprocess.Popen[bytes], port: int) -> None:
    """Wait until it answers at all."""
    until = time.monotonic() + _SECONDS
    while time.monotonic() < until and process.poll() is None:
        try:
            Line(port).ask(get("/bench/nowhere", 404))
        except OSError:
            time.sleep(0.1)
        else:
            return
    raise SystemExit(f"{process.args} does not start")
