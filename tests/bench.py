"""Measurements, as ratios in one run: `make bench`. Each pair is measured in turn, so a change of the machine hits both."""

import asyncio
import multiprocessing
import os
import random
import re
import selectors
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.cookies import SimpleCookie
from pathlib import Path
from urllib.parse import urlencode

import jwt
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from flask import Flask, request
from playwright.sync_api import sync_playwright

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from app import create_app
from app.config import THREADS
from tests.browsers import ACCESS, PASSWORD, REFRESH
from tests.e2e.conftest import Person, launch
from tests.server import PROJECT, Server, free_port

ROUNDS = 11
REQUESTS = 2000
CONNECTIONS = 8
TABS, SESSIONS = 500, 20
LEAVINGS = 40
POLL_SECONDS = 1.7  # as in static/js/live.js


def site() -> Flask:
    """The site itself: the check of a token includes the check of the log."""
    return create_app()


def empty() -> Flask:
    """A view that does nothing."""
    app = Flask(__name__)
    app.add_url_rule("/api/me", view_func=dict)
    return app


def plain() -> Flask:
    """A view that verifies a JWT with PyJWT and asks nobody whether it was revoked."""
    app = Flask(__name__)
    key = load_pem_private_key(Path(os.environ["INSTANCE_PATH"], "keys", "access.pem").read_bytes(), None).public_key()
    url = os.environ["SITE_URL"]

    def me() -> dict[str, str]:
        token = request.headers["Authorization"].removeprefix("Bearer ")
        claims = jwt.decode(token, key, algorithms=["ES256"], audience=url, issuer=url)  # type: ignore[arg-type]
        return {name: claims[name] for name in ("sub", "sid", "client_id", "scope")}

    app.add_url_rule("/api/me", view_func=me)
    return app


class Connection(socket.socket):
    """A kept connection."""

    def __init__(self, port: int) -> None:
        super().__init__()
        self.connect(("127.0.0.1", port))

    def send_and_read(self, message: bytes) -> tuple[int, list[bytes]]:
        """Send a request; return the status and the headers of its answer."""
        _, answer = self._ask(message)
        lines = answer.splitlines()
        return int(lines[0].split()[1]), lines[1:]

    def measure(self, message: bytes) -> int:
        """Return how many bytes answer a request, which has to succeed."""
        size, answer = self._ask(message)
        if not answer.startswith(b"HTTP/1.1 200"):
            raise SystemExit(answer.decode())
        return size

    def _ask(self, message: bytes) -> tuple[int, bytes]:
        self.sendall(message)
        answer = b""
        while b"\r\n\r\n" not in answer:
            answer += self.recv(65536)
        head, _, body = answer.partition(b"\r\n\r\n")
        found = re.search(rb"(?i)content-length: (\d+)", head)
        missing = int(found[1]) - len(body) if found else 0
        while missing > 0:
            missing -= len(self.recv(missing))
        return len(head) + 4 + int(found[1] if found else 0), head


def message(method: str, path: str, headers: dict[str, str], form: dict[str, str] | None = None) -> bytes:
    body = urlencode(form or {})
    if form:
        headers = headers | {"Content-Type": "application/x-www-form-urlencoded"}
    lines = [f"{method} {path} HTTP/1.1", "Host: localhost", f"Content-Length: {len(body)}"]
    return "\r\n".join([*lines, *(f"{name}: {value}" for name, value in headers.items()), "", body]).encode()


@contextmanager
def serving(name: str, environ: dict[str, str], workers: int = 1) -> Iterator[int]:
    """Serve one of the applications above, as `make run` does."""
    port = free_port()
    server = subprocess.Popen(
        [sys.executable, "-m", "gunicorn", f"tests.bench:{name}()", "--bind", f"127.0.0.1:{port}", "--worker-class",
         "gthread", "--threads", str(THREADS), "--workers", str(workers), "--log-level", "error", "--no-control-socket"],
        cwd=PROJECT, env=os.environ | environ,
    )  # fmt: skip
    for _ in range(200):
        try:
            socket.create_connection(("127.0.0.1", port)).close()
            break
        except OSError:
            time.sleep(0.05)
    yield port
    server.terminate()
    server.wait()


