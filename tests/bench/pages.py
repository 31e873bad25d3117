"""Checks and pages: what they cost, as ratios."""

import asyncio
import multiprocessing
import os
import random
import statistics
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

import jwt
from playwright.sync_api import sync_playwright

from tests.bench.report import say
from tests.bench.wire import Chain, carry, each, join, message, rate
from tests.browsers import ACCESS
from tests.e2e.conftest import Person, launch
from tests.server import Server

ROUNDS = 11
TABS, SESSIONS = 500, 20
LEAVINGS = 40
POLL_SECONDS = 1.7  # as in static/js/live.js


def compare_checks(ports: dict[str, int], tokens: dict[str, str]) -> None:
    sent = {name: message("GET", "/api/me", {"Authorization": f"Bearer {tokens[name]}"}) for name in ports}
    for name, port in ports.items():
        rate(port, sent[name])
    rates: dict[str, list[float]] = {name: [] for name in ports}
    for _ in range(ROUNDS):
        for name, port in ports.items():
            rates[name].append(rate(port, sent[name]))

    def ratio(other: str) -> str:
        pairs = [ours / theirs for ours, theirs in zip(rates["site"], rates[other], strict=True)]
        return f"{statistics.median(pairs):.2f} ({min(pairs):.2f} to {max(pairs):.2f})"

    say("`/api/me` with the revocation check / an empty Flask view", ratio("empty"))
    say(
        "`/api/me` with the revocation check / the same with PyJWT alone, never asking about revocation", ratio("plain")
    )
    say("`/api/me` with the revocation check / Flask-JWT-Extended with its Redis blocklist", ratio("extended"))


def compare_pages(port: int) -> None:
    pocket = join(port, 0)
    view = message("GET", "/account", carry(pocket))
    page = each(port, 300, lambda connection: None if connection.send_and_read(view)[0] == 200 else sys.exit("no page"))
    refreshing = each(port, 300, Chain(join(port, 1)).advance)
    leaving = iter([message("POST", "/sign-out", carry(join(port, number))) for number in range(2, 42)])
    out = each(
        port, 40, lambda connection: None if connection.send_and_read(next(leaving))[0] == 303 else sys.exit("still in")
    )
    say("a page that also exchanges the refresh token / a page", f"{refreshing / page:.1f}")
    say("Sign Out, with its request, both proofs and the receipt / a page", f"{out / page:.1f} ({out * 1000:.0f} ms)")


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
    say(f"a page while {TABS} other tabs are open / a page", ratio("here", "alone"))
    say("the same, if another process answers those tabs", ratio("elsewhere", "alone"))
    say("the first / the second: what their questions cost", ratio("here", "elsewhere"))
    say("one question of an open tab / a page", f"{question / min(taken['alone']):.2f}")


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
    say("an open page has left after its session was ended elsewhere", f"{p50:.1f} s (p50), {p95:.1f} s (p95)")
