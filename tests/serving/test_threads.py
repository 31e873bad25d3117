"""Each request reaches a thread, and none waits for the end of another while a thread may be started."""

import threading
from collections.abc import Callable, Iterator
from queue import SimpleQueue
from typing import Any

import pytest

from app.serving.threads import Threads

PATIENCE = 5  # seconds, after which a test has failed
Answer = Callable[[Any], Any]
Start = Callable[[int, Answer], Threads]


@pytest.fixture
def start() -> Iterator[Start]:
    """Returns threads, so many at most. All of them must have ended after the test."""
    made = []
    before = set(threading.enumerate())

    def make(most: int, answer: Answer) -> Threads:
        made.append(Threads(most, answer))
        return made[-1]

    yield make
    for threads in made:
        threads.end()
    for thread in set(threading.enumerate()) - before:
        thread.join(PATIENCE)
        assert not thread.is_alive()


def give(threads: Threads, *requests: Any) -> None:
    for request in requests:
        threads.give(request)
    threads.wake()


def take(answered: SimpleQueue[str], count: int) -> set[str]:
    return {answered.get(timeout=PATIENCE) for _ in range(count)}


def test_requests_that_come_at_once_are_answered_beside_each_other(start: Start) -> None:
    all_are_here = threading.Barrier(9)
    threads = start(8, lambda _: all_are_here.wait(PATIENCE))
    for _ in range(3):
        give(threads, *"abcdefgh")
        all_are_here.wait(PATIENCE)


@pytest.mark.parametrize("crowd", [1, 3, 40])
def test_none_of_many_short_requests_is_left(start: Start, crowd: int) -> None:
    answered = SimpleQueue[str]()
    threads = start(4, answered.put)
    for number in range(4000 // crowd):
        names = {f"{number}-{name}" for name in range(crowd)}
        give(threads, *names)
        assert take(answered, crowd) == names


class Slow:
    """Ends an answer when it is told to."""

    def __init__(self) -> None:
        self.begun = SimpleQueue[str]()
        self.threads: list[threading.Thread] = []
        self.go_on = threading.Semaphore(0)

    def __call__(self, request: str) -> None:
        self.threads.append(threading.current_thread())
        self.begun.put(request)
        self.go_on.acquire(timeout=PATIENCE)


def test_the_first_thread_that_is_done_answers_the_next(start: Start) -> None:
    slow = Slow()
    give(start(2, slow), *"abc")
    assert take(slow.begun, 2) == {"a", "b"}
    assert slow.begun.empty()
    slow.go_on.release()
    assert take(slow.begun, 1) == {"c"}
    slow.go_on.release(2)


def test_requests_that_no_thread_has_begun_are_dropped_at_the_end(start: Start) -> None:
    slow = Slow()
    threads = start(1, slow)
    give(threads, "a", "b")
    assert take(slow.begun, 1) == {"a"}
    threads.end()
    slow.go_on.release(2)
    slow.threads[0].join(PATIENCE)
    assert slow.begun.empty()


def test_a_system_that_allows_no_other_thread_leaves_the_work_to_those_that_there_are(
    start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    allowed, begin = [None], threading.Thread.start

    def begin_if_allowed(thread: threading.Thread) -> None:
        if not allowed:
            raise RuntimeError("can't start new thread")
        allowed.pop()
        begin(thread)

    monkeypatch.setattr(threading.Thread, "start", begin_if_allowed)
    answered = SimpleQueue[str]()
    give(start(4, answered.put), *"abc")
    assert take(answered, 3) == set("abc")
    waiting = start(4, answered.put)
    give(waiting, "d")
    allowed.append(None)
    waiting.wake()  # as each turn of the loop does
    assert take(answered, 1) == {"d"}
