"""Processor time of servers: all their processes and threads."""

import time
from contextlib import suppress
from pathlib import Path

Used = dict[int, float]


def used(roots: list[int]) -> Used:
    """Return the processor seconds that each of these processes, and of those that they started, has used."""
    found: Used = {}
    waiting = list(roots)
    while waiting:
        pid = waiting.pop()
        with suppress(OSError):  # it has ended meanwhile
            found[pid] = time.clock_gettime((~pid << 3) | 2)  # the clock of another process: clock_getcpuclockid(3)
            waiting += _children(pid)
    return found


def spent(before: Used, after: Used) -> float:
    """Return the seconds used between the two."""
    return sum(seconds - before.get(pid, 0) for pid, seconds in after.items())


def _children(pid: int) -> list[int]:
    """Return the processes that each thread has started."""
    threads = Path(f"/proc/{pid}/task").iterdir()
    return [int(child) for thread in threads for child in (thread / "children").read_text().split()]
