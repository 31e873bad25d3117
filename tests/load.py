"""Two hundred browsers for two minutes: `make load`. Prints how long each page took, and every wrong answer.

Each browser signs in, looks at pages, renews its tokens, signs out, and then tries the cookies it had. SECONDS and
BROWSERS change how long and how many; BROWSERS=0 leaves this part out.

Then how far a crowd holds up others: a few people use the site in turn by themselves and beside sockets that send half
a request, visitors of the lab who present their copies again and again, and open tabs. Both happen in several rounds,
so other load on the machine meets both, and each p95 is of more than a hundred sign-outs. It may treble. The crowd
is played by a separate process, so what is measured holds no wait inside the program that measures.
"""

import asyncio
import contextlib
import multiprocessing
import os
import random
import re
import shutil
import statistics
import sys
import tempfile
import time
from collections import Counter, defaultdict
from http.cookies import SimpleCookie
from multiprocessing.connection import Connection
from pathlib import Path
from types import TracebackType
from urllib.parse import urlencode

import jwt

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from tests.browsers import ACCESS, PASSWORD, REFRESH, Pocket
from tests.server import Server

BROWSERS = int(os.environ.get("BROWSERS", "200"))
SECONDS = int(os.environ.get("SECONDS", "120"))
THINK = (1.0, 5.0)  # seconds between two clicks of one person
ARRIVING = 20.0  # seconds in which all have arrived
AT_ONCE = 4  # sign-ups at once, before it begins
PEOPLE, STUCK, REPLAYS, TABS = 20, 150, 130, 500
BRISK = (0.3, 1.5)  # seconds between two clicks of those who are measured beside a crowd
POLL = 1.7  # seconds between two questions of an open tab
ROUNDS = 3  # with and without the crowd
MOST = 3  # times as long may a Sign Out take in the crowd
FORM = re.compile(rb'name="once" value="([^"]+)"')


class Wrong(Exception):
    """An answer was wrong, so this round proves nothing."""


class Record:
    """What was measured and what was wrong."""

    def __init__(self) -> None:
        self.milliseconds: dict[str, list[float]] = defaultdict(list)
        self.wrong: Counter[str] = Counter()
        self.crowd: Counter[str] = Counter()
        self.memory: list[int] = []

    def print(self) -> None:
        self.print_times()
        total = sum(map(len, self.milliseconds.values()))
        print(f"{total} requests, {total / SECONDS:.0f} a second; wrong answers: {dict(self.wrong) or 'none'}")
        print(f"memory of the workers after each quarter: {', '.join(f'{found} MiB' for found in self.memory)}")

    def print_times(self) -> None:
        print(f"{'':34}{'times':>7}{'p50 ms':>9}{'p95 ms':>9}")
        for name, taken in sorted(self.milliseconds.items()):
            p50 = statistics.median(taken)
            print(f"{name:34}{len(taken):>7}{p50:>9.0f}{self.p95(name):>9.0f}")

    def p95(self, name: str) -> float:
        taken = self.milliseconds[name]
        return statistics.quantiles(taken, n=20)[-1] if len(taken) > 1 else taken[0]


