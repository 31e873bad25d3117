"""Where the processor time of an act goes: `python -m tests.bench.profile "app refresh" --backing postgresql`.

The application runs in this process, and is sampled by the processor time that it takes. What the server around it and
the database take is not in it.
"""

import argparse
import os
import signal
import sysconfig
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from functools import cache, partial
from pathlib import Path
from types import FrameType

from flask import Flask
from werkzeug.test import EnvironBuilder, run_wsgi_app

from tests.backings import NAMES
from tests.bench.acts import running
from tests.bench.arms import Act, again
from tests.bench.line import AGENT, Answer, Asked
from tests.browsers import SITE_URL
from tests.forking import PROJECT

WARM = 100  # acts before the first that counts
TICK = 0.001  # seconds of processor time between two samples, where the system's clock is as fine
Stack = tuple[tuple[str, str], ...]  # (file, function), the outermost first


class Sampler:
    """Notes what this thread is doing, at intervals of its processor time."""

    def __init__(self) -> None:
        self.stacks: Counter[Stack] = Counter()
        signal.signal(signal.SIGPROF, self._note)

    def start(self) -> None:
        signal.setitimer(signal.ITIMER_PROF, TICK, TICK)

    def stop(self) -> None:
        signal.setitimer(signal.ITIMER_PROF, 0)

    def _note(self, _number: int, frame: FrameType | None) -> None:
        found = []
        while frame and frame.f_code is not Inside.ask.__code__:
            found.append((frame.f_code.co_filename, frame.f_code.co_qualname))
            frame = frame.f_back
        if frame:
            self.stacks[tuple(reversed(found))] += 1


class Inside:
    """In place of a connection to the server: the application itself."""

    def __init__(self, app: Flask) -> None:
        self._app = app

    def ask(self, asked: Asked) -> Answer:
        headers = {"User-Agent": AGENT} | asked.headers
        sent = EnvironBuilder(asked.path, SITE_URL, method=asked.method, headers=headers, data=asked.body)
        environ = {"CONTENT_LENGTH": "0"} | sent.get_environ() | {"REMOTE_ADDR": "127.0.0.1"}  # as our own server does
        body, status, headers = run_wsgi_app(self._app.wsgi_app, environ, buffered=True)
        answer = Answer(int(status.split()[0]), [*headers], b"".join(body))
        if answer.status != asked.status:
            raise SystemExit(f"{asked.path} was answered {status}: {answer.body[:2000].decode()}")
        return answer

    def close(self) -> None:
        """Nothing is open."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("act")
    parser.add_argument("--backing", choices=NAMES, default="sqlite")
    parser.add_argument("--count", type=int, default=2000, help="at least so many acts")
    parser.add_argument("--least", type=float, default=1.5, help="percent: what takes less is not shown")
    wanted = parser.parse_args()
    sampler = Sampler()
    with running(wanted.backing) as acts:
        acts.line = inside = Inside(acts.site.app)  # type: ignore[assignment]
        ready = again(partial(inside.ask, acts.check())) if wanted.act == "check" else acts.arms()[wanted.act].ready
        _repeat(ready, WARM)
        _repeat(ready, wanted.count, sampler)
    print("\n".join(_shown(sampler.stacks, wanted.least / 100)))


def _repeat(ready: Callable[[int], Iterable[Act]], count: int, sampler: Sampler | None = None) -> None:
    done = 0
    while done < count:
        acts = list(ready(50))
        if sampler:
            sampler.start()
        for act in acts:
            act()
        if sampler:
            sampler.stop()
        done += len(acts)


def _shown(stacks: Counter[Stack], least: float) -> Iterator[str]:
    """Return the share of each package by itself, and then who calls whom: all that takes *least* of the whole."""
    packages: Counter[str] = Counter()
    calls: Counter[Stack] = Counter()
    for stack, count in stacks.items():
        packages[_package(stack[-1][0]) if stack else "werkzeug"] += count
        for depth in range(1, len(stack) + 1):
            calls[stack[:depth]] += count
    whole = stacks.total()
    yield f"{whole} samples"
    yield from (f"{count / whole:6.1%} {name}" for name, count in packages.most_common() if count >= least * whole)
    for stack, count in sorted(calls.items()):
        if count >= least * whole:
            file, name = stack[-1]
            yield f"{count / whole:6.1%} {'  ' * len(stack)}{Path(file).name} {name}"


@cache
def _package(file: str) -> str:
    """Return the package that *file* belongs to; for ours, the module."""
    path = Path(os.path.realpath(file))
    ours, theirs = PROJECT / "app", Path(os.path.realpath(sysconfig.get_path("purelib")))
    if path.is_relative_to(ours):
        return path.relative_to(PROJECT).as_posix()
    return path.relative_to(theirs).parts[0] if path.is_relative_to(theirs) else "Python"


if __name__ == "__main__":
    main()
