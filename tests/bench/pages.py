"""The cost of each act beside a view that does as little as possible, and of open tabs to other pages."""

import asyncio
import json
import multiprocessing
import os
import random
import statistics
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from multiprocessing.sharedctypes import Synchronized

from playwright.sync_api import Browser, sync_playwright

from tests.bench.acts import PAGES, Acts, running
from tests.bench.arms import Arm, again, flooding, measure, ratio, rows
from tests.bench.line import Answer, Asked, Line, carrying, get
from tests.bench.report import say, table
from tests.bench.wire import serving
from tests.browsers import Pocket
from tests.e2e.conftest import Person, launch
from tests.server import Server

ROUNDS = 9
TABS, SESSIONS = 500, 20
LEAVINGS = 20
VISITOR = "visitor@example.org"
POLL_SECONDS = 1.7  # as in static/js/live.js
_FRAMING = {"Connection", "Content-Length", "Date", "Transfer-Encoding"}  # what a server adds to any answer


def compare_acts(backing: str) -> None:
    """Measure every act beside a view that sends the same and does nothing."""
    with running(backing) as acts:
        check = acts.check()
        answers = {"/api/me": acts.line.ask(check)}
        answers |= {path: acts.line.ask(get(path, **carrying(acts.ada))) for path in PAGES.values()}
        jwk = json.dumps(acts.line.ask(get("/oauth/jwks")).json["keys"][0])
        known = {"SITE_URL": acts.server.url, "JWK": jwk, "ANSWERS": json.dumps(bare(answers))}
        with serving("empty", known) as empty, serving("plain", known) as plain, serving("floor", known) as floor:
            checks = {"an empty view": empty, "PyJWT alone, which never asks about revocation": plain}
            checks |= {"a view that sends the same headers and JSON": floor}
            floors = {name: flooding(name, [pid], port, check) for name, (port, pid) in checks.items()}
            pages = {name: _constant(f"a constant page like {name}", floor, path) for name, path in PAGES.items()}
            ours = acts.arms()
            beside = {"check": [*floors.values()]} | {name: [constant] for name, constant in pages.items()}
            measure([arm for name, own in ours.items() for arm in (own, *beside.get(name, []))], ROUNDS)
    table(
        f"Processor time of all server processes, on {backing}, {ROUNDS} rounds",
        rows([*ours.values(), *floors.values()]),
    )
    for name, arm in floors.items():
        say(f"check / {name}, on {backing}", ratio(ours["check"], arm))
    for name, arm in pages.items():
        say(f"{name} / a constant page of its size and headers, on {backing}", ratio(ours[name], arm))
    for refresh, whose in (("refresh", "a browser’s"), ("app refresh", "an app’s")):
        say(
            f"sign out with its request, both proofs and the receipt / {whose} refresh, on {backing}",
            ratio(ours["sign out"], ours[refresh]),
        )
    say(f"a question of an open tab / the account page, on {backing}", ratio(ours["live"], ours["account"]))


def bare(answers: dict[str, Answer]) -> dict[str, tuple[dict[str, str], str]]:
    """Return the headers and the body of each answer, without what a server adds."""
    return {
        path: ({name: value for name, value in found.headers if name not in _FRAMING}, found.body.decode())
        for path, found in answers.items()
    }


def _constant(name: str, floor: tuple[int, int], path: str) -> Arm:
    port, pid = floor
    return Arm(name, [pid], again(partial(Line(port).ask, get(path))))


