"""Throttling: limits on failures, and for each network on successes. Each process counts for itself, or with Redis all
together."""

import threading
from collections import OrderedDict
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import TypeVar

from flask import Flask
from limits import RateLimitItem, WindowStats, parse
from limits.errors import StorageError
from limits.storage import RedisStorage, Storage
from limits.strategies import MovingWindowRateLimiter
from werkzeug.exceptions import TooManyRequests

from app import clock, context
from app.config import settings
from app.network import address

PATIENCE = 0.2  # seconds that a request may lose to a Redis that does not answer
WIDER = 10  # a /48 may do ten times as much as one place
T = TypeVar("T")


class TooMuch(TooManyRequests):
    """No attempt failed, but more succeeded than one network is allowed in a while."""


class TooManyMails(TooManyRequests):
    """No attempt failed, but more mail was asked for than one person needs in a while."""


class Throttle:
    """A limit on failures, counted for each *key* (a place, an account, or both). *refusal*: what is raised."""

    def __init__(self, name: str, limit: str, refusal: type[TooManyRequests] = TooManyRequests) -> None:
        self._name, self._refusal = name, refusal
        self.limit: RateLimitItem = parse(limit)

    def check(self, *key: str) -> None:
        """Raise TooManyRequests, with the seconds to wait, if *key* has used up its failures."""
        if not self.is_open(*key):
            reset = _ask(lambda counters: counters.get_window_stats(self.limit, self._name, *key)).reset_time
            raise self._refusal(retry_after=min(max(1, round(reset) - clock.now()), self.limit.get_expiry()))

    def is_open(self, *key: str) -> bool:
        """Return whether *key* may still fail."""
        return _ask(lambda counters: counters.test(self.limit, self._name, *key))

    def count(self, *key: str) -> bool:
        """Count one failure of *key*; return whether it was within the limit."""
        return _ask(lambda counters: counters.hit(self.limit, self._name, *key))


Limit = tuple[Throttle, tuple[str, ...]]  # a throttle, and whose failures


def check(limits: Sequence[Limit]) -> None:
    """Raise TooManyRequests if one of *limits* is used up."""
    for throttle, key in limits:
        throttle.check(*key)


def count(limits: Sequence[Limit]) -> bool:
    """Count one failure in each of *limits*; return whether it was within all of them."""
    within = [throttle.count(*key) for throttle, key in limits]
    return all(within)


class PlaceThrottle:
    """A limit on what comes from one place, an IPv4 address or an IPv6 /64; a whole IPv6 /48 has ten times as much."""

    def __init__(self, name: str, limit: str, refusal: type[TooManyRequests] = TooManyRequests) -> None:
        each = parse(limit)
        self._by_place = Throttle(name, limit, refusal)
        wider = f"{each.amount * WIDER} per {each.multiples} {each.GRANULARITY.name}"
        self._by_block = Throttle(f"{name}, /48", wider, refusal)

    def here(self) -> list[Limit]:
        """Return the limits that the current request meets."""
        found = address.here()
        block = address.block(found)
        wider: list[Limit] = [(self._by_block, (block,))] if block else []
        return [(self._by_place, (address.subnet(found),)), *wider]

    def check(self) -> None:
        """Raise TooManyRequests, or another refusal, if this place has used up its limit."""
        check(self.here())

    def is_open(self) -> bool:
        """Return whether this place may do more."""
        return all(throttle.is_open(*key) for throttle, key in self.here())

    def count(self) -> bool:
        """Count one more; return whether it was within the limit."""
        return count(self.here())


class Quota(PlaceThrottle):
    """A limit on successes. This very machine is exempt, unless it is a proxy of others."""

    def __init__(self, name: str, limit: str) -> None:
        super().__init__(name, limit, TooMuch)

    def here(self) -> list[Limit]:
        return [] if _is_this_machine() else super().here()

    def spend(self) -> None:
        """Count one success. Raises TooMuch if it is one too many: of many sent at once, all passed the check."""
        if not self.count():
            self.check()


