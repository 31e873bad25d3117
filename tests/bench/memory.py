"""The memory of the site's processes: an idle first one, and a worker that has answered."""

from pathlib import Path

from tests.bench.acts import PAGES, running
from tests.bench.line import carrying, get
from tests.bench.report import say

ASKED = 20


def measure() -> None:
    """Return each process's resident memory, and its share: a page that three processes have counts a third."""
    with running(workers=2) as acts:
        for path in [*PAGES.values(), "/lab", "/lab/designs"] * ASKED:
            acts.line.ask(get(path, **carrying(acts.ada)))
        found = [_read(pid) for pid in (acts.server.pid, *acts.server.workers())]
    names = ("the first process, which only watches", "one worker", "the other")
    for name, memory in zip(names, found, strict=True):
        say(f"memory of {name}", f"{memory['Rss']:.0f} MB, its share {memory['Pss']:.0f} MB")
    say("memory of the site in all", f"{sum(memory['Pss'] for memory in found):.0f} MB")


def _read(pid: int) -> dict[str, float]:
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()[1:]
    return {name: int(value.split()[0]) / 1000 for name, value in (line.split(":") for line in lines)}
