"""A result that many ask for at once is computed once, and an error reaches each that waits."""

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from itertools import islice
from typing import Any

import pytest

from app.capacity import admission, memo
from app.capacity.admission import Full
from app.lab.costs import measure
from app.lab.costs.day import Day
from tests.browsers import Site

pytestmark = pytest.mark.sqlite
PATIENCE = 20  # seconds, after which a test has failed


class Crowd:
    """Requests at once. The first one's work goes on until the others wait for it, or ask for the work themselves."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.asked = 0
        self._others, self._wait = threading.Semaphore(0), admission.wait
        monkeypatch.setattr(admission, "wait", self._join)

    def work(self, *outcomes: Any) -> Callable[..., Any]:
        """Return work that comes to one of these each time, or raises it."""
        coming = iter(outcomes)

        def compute(*_: object) -> Any:
            self.asked += 1
            outcome = next(coming)
            if self.asked == 1:
                assert all(self._others.acquire(timeout=PATIENCE) for _ in range(2))
            if isinstance(outcome, Exception):
                raise outcome
            return outcome

        return compute

    def _join(self, work: Future[Any]) -> Any:
        self._others.release()
        return self._wait(work)


@pytest.fixture
def crowd(monkeypatch: pytest.MonkeyPatch) -> Crowd:
    return Crowd(monkeypatch)


@pytest.fixture
def three(site: Site) -> Iterator[Callable[[Callable[[], Any]], list[Any]]]:
    """Do the same thing three times at once; return what each comes to."""

    def ask(act: Callable[[], Any]) -> Any:
        with site.app.app_context():
            try:
                return act()
            except Full as full:
                return full

    with ThreadPoolExecutor(3) as threads:
        yield lambda act: [found.result(PATIENCE) for found in [threads.submit(ask, act) for _ in range(3)]]


Three = Callable[[Callable[[], Any]], list[Any]]


def test_a_day_that_three_visitors_ask_for_at_once_is_simulated_once(
    site: Site, three: Three, crowd: Crowd, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(measure, "compare", crowd.work(*[measure.compare(Day(people=1))] * 3))
    pages = three(lambda: site.browser().get("/lab/costs?people=20&life=47&poll=15&leaving=95").status_code)
    assert (pages, crowd.asked) == ([200] * 3, 1)


def test_visitors_who_wait_for_the_same_day_leave_the_lab_to_the_others(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    line, is_over = site.app.extensions["admission"]["acts"], threading.Event()
    monkeypatch.setattr(measure, "compare", lambda day, done=measure.compare: is_over.wait(PATIENCE) and done(day))
    with ThreadPoolExecutor(line.length) as threads:
        address = "/lab/costs?people=20&life=46&poll=15&leaving=95"
        asked = [threads.submit(lambda: site.browser().get(address).status_code) for _ in range(line.length)]
        stay = 1 + line.length // admission.SHARED
        refused = list(islice(as_completed(asked, PATIENCE), line.length - stay))
        beside = site.browser().get("/lab").status_code
        is_over.set()
    assert ({one.result() for one in refused}, beside) == ({503}, 200)
    assert [one.result() for one in asked if one not in refused] == [200] * stay


def test_a_computation_that_was_lost_fails_for_all_that_waited_and_runs_again_for_the_next(
    three: Three, crowd: Crowd
) -> None:
    lost = Full("days")
    ask = memo.shared(9)(crowd.work(lost, "a day"))
    assert (three(lambda: ask(1)), crowd.asked) == ([lost] * 3, 1)
    assert (ask(1), ask(1), crowd.asked) == ("a day", "a day", 2)


def test_a_visitor_who_asks_for_too_much_stops_no_other_who_waits_for_the_same(three: Three, crowd: Crowd) -> None:
    own = Full("lab", own=True)
    ask = memo.shared(9)(crowd.work(own, "a design"))
    found = three(lambda: ask(1))
    assert (found.count(own), found.count("a design"), crowd.asked) == (1, 2, 2)


def test_only_the_results_that_were_used_last_are_kept() -> None:
    asked = list[int]()
    ask = memo.shared(2)(lambda number: asked.append(number) or number)
    assert [ask(number) for number in (1, 2, 1, 3, 1, 2)] == [1, 2, 1, 3, 1, 2]
    assert asked == [1, 2, 3, 2]


def test_work_that_goes_wrong_late_costs_no_later_result_of_the_same_work() -> None:
    """It was forgotten while it was under way, as only one is kept, and has been done again meanwhile."""
    asked = list[int]()

    def work(number: int) -> int:
        asked.append(number)
        if asked == [1]:
            assert (ask(2), ask(1)) == (2, 1)
            raise Full("days")
        return number

    ask = memo.shared(1)(work)
    with pytest.raises(Full):
        ask(1)
    assert (ask(1), asked) == (1, [1, 2, 1])