def rate(port: int, sent: bytes) -> float:
    """Requests a second over several kept connections, driven by one thread so that the server has the rest."""
    connections = [Connection(port) for _ in range(CONNECTIONS)]
    size = {connection.measure(sent) for connection in connections}.pop()  # all answers are alike
    left = dict.fromkeys(connections, 0)
    done = 0
    began = time.perf_counter()
    with selectors.DefaultSelector() as waiting:
        for connection in connections:
            waiting.register(connection, selectors.EVENT_READ)
            connection.sendall(sent)
            left[connection] = size
        while done < REQUESTS:
            for key, _ in waiting.select():
                connection = key.fileobj
                left[connection] -= len(connection.recv(size))
                if left[connection] == 0:
                    done += 1
                    left[connection] = size
                    connection.sendall(sent)
    took = time.perf_counter() - began
    for connection in connections:
        connection.close()
    return done / took


def each(port: int, count: int, act: Callable[[Connection], None]) -> float:
    """Seconds that *act* takes, one after the other."""
    connection = Connection(port)
    began = time.perf_counter()
    for _ in range(count):
        act(connection)
    took = time.perf_counter() - began
    connection.close()
    return took / count


def cookies(headers: list[bytes]) -> dict[str, str]:
    given = SimpleCookie()
    for line in headers:
        name, _, value = line.decode().partition(": ")
        if name.lower() == "set-cookie":
            given.load(value.strip())
    return {name: morsel.value for name, morsel in given.items() if morsel.value}


def carry(pocket: dict[str, str]) -> dict[str, str]:
    return {"Cookie": "; ".join(f"{name}={value}" for name, value in pocket.items())}


class Chain:
    """A browser whose access token is always missing, so that each page exchanges the refresh token."""

    def __init__(self, pocket: dict[str, str]) -> None:
        self._refresh = pocket[REFRESH]

    def advance(self, connection: Connection) -> None:
        status, headers = connection.send_and_read(message("GET", "/account", carry({REFRESH: self._refresh})))
        if status != 200:
            raise SystemExit(f"a refresh was answered {status}")
        self._refresh = cookies(headers)[REFRESH]


def join(port: int, number: int) -> dict[str, str]:
    connection = Connection(port)
    form = {"name": "Ada", "email": f"ada-{number}@example.org", "password": PASSWORD}
    _, headers = connection.send_and_read(message("POST", "/sign-up", {}, form))
    connection.close()
    return cookies(headers)


def compare_checks(ports: dict[str, int], token: str) -> None:
    sent = message("GET", "/api/me", {"Authorization": f"Bearer {token}"})
    for port in ports.values():
        rate(port, sent)
    rates: dict[str, list[float]] = {name: [] for name in ports}
    for _ in range(ROUNDS):
        for name, port in ports.items():
            rates[name].append(rate(port, sent))

    def ratio(other: str) -> str:
        pairs = [ours / theirs for ours, theirs in zip(rates["site"], rates[other], strict=True)]
        return f"{statistics.median(pairs):.2f}  ({min(pairs):.2f} to {max(pairs):.2f})"

    print(f"/api/me, revocation checked / an empty view              {ratio('empty')}")
    print(f"/api/me, revocation checked / PyJWT alone, not checked   {ratio('plain')}")
    for name, found in rates.items():
        print(f"    {name:6} {statistics.median(found):7.0f} requests a second, one worker")


def compare_pages(port: int) -> None:
    pocket = join(port, 0)
    view = message("GET", "/account", carry(pocket))
    page = each(port, 300, lambda connection: None if connection.send_and_read(view)[0] == 200 else sys.exit("no page"))
    refreshing = each(port, 300, Chain(join(port, 1)).advance)
    leaving = iter([message("POST", "/sign-out", carry(join(port, number))) for number in range(2, 42)])
    out = each(
        port, 40, lambda connection: None if connection.send_and_read(next(leaving))[0] == 303 else sys.exit("still in")
    )
    print(f"a page that also refreshes / a page                      {refreshing / page:.2f}")
    print(f"    {1 / refreshing:.0f} refreshes a second, one after the other")
    print(f"Sign Out, with its request, proof and receipt / a page   {out / page:.2f}")
    print(f"    {out * 1000:.1f} ms")


