"""Processor time of servers: all their processes and threads."""

import time
from contextlib import suppress
from pathlib import Path

Used = dict[int, float]


def used(roots: list[int]) -> Used:
    """Return how many seconds of a processor each of these processes, and of those that they started, has used."""
    found: Used = {}
    waiting = list(roots)
    while waiting:
        pid = waiting.pop()
        with suppress(OSError):  # it has ended meanwhile
            found[pid] = time.clock_gettime((~pid << 3) | 2)  # the clock of another process: clock_getcpuclockid(3)
            waiting += _children(pid)
    return found


def spent(before: Used, after: Used) -> float:
    """Return how many seconds were used between the two."""
    return sum(seconds - before.get(pid, 0) for pid, seconds in after.items())


def _children(pid: int) -> list[int]:
    """Return what each thread of a process has started."""
    threads = Path(f"/proc/{pid}/task").iterdir()
    return [int(child) for thread in threads for child in (thread / "children").read_text().split()]