class Browser:
    """One person's browser, and what its cookies are."""

    def __init__(self, port: int, record: Record, number: int, think: tuple[float, float] = THINK) -> None:
        self._port, self._thinking = port, think
        self.record = record
        self.email = f"person-{number}@example.org"
        self._pocket: Pocket = {}
        self._form = ""  # the id of the page that was looked at last

    async def sign_up(self) -> None:
        await self._see("Sign up", 303, "POST", "/sign-up", name="Ada", email=self.email, password=PASSWORD)

    async def live(self, until: float, arriving: float = ARRIVING) -> None:
        await asyncio.sleep(random.uniform(0, arriving))
        while time.monotonic() < until:
            with contextlib.suppress(Wrong):
                for step in (self.sign_in, self._look, self._look, self._renew, self._list, self._look, self._leave):
                    await step()
                    await self._think()

    async def replay(self) -> None:
        """Sign in and out in the lab, then present the copy for ever; come back when told to."""
        for path, form in (("sign-in", {}), ("copy", {}), ("sign-out", {"way": "sign-out"})):
            while await self._press(path, **form) != 303:
                pass
        while True:
            await self._press("replay")

    async def _press(self, path: str, **form: str) -> int:
        """Press a button of the lab; come back later if told to."""
        status, _ = await self._ask("POST", f"/lab/{path}", self._pocket, **form)
        self.record.crowd[f"{path} {status}"] += 1
        await asyncio.sleep(3 if status in (429, 503) else 0)
        return status

    def share(self, other: "Browser") -> None:
        """Be another tab of the same browser."""
        self._pocket = other._pocket

    async def open_tab(self) -> None:
        """Ask as an open page does, whether its session lives."""
        await asyncio.sleep(random.uniform(0, POLL))
        claims = jwt.decode(self._pocket[ACCESS], options={"verify_signature": False})
        while True:
            status, _ = await self._ask("GET", f"/live?session={claims['sid']}&at=/", self._pocket)
            self.record.crowd[f"tab {status}"] += 1
            await asyncio.sleep(POLL)

    async def sign_in(self) -> None:
        self._pocket = {}
        await self._see("Sign in", 303, "POST", "/sign-in", email=self.email, password=PASSWORD)

    async def _look(self) -> None:
        name, path = random.choice([("Home", "/"), ("Account", "/account"), ("Activity", "/activity")])
        found = FORM.search(await self._see(name, 200, "GET", path))
        self._form = found[1].decode() if found else ""

    async def _renew(self) -> None:
        del self._pocket[ACCESS]
        before = self._pocket[REFRESH]
        await self._see("Account, and tokens renewed", 200, "GET", "/account")
        if self._pocket[REFRESH] == before:
            self.record.wrong["not renewed"] += 1

    async def _list(self) -> None:
        body = await self._see("Devices", 200, "GET", "/devices")
        if b"This browser" not in body:
            self.record.wrong["not listed"] += 1

    async def _leave(self) -> None:
        copies = [dict(self._pocket), *({name: self._pocket[name]} for name in (ACCESS, REFRESH))]
        await self._see("Sign Out", 303, "POST", "/sign-out", once=self._form)
        for copy in copies:
            status, _ = await self._ask("GET", "/account", copy)
            if status != 303:
                self.record.wrong[f"an ended session was answered {status}"] += 1
        await self._see("Receipt", 200, "GET", "/signed-out")

    async def _think(self) -> None:
        await asyncio.sleep(random.uniform(*self._thinking))

    async def _see(self, title: str, expected: int, method: str, path: str, /, **form: str) -> bytes:
        began = time.perf_counter()
        status, body = await self._ask(method, path, self._pocket, **form)
        self.record.milliseconds[title].append((time.perf_counter() - began) * 1000)
        if status != expected:
            self.record.wrong[f"{method} {path} was answered {status}"] += 1
            raise Wrong
        return body

    async def _ask(self, method: str, path: str, pocket: Pocket, /, **form: str) -> tuple[int, bytes]:
        body = urlencode(form)
        lines = [f"{method} {path} HTTP/1.1", "Host: localhost", "Accept: text/html", "Connection: close"]
        if pocket:
            lines.append("Cookie: " + "; ".join(f"{name}={value}" for name, value in pocket.items()))
        if method == "POST":
            lines += ["Content-Type: application/x-www-form-urlencoded", f"Content-Length: {len(body)}"]
        reader, writer = await asyncio.open_connection("127.0.0.1", self._port)
        writer.write("\r\n".join([*lines, "", body]).encode())
        head, _, content = (await reader.read(-1)).partition(b"\r\n\r\n")
        writer.close()
        status, *headers = head.decode().split("\r\n")
        if pocket is self._pocket:
            self._keep(headers)
        return int(status.split()[1]), content

    def _keep(self, headers: list[str]) -> None:
        for line in headers:
            name, _, value = line.partition(": ")
            if name.lower() == "set-cookie":
                for cookie, morsel in SimpleCookie(value).items():
                    self._pocket[cookie] = morsel.value
                    if not morsel.value:
                        del self._pocket[cookie]


def memory(server: Server) -> int:
    """MiB that the workers hold and share with no process."""
    kept = 0
    for pid in server.workers():
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
        kept += sum(int(line.split()[1]) for line in lines if line.startswith("Private"))
    return kept // 1024


async def watch(server: Server, record: Record) -> None:
    for _ in range(4):
        await asyncio.sleep(SECONDS / 4 - 2)
        seen = []
        for _ in range(40):  # a password that is being checked takes 46 MiB for a moment
            await asyncio.sleep(0.05)
            seen.append(memory(server))
        record.memory.append(min(seen))


async def join(server: Server) -> None:
    """Make an account for everyone who comes later."""
    gate = asyncio.Semaphore(AT_ONCE)

    async def sign_up(browser: Browser) -> None:
        async with gate:
            await browser.sign_up()

    people = max(BROWSERS, 2 * PEOPLE)
    await asyncio.gather(*(sign_up(Browser(server.port, Record(), number)) for number in range(people)))


