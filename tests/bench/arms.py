"""The arms of a comparison: in each round they take turns, and each repeats its act.

Other load on the machine meets them all. A ratio is the median of the ratios of the rounds, and their range.
"""

import statistics
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import partial

from tests.bench.line import Asked
from tests.bench.processor import spent, used
from tests.bench.wire import REQUESTS, flood

Act = Callable[[], object]


@dataclass
class Arm:
    """One kind of act. *ready*: prepares the given number of acts and returns them, so that only the acts are measured.

    *servers*: the first process of each server that takes part, also of a database. *per*: requests in an act.
    *costs*, *rates*: processor time of a request in microseconds, and requests in a second, of each round. A few acts
    come before those that count: a server that has waited for its turn has left the processor's caches.
    """

    name: str
    servers: list[int]
    ready: Callable[[int], Iterable[Act]]
    count: int = 60
    per: int = 1
    costs: list[float] = field(default_factory=list)
    rates: list[float] = field(default_factory=list)

    def run(self) -> None:
        waking = self.count // 6
        acts = list(self.ready(waking + self.count))
        for act in acts[:waking]:
            act()
        before, began = used(self.servers), time.perf_counter()
        for act in acts[waking:]:
            act()
        took, after = time.perf_counter() - began, used(self.servers)
        done = self.count * self.per
        self.costs.append(spent(before, after) / done * 1e6)
        self.rates.append(done / took)

    def forget(self) -> None:
        """Have what was measured so far not count."""
        self.costs.clear()
        self.rates.clear()

    @property
    def cost(self) -> float:
        return statistics.median(self.costs)


def measure(arms: list[Arm], rounds: int) -> None:
    """Measure the arms in turn, after one round that is not counted. Those that are compared stand side by side: other
    load changes within a round, too."""
    for arm in arms:
        arm.run()
        arm.forget()
    for _ in range(rounds):
        for arm in arms:
            arm.run()


def ratio(one: Arm, other: Arm) -> str:
    """Return the ratio of an act of *one* to one of *other*, in processor time."""
    return _said(one.costs, other.costs)


def rate_ratio(one: Arm, other: Arm) -> str:
    return _said(one.rates, other.rates)


def _said(ours: list[float], theirs: list[float]) -> str:
    found = [a / b for a, b in zip(ours, theirs, strict=True)]
    return f"{statistics.median(found):.2f} ({min(found):.2f} to {max(found):.2f})"


def flooding(name: str, servers: list[int], port: int, asked: Asked) -> Arm:
    """An arm that asks over several connections at once: one at a time, the client would take as long as the server."""
    return Arm(name, servers, again(partial(flood, port, asked)), count=1, per=REQUESTS)


def again(act: Act) -> Callable[[int], Iterable[Act]]:
    """Prepare an act that can simply be repeated."""
    return lambda count: [act] * count


def rows(arms: list[Arm]) -> Iterable[str]:
    """Return a table's lines: an act, its processor time with its range, and its rate per second."""
    yield "| act | processor time, µs | a second |"
    yield "| --- | --- | --- |"
    for arm in arms:
        spread = f"{arm.cost:,.0f} ({min(arm.costs):,.0f} to {max(arm.costs):,.0f})"
        yield f"| {arm.name} | {spread} | {statistics.median(arm.rates):,.0f} |"