def compare_open_pages() -> None:
    """Measure how much slower a page is while many open tabs ask whether their session goes on.

    The browsers share the machine with the site. What they alone cost shows where another process answers them.
    """
    with running(workers=2) as acts, serving("empty", {}, workers=2) as (elsewhere, _):
        asking = [acts.live(acts.join()) for _ in range(SESSIONS)]
        idle = [get("/api/me")] * SESSIONS
        taken: dict[str, list[float]] = {"alone": [], "elsewhere": [], "here": []}
        for _ in range(ROUNDS):
            taken["alone"].append(_page_time(acts))
            with tabs_open(elsewhere, idle):
                taken["elsewhere"].append(_page_time(acts))
            with tabs_open(acts.server.port, asking):
                taken["here"].append(_page_time(acts))

    def compare(one: str, other: str) -> str:
        found = [a / b for a, b in zip(taken[one], taken[other], strict=True)]
        return f"{statistics.median(found):.2f} ({min(found):.2f} to {max(found):.2f})"

    say(f"the account page while {TABS} other tabs are open / without them", compare("here", "alone"))
    say("the same, if another process answers those tabs", compare("elsewhere", "alone"))
    say("the first / the second: what their questions cost", compare("here", "elsewhere"))


@contextmanager
def tabs_open(port: int, asking: list[Asked]) -> Iterator[None]:
    """Keep many pages open, in another process. Fail unless all of them asked and were answered."""
    answered = multiprocessing.Value("L", 0)
    tabs = multiprocessing.Process(target=keep_open, args=(port, asking, answered))
    tabs.start()
    time.sleep(2 * POLL_SECONDS)
    before, began = answered.value, time.monotonic()
    yield
    seconds, asked = time.monotonic() - began, answered.value - before
    is_open = tabs.is_alive()
    tabs.terminate()
    tabs.join()
    if not is_open:
        raise SystemExit("the tabs went away while a page was measured beside them")
    if asked < TABS * seconds / POLL_SECONDS / 2:
        raise SystemExit(f"{TABS} tabs were answered {asked} times in {seconds:.1f} s")


def keep_open(port: int, asking: list[Asked], answered: "Synchronized[int]") -> None:
    """Let each page ask, wait, and ask again. Stop at the first wrong answer."""
    os.nice(19)  # browsers run on other machines
    asyncio.run(_keep_open(port, asking, answered))


async def _keep_open(port: int, asking: list[Asked], answered: "Synchronized[int]") -> None:
    async def tab(number: int) -> None:
        asked = asking[number % SESSIONS]
        await asyncio.sleep(POLL_SECONDS * number / TABS)
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        while True:
            writer.write(asked.raw)
            head = await reader.readuntil(b"\r\n\r\n")
            status = int(head.split()[1])
            if status != asked.status:
                raise SystemExit(f"a tab was answered {status}")
            if status != 204:
                await reader.readexactly(int(head.lower().partition(b"content-length: ")[2].split()[0]))
            answered.value += 1
            await asyncio.sleep(POLL_SECONDS)

    await asyncio.gather(*map(tab, range(TABS)))


def _page_time(acts: Acts) -> float:
    """Return the median of many, in seconds."""
    asked, taken = get("/account", **carrying(acts.ada)), []
    for _ in range(100):
        began = time.perf_counter()
        acts.line.ask(asked)
        taken.append(time.perf_counter() - began)
    return statistics.median(taken)


def measure_leaving() -> None:
    """How long after its session was ended elsewhere an open, visible page has left."""
    with running() as acts, sync_playwright() as playwright, launch(playwright) as browser:
        elsewhere = acts.server.join(VISITOR)
        taken = [_leave(acts.server, elsewhere, browser) for _ in range(LEAVINGS)]
    p50, p95 = statistics.median(taken), statistics.quantiles(taken, n=20)[-1]
    say("an open page has left after its session was ended elsewhere", f"{p50:.1f} s (p50), {p95:.1f} s (p95)")


def _leave(server: Server, elsewhere: Pocket, browser: Browser) -> float:
    visitor = Person(browser.new_context(base_url=server.url))
    visitor.sign_in(VISITOR)
    visitor.page.goto("/activity")
    sid = visitor.page.locator("html").get_attribute("data-session")
    time.sleep(random.uniform(0, POLL_SECONDS))
    server.ask("POST", f"/devices/{sid}/end", elsewhere)
    began = time.perf_counter()
    visitor.page.wait_for_url("**/sign-in**", wait_until="commit")
    took = time.perf_counter() - began
    visitor.context.close()
    return took