async def run(server: Server) -> Record:
    record, until = Record(), time.monotonic() + SECONDS
    browsers = [Browser(server.port, record, number) for number in range(BROWSERS)]
    await asyncio.gather(watch(server, record), *(browser.live(until) for browser in browsers))
    return record


async def hold(port: int, number: int) -> None:
    """Send half a request, wait until the server has had enough of it, and begin again."""
    half = (
        b"GET / HTTP/1.1\r\nHost: local",
        b"POST /sign-in HTTP/1.1\r\nHost: localhost\r\nContent-Length: 999\r\n\r\nemail=",
    )
    while True:
        with contextlib.suppress(OSError):
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(half[number % 2])
            await reader.read(-1)
            writer.close()
        await asyncio.sleep(1)


class Crowd:
    """The crowd, in a separate process: from the moment at which all of it is there to the end of the block."""

    def __init__(self, port: int) -> None:
        self._port = port
        self.answers: Counter[str] = Counter()

    def __enter__(self) -> "Crowd":
        self._end, other = multiprocessing.Pipe()
        self._process = multiprocessing.Process(target=play, args=(self._port, other))
        self._process.start()
        other.close()  # so that a crowd that fails is an error here
        self._end.recv()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._end.send("stop")
        self.answers += self._end.recv()
        self._process.join()


def play(port: int, end: Connection) -> None:
    asyncio.run(throng(port, end))


async def throng(port: int, end: Connection) -> None:
    """Send when the crowd is there; be it until told to stop; then send how it was answered."""
    seen = Record()
    owners = [Browser(port, seen, number) for number in range(PEOPLE, 2 * PEOPLE)]
    for owner in owners:
        await owner.sign_in()
    crowd = [Browser(port, seen, number) for number in range(REPLAYS + TABS)]
    for number, tab in enumerate(crowd[REPLAYS:]):
        tab.share(owners[number % len(owners)])
    tasks = [asyncio.create_task(hold(port, number)) for number in range(STUCK)]
    tasks += [asyncio.create_task(browser.replay()) for browser in crowd[:REPLAYS]]
    tasks += [asyncio.create_task(browser.open_tab()) for browser in crowd[REPLAYS:]]
    while seen.crowd["sign-out 303"] < REPLAYS or seen.crowd["tab 204"] < TABS:
        await asyncio.sleep(0.2)  # until each visitor presents a copy, and each tab has asked once
    end.send("there")
    await asyncio.to_thread(end.recv)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    end.send(seen.crowd)


async def use(server: Server, record: Record) -> None:
    """Let a few people use the site, and take down what they see."""
    people = [Browser(server.port, record, number, BRISK) for number in range(PEOPLE)]
    until = time.monotonic() + SECONDS / 2 / ROUNDS
    await asyncio.gather(*(person.live(until, arriving=2) for person in people))


def compare(server: Server) -> tuple[Record, Record, Counter[str]]:
    """Return what was measured without a crowd, what with one, and how that one was answered."""
    quiet, crowded, crowd = Record(), Record(), Crowd(server.port)
    for _ in range(ROUNDS):
        asyncio.run(use(server, quiet))
        with crowd:
            asyncio.run(use(server, crowded))
    return quiet, crowded, crowd.answers


def main() -> None:
    folder = Path(tempfile.mkdtemp())
    server = Server(folder / "instance", anew=True)
    try:
        asyncio.run(join(server))
        record = asyncio.run(run(server)) if BROWSERS else Record()
        if BROWSERS:
            record.print()
        quiet, crowded, answers = compare(server)
        ratio = crowded.p95("Sign Out") / quiet.p95("Sign Out")
        print(f"\nbeside {STUCK} stuck sockets, {REPLAYS} replays and {TABS} tabs ({dict(answers)}):")
        crowded.print_times()
        print("\nand without them:")
        quiet.print_times()
        print(
            f"Sign Out, p95, beside a crowd / without: {ratio:.1f} ({crowded.p95('Sign Out'):.0f} ms / {quiet.p95('Sign Out'):.0f} ms)"
        )
        print(f"wrong answers: {dict(quiet.wrong + crowded.wrong) or 'none'}")
        broken = [line for line in server.output().splitlines() if "unforeseen" in line or "Traceback" in line]
        print(f"{os.cpu_count()} processors, shared with the {BROWSERS} browsers; {len(broken)} mistakes in the log")
    finally:
        server.stop()
        shutil.rmtree(folder)
    sys.exit(1 if record.wrong or quiet.wrong or crowded.wrong or broken or ratio > MOST else 0)


if __name__ == "__main__":
    main()