def compare_open_pages(port: int, elsewhere: int) -> None:
    """How much slower pages become while many other pages are open and ask whether their session goes on.

    The browsers share the machine with the site. What they alone cost shows where another process answers them.
    """
    view = message("GET", "/account", carry(join(port, 100)))
    asking = [live(join(port, number)) for number in range(101, 101 + SESSIONS)]
    taken: dict[str, list[float]] = {"alone": [], "elsewhere": [], "here": []}
    for _ in range(ROUNDS):
        taken["alone"].append(page_time(port, view))
        with tabs_open(elsewhere, [message("GET", "/api/me", {})] * SESSIONS):
            taken["elsewhere"].append(page_time(port, view))
        with tabs_open(port, asking):
            taken["here"].append(page_time(port, view))

    def ratio(one: str, other: str) -> str:
        return f"{statistics.median(a / b for a, b in zip(taken[one], taken[other], strict=True)):.2f}"

    question = each(port, 300, lambda connection: connection.send_and_read(asking[0]))
    print(f"a page while {TABS} others are open / a page              {ratio('here', 'alone')}")
    print(f"the same, if another process answers them / a page       {ratio('elsewhere', 'alone')}")
    print(f"the first / the second: what their questions cost        {ratio('here', 'elsewhere')}")
    print(
        f"    they ask {TABS / POLL_SECONDS:.0f} times a second; one is {question / min(taken['alone']):.2f} of a page"
    )


@contextmanager
def tabs_open(port: int, asking: list[bytes]) -> Iterator[None]:
    """Keep many pages open, in a process of their own."""
    tabs = multiprocessing.Process(target=keep_open, args=(port, asking))
    tabs.start()
    time.sleep(POLL_SECONDS)
    yield
    tabs.terminate()
    tabs.join()


def page_time(port: int, view: bytes) -> float:
    """The median of many, in seconds."""
    return statistics.median(each(port, 1, lambda connection: connection.send_and_read(view)) for _ in range(100))


def live(pocket: dict[str, str]) -> bytes:
    """What an open page asks."""
    sid = jwt.decode(pocket[ACCESS], options={"verify_signature": False})["sid"]
    return message("GET", f"/live?session={sid}&at=/devices", carry(pocket))


def keep_open(port: int, asking: list[bytes]) -> None:
    """Let each page ask, wait, and ask again."""
    os.nice(19)  # browsers have processors of their own
    asyncio.run(_keep_open(port, asking))


async def _keep_open(port: int, asking: list[bytes]) -> None:
    async def tab(number: int) -> None:
        await asyncio.sleep(POLL_SECONDS * number / TABS)
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        while True:
            writer.write(asking[number % SESSIONS])
            await reader.readuntil(b"\r\n\r\n")
            await asyncio.sleep(POLL_SECONDS)

    await asyncio.gather(*map(tab, range(TABS)))


def measure_leaving(server: Server) -> None:
    """How long after its session was ended elsewhere an open, visible page has left."""
    elsewhere, taken = server.join("ada@example.org"), []
    with sync_playwright() as playwright, launch(playwright) as browser:
        for _ in range(LEAVINGS):
            visitor = Person(browser.new_context(base_url=server.url))
            visitor.sign_in("ada@example.org")
            visitor.page.goto("/activity")
            sid = visitor.page.locator("html").get_attribute("data-session")
            time.sleep(random.uniform(0, POLL_SECONDS))
            server.ask("POST", f"/devices/{sid}/end", elsewhere)
            began = time.perf_counter()
            visitor.page.wait_for_url("**/sign-in**", wait_until="commit")
            taken.append(time.perf_counter() - began)
            visitor.context.close()
    p50, p95 = statistics.median(taken), statistics.quantiles(taken, n=20)[-1]
    print(f"a page has left after its session was ended elsewhere    {p50:.1f} s (p50), {p95:.1f} s (p95)")


def main() -> None:
    folder = Path(tempfile.mkdtemp())
    environ = {"INSTANCE_PATH": str(folder), "SITE_URL": "http://localhost:8000"}
    try:
        with serving("site", environ) as site_port:
            token = join(site_port, 99)[ACCESS]
            with serving("empty", environ) as empty_port, serving("plain", environ) as plain_port:
                compare_checks({"site": site_port, "empty": empty_port, "plain": plain_port}, token)
            compare_pages(site_port)
        with serving("site", environ, workers=2) as site_port, serving("empty", environ, workers=2) as empty_port:
            compare_open_pages(site_port, empty_port)
        server = Server(folder / "browsers")
        measure_leaving(server)
        server.stop()
    finally:
        shutil.rmtree(folder)
    print(re.sub(r"\s+", " ", f"Python {sys.version.split()[0]}, {os.cpu_count()} processors"))


if __name__ == "__main__":
    main()
