"""Measurements, as ratios in one run: `make bench`. Each pair is measured in turn, so a change of the machine hits both."""

import json
import os
import re
import shutil
import sys
import tempfile
import urllib.request
from pathlib import Path

from tests.backings import redis_server
from tests.bench import backings, chart, checkers, logout, pages, report
from tests.bench.wire import join, serving
from tests.browsers import ACCESS
from tests.forking import PROJECT
from tests.server import Server


def fetch(port: int, path: str) -> str:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}") as answer:
        found: str = answer.read().decode()
        return found


def measure_site(folder: Path) -> None:
    environ = {"INSTANCE_PATH": str(folder), "SITE_URL": "http://localhost:8000"}
    with serving("site", environ) as site:
        token = join(site, 99)[ACCESS]
        known = environ | {"JWK": json.dumps(json.loads(fetch(site, "/oauth/jwks"))["keys"][0])}
        with (
            serving("empty", known) as empty,
            serving("plain", known) as plain,
            serving("extended", {"BLOCKLIST": redis_server().url}) as extended,
        ):
            ports = {"site": site, "empty": empty, "plain": plain, "extended": extended}
            pages.compare_checks(ports, dict.fromkeys(ports, token) | {"extended": fetch(extended, "/token")})
        pages.compare_pages(site)
    with serving("site", environ, workers=2) as site, serving("empty", environ, workers=2) as empty:
        pages.compare_open_pages(site, empty)
    server = Server(folder / "browsers", anew=True)
    pages.measure_leaving(server)
    server.stop()


def main() -> None:
    folder = Path(tempfile.mkdtemp())
    try:
        measure_site(folder)
    finally:
        shutil.rmtree(folder)
    checkers.compare()
    for measure in (
        backings.compare_nodes,
        backings.compare_refreshes,
        backings.compare_devices,
        backings.compare_sizes,
        backings.measure_joining,
        logout.compare_sign_outs,
    ):
        measure()
    print(re.sub(r"\s+", " ", f"Python {sys.version.split()[0]}, {os.cpu_count()} processors"))
    report.save(PROJECT / "docs" / "measured.json")
    chart.draw(PROJECT / "docs" / "measured.json", PROJECT / "docs" / "pictures" / "measured.svg")


if __name__ == "__main__":
    main()