class Windows:
    """Moving windows in the memory of this process. The storage of `limits` would keep every key for ever.

    The keys of each name are in the order of their last hit. Keys out of the window go, and so do the oldest of too
    many.
    """

    MAX_KEYS = 100_000  # keys of one name

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._hits: dict[str, OrderedDict[tuple[str, ...], list[int]]] = {}

    def hit(self, limit: RateLimitItem, name: str, *key: str) -> bool:
        """Count a hit, if it is within the limit."""
        with self._lock:
            hits = self._current(limit, name, key)
            if len(hits) >= limit.amount:
                return False
            hits.append(clock.now())
            self._keep(limit, name, key, hits)
            return True

    def test(self, limit: RateLimitItem, name: str, *key: str) -> bool:
        """Return whether a hit would be within the limit."""
        with self._lock:
            return len(self._current(limit, name, key)) < limit.amount

    def get_window_stats(self, limit: RateLimitItem, name: str, *key: str) -> WindowStats:
        """Return when the first hit leaves the window, and how many more may come."""
        with self._lock:
            hits = self._current(limit, name, key)
            first = hits[0] if hits else clock.now()
            return WindowStats(first + limit.get_expiry(), limit.amount - len(hits))

    def __len__(self) -> int:
        return sum(map(len, self._hits.values()))

    def _current(self, limit: RateLimitItem, name: str, key: tuple[str, ...]) -> list[int]:
        hits = self._hits.setdefault(name, OrderedDict()).get(key, [])
        while hits and _has_left(limit, hits[0]):
            del hits[0]
        return hits

    def _keep(self, limit: RateLimitItem, name: str, key: tuple[str, ...], hits: list[int]) -> None:
        keys = self._hits[name]
        keys[key] = hits
        keys.move_to_end(key)
        while len(keys) > self.MAX_KEYS or _are_over(limit, next(iter(keys.values()))):
            keys.popitem(last=False)


def _are_over(limit: RateLimitItem, hits: list[int]) -> bool:
    return not hits or _has_left(limit, hits[-1])


def _has_left(limit: RateLimitItem, hit: int) -> bool:
    """Return whether a hit is out of the window: too old, or of a clock that was wrong."""
    return not 0 <= clock.now() - hit < limit.get_expiry()


Counting = MovingWindowRateLimiter | Windows


class Counters:
    """The counters of this process; with Redis, those that all processes share."""

    def __init__(self, redis_url: str) -> None:
        self._own = Windows()
        self._shared = MovingWindowRateLimiter(_redis(redis_url)) if redis_url else None

    def ask(self, question: Callable[[Counting], T]) -> T:
        """Use the shared counters, or, while Redis does not answer, those of this process."""
        if self._shared is not None:
            with suppress(StorageError):
                return question(self._shared)
        return question(self._own)


def init_app(app: Flask) -> None:
    """Give *app* its counters."""
    app.extensions["throttle"] = Counters(settings().redis_url)


def _is_this_machine() -> bool:
    """Return whether the peer is this machine, and not a trusted proxy."""
    return address.is_loopback(address.here()) and not settings().trusted_proxies


def _ask(question: Callable[[Counting], T]) -> T:
    counters: Counters = context.app().extensions["throttle"]
    return counters.ask(question)


class _Shared(RedisStorage):
    """Moving windows in Redis by our clock, in whole seconds as `Windows`: the library asks the machine's."""

    def acquire_entry(self, key: str, limit: int, expiry: int, amount: int = 1) -> bool:
        # The library lets go of a hit that is older than this, and of all of them this long after the last.
        given = clock.now(), limit, expiry - 1, amount
        return bool(self.lua_acquire_moving_window([self.prefixed_key(key)], given))

    def get_moving_window(self, key: str, limit: int, expiry: int) -> tuple[float, int]:
        now = clock.now()
        found = self.lua_moving_window([self.prefixed_key(key)], [now - expiry + 1, limit])
        return (float(found[0]), found[1]) if found else (now, 0)


def _redis(url: str) -> Storage:
    return _Shared(
        url, wrap_exceptions=True, socket_timeout=PATIENCE, socket_connect_timeout=PATIENCE, key_prefix="signed-out"
    )
