"""Sign Out with many apps to tell, some of which hang, and without any."""

import asyncio
import multiprocessing
import shutil
import statistics
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from app.identity import grant, refresh_token, session_row, users
from app.identity.browsers import Browser
from app.identity.proof import Proof
from app.identity.session import Session
from app.oauth import clients
from app.store.db import db, writing
from tests import backings
from tests.bench.line import Line, carrying, post
from tests.bench.report import say
from tests.browsers import ACCESS, REFRESH, SITE_URL, Pocket, Site
from tests.server import Server

APPS, HANG = 100, 10
LEAVINGS = 20
LONGEST = 60


@dataclass
class Arm:
    """A separate site with its apps, by their ids. *taken*: how long each Sign Out took, in seconds."""

    name: str
    server: Server
    site: Site
    apps: list[str]
    taken: list[float]

    def leave(self) -> None:
        """Sign out once, having used every app; then wait until each app that answers has been told."""
        pocket = self._sign_in()
        began = time.perf_counter()
        Line(self.server.port).ask(post("/sign-out", {}, 303, **carrying(pocket)))
        self.taken.append(time.perf_counter() - began)
        self._settle()

    def _sign_in(self) -> Pocket:
        with self.site.app.test_request_context(base_url=SITE_URL), writing():
            ada = users.find("ada@example.org") or users.sign_up("ada@example.org", "Ada", "x")
            assert ada is not None
            browser = Session.start(ada, Browser("a browser", "192.0.2.1"), keep=True)
            proof = Proof(browser.last_auth_at, None)
            for app in self.apps:
                refresh_token.give(grant.find(session_row.of(browser), app, "openid", proof).take(), "openid", proof)
            tokens = refresh_token.issue(browser)
            db.session.flush()
            return {ACCESS: tokens.access, REFRESH: tokens.refresh}

    def _settle(self) -> None:
        waits = "SELECT count(*) FROM logout_messages WHERE attempts = 0 AND delivered_at IS NULL"
        hang = HANG if self.name == "hang" else 0
        for _ in range(LONGEST * 20):
            # Those that hang are still held: of these, every leaving leaves some behind.
            if self.server.query(waits)[0][0] <= hang * len(self.taken):
                return
            time.sleep(0.05)
        raise SystemExit("apps were not told")


def compare_sign_outs() -> None:
    """In turn, each on its own site, and all of them with as many apps, whose sessions end with the browser's."""
    with parties() as port, arm("hang", port) as hang, arm("answer", port) as answer, arm("none", port) as none:
        for _ in range(LEAVINGS):
            for one in (hang, answer, none):
                one.leave()
        _compare(f"Sign Out with {APPS} apps to tell, of which {HANG} hang / of which all answer", hang, answer)
        _compare(f"Sign Out with {APPS} apps to tell, of which {HANG} hang / with {APPS} that are not told", hang, none)


def _compare(what: str, one: Arm, other: Arm) -> None:
    ours, theirs = _quantiles(one.taken), _quantiles(other.taken)
    ratios = ", ".join(f"{a / b:.2f} ({name})" for a, b, name in zip(ours, theirs, ("p50", "p95"), strict=True))
    say(what, f"{ratios}; {ours[0] * 1000:.0f} and {ours[1] * 1000:.0f} ms")


def _quantiles(taken: list[float]) -> tuple[float, float]:
    return statistics.median(taken), statistics.quantiles(taken, n=20)[-1]


@contextmanager
def arm(name: str, port: int) -> Iterator[Arm]:
    folder = Path(tempfile.mkdtemp()) / "instance"
    folder.mkdir(mode=0o700)
    server = Server(folder, anew=True, TEST_CONTROLS="0")
    site = Site(folder, SITE_URL=server.url, TEST_CONTROLS="0")
    apps = []
    with site.app.app_context(), writing():
        for number in range(APPS):
            path = "hang" if name == "hang" and number < HANG else "answer"
            uri = None if name == "none" else f"http://127.0.0.1:{port}/{path}"
            client, _ = clients.register(f"App {number}", backchannel_logout_uri=uri, may_be_private=True)
            apps.append(client.id)
    yield Arm(name, server, site, apps, [])
    site.close()
    server.kill()
    shutil.rmtree(folder.parent)


@contextmanager
def parties() -> Iterator[int]:
    """The apps' end of it, in a separate process."""
    port = backings.free_port()
    process = multiprocessing.Process(target=_answer, args=(port,), daemon=True)
    process.start()
    yield port
    process.terminate()
    process.join()


def _answer(port: int) -> None:
    asyncio.run(_serve(port))


async def _serve(port: int) -> None:
    async def take(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        if b" /hang " in head:
            await reader.read()  # until the other side gives up
        writer.write(b"HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n")
        writer.close()

    async with await asyncio.start_server(take, "127.0.0.1", port, backlog=1000) as server:
        await server.serve_forever()
