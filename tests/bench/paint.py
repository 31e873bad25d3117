"""First paint: how long a new visitor with a slow phone waits for the home page, beside a page of the same bytes alone."""

import json
import re
import statistics

from playwright.sync_api import Browser, sync_playwright

from tests.bench.acts import running
from tests.bench.line import get
from tests.bench.pages import bare
from tests.bench.report import say
from tests.bench.wire import serving
from tests.e2e.conftest import launch

LOADS = 15
SLOWDOWN = 4  # times: about a cheap phone's processor
PHONE = {"width": 390, "height": 844}
_FILES = re.compile(r"<link rel=\"stylesheet\"[^>]*>|<script[^>]*></script>")
_PAINT = """() => new Promise(done => new PerformanceObserver(list => {
    const found = list.getEntriesByName("first-contentful-paint")
    if (found.length) done(found[0].startTime)
}).observe({ type: "paint", buffered: true }))"""


def compare() -> None:
    """Load both in turn, each time with an empty cache."""
    with running() as acts, sync_playwright() as playwright, launch(playwright) as browser:
        headers, page = bare({"/": acts.line.ask(get("/"))})["/"]
        alone = _FILES.sub(lambda found: f"<!--{'-' * max(0, len(found[0]) - 7)}-->", page)
        with serving("floor", {"ANSWERS": json.dumps({"/": (headers, alone)})}) as (port, _):
            places = acts.server.url, f"http://127.0.0.1:{port}"
            taken = [[_paint(browser, place) for place in places] for _ in range(LOADS + 1)][1:]
    ratios, home = [ours / alone for ours, alone in taken], statistics.median(ours for ours, _ in taken)
    said = f"{statistics.median(ratios):.2f} ({min(ratios):.2f} to {max(ratios):.2f}; {home:.0f} ms)"
    say(
        f"first paint of home for a new visitor, {SLOWDOWN} times slowed down / of its bytes without style and script",
        said,
    )


def _paint(browser: Browser, url: str) -> float:
    """Return the first contentful paint of a page, in milliseconds."""
    context = browser.new_context(viewport={**PHONE})  # type: ignore[typeddict-item]
    page = context.new_page()
    context.new_cdp_session(page).send("Emulation.setCPUThrottlingRate", {"rate": SLOWDOWN})
    page.goto(url)
    painted: float = page.evaluate(_PAINT)
    context.close()
    return painted
