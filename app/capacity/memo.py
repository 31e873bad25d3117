"""Results that are remembered, and shared while they are computed: of requests that ask for the same, one computes."""

import threading
from collections import OrderedDict
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any, Generic, TypeVar

from app.capacity import admission
from app.capacity.admission import Full

T = TypeVar("T")


def shared(most: int) -> Callable[[Callable[..., T]], "Memo[T]"]:
    """Decorate a function to compute once for the same arguments. Its *most* recently used results are kept."""
    return lambda compute: Memo(compute, most)


class Memo(Generic[T]):
    """A function, its results, and those that are under way. What it raises reaches all who wait, and is not kept."""

    def __init__(self, compute: Callable[..., T], most: int) -> None:
        self._compute, self._most = compute, most
        self._known = OrderedDict[tuple[Any, ...], Future[T]]()
        self._lock = threading.Lock()

    def __call__(self, *args: Any) -> T:
        found, is_new = self._find(args)
        if is_new:
            self._settle(found, args)
        try:
            return found.result() if found.done() else admission.wait(found)
        except Full as full:
            if is_new or not full.own:
                raise
        return self(*args)  # too much work of that visitor is no reason to refuse this one

    def _find(self, args: tuple[Any, ...]) -> tuple[Future[T], bool]:
        with self._lock:
            is_new = args not in self._known
            found = self._known.setdefault(args, Future())
            self._known.move_to_end(args)
            if len(self._known) > self._most:
                self._known.popitem(last=False)
        return found, is_new

    def _settle(self, found: Future[T], args: tuple[Any, ...]) -> None:
        try:
            found.set_result(self._compute(*args))
        except BaseException as problem:  # with none of it, they would wait for ever
            with self._lock:
                if self._known.get(args) is found:
                    del self._known[args]
            found.set_exception(problem)
