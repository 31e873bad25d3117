"""Measurements, as ratios in one run: `make bench`. Each pair is measured in turn, so a change of the machine hits both.

`python -m tests.bench acts tabs` measures some parts alone, and writes nothing.
"""

import sys
import time
from functools import partial

from tests.bench import backings, bound, chart, checkers, logout, memory, pages, paint, report, sizes
from tests.forking import PROJECT

PARTS = {
    "acts": partial(pages.compare_acts, "sqlite"),
    "acts-postgresql": partial(pages.compare_acts, "postgresql"),
    "bound": bound.compare,
    "tabs": pages.compare_open_pages,
    "leaving": pages.measure_leaving,
    "paint": paint.compare,
    "memory": memory.measure,
    "checkers": checkers.compare,
    "nodes": backings.compare_nodes,
    "sizes": partial(sizes.compare, "sqlite"),
    "sizes-postgresql": partial(sizes.compare, "postgresql"),
    "joining": backings.measure_joining,
    "apps": logout.compare_sign_outs,
}
DOCS = PROJECT / "docs"
QUOTED = (  # by the README
    "check / a view that sends the same headers and JSON, on sqlite",
    "check / PyJWT alone, which never asks about revocation, on sqlite",
    "account / a constant page of its size and headers, on sqlite",
    "devices / a constant page of its size and headers, on sqlite",
    "sign out with its request, both proofs and the receipt / a browser’s refresh, on sqlite",
    "sign out with its request, both proofs and the receipt / an app’s refresh, on sqlite",
    "the account page while 500 other tabs are open / without them",
    "check with 1,000,000 of 10,000,000 sessions revoked / with 1,000",
    "Sign Out with 4 nodes on postgresql / with one",
)


def main() -> None:
    wanted = sys.argv[1:]
    if set(wanted) - set(PARTS):
        sys.exit(f"The parts are: {', '.join(PARTS)}.")
    for name in wanted or PARTS:
        began = time.monotonic()
        PARTS[name]()
        print(f"[{name}: {time.monotonic() - began:.0f} s]", file=sys.stderr, flush=True)
    if not wanted:
        report.save(DOCS / "measured.json")
        report.fill(DOCS / "performance.md", "bench")
        report.quote(PROJECT / "README.md", "bench", QUOTED)
        chart.draw(DOCS / "measured.json", DOCS / "pictures" / "measured.svg")


if __name__ == "__main__":
    main()
