"""What the processes of the site take: an idle first one, and a worker that has answered."""

from pathlib import Path

from tests.bench.acts import PAGES, running
from tests.bench.line import carrying, get
from tests.bench.report import say

ASKED = 20


def measure() -> None:
    """Of each process: what it has in memory, and what of that is its own (the rest it shares with the other)."""
    with running() as acts:
        for path in [*PAGES.values(), "/lab", "/lab/designs"] * ASKED:
            acts.line.ask(get(path, **carrying(acts.ada)))
        [worker] = acts.server.workers()
        for name, pid in (("the first process, which only watches", acts.server.pid), ("a worker", worker)):
            found = _read(pid)
            say(f"memory of {name}", f"{found['Rss']:.0f} MB, of it {found['Private_Dirty']:.0f} MB its own")


def _read(pid: int) -> dict[str, float]:
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()[1:]
    return {name: int(value.split()[0]) / 1000 for name, value in (line.split(":") for line in lines)}
