"""Throttling: counts failures, and from each network also successes; for each process, or with Redis for all together."""

import ipaddress
from collections.abc import Callable
from contextlib import suppress
from typing import TypeVar

from flask import Flask, current_app, request
from limits import RateLimitItem, parse
from limits.errors import StorageError
from limits.storage import MemoryStorage, RedisStorage, Storage
from limits.strategies import MovingWindowRateLimiter
from werkzeug.exceptions import TooManyRequests

from app import clock
from app.config import Settings, settings

PATIENCE = 0.2  # seconds that a request may lose to a Redis that does not answer
T = TypeVar("T")


class TooMuch(TooManyRequests):
    """No attempt failed, but more succeeded than one network is allowed in a while."""


class Throttle:
    """A limit on failures, counted for each *key* (an address, an account, or both). *refusal*: what is raised."""

    def __init__(self, name: str, limit: str, refusal: type[TooManyRequests] = TooManyRequests) -> None:
        self._name, self._refusal = name, refusal
        self._limit: RateLimitItem = parse(limit)

    def check(self, *key: str) -> None:
        """Raise TooManyRequests, with the seconds to wait, if *key* has used up its failures."""
        if not self.is_open(*key):
            reset = _ask(lambda counters: counters.get_window_stats(self._limit, self._name, *key)).reset_time
            raise self._refusal(retry_after=min(max(1, round(reset) - clock.now()), self._limit.get_expiry()))

    def is_open(self, *key: str) -> bool:
        """Say whether *key* may still fail."""
        return _ask(lambda counters: counters.test(self._limit, self._name, *key))

    def count(self, *key: str) -> bool:
        """Count one failure of *key*; say whether it was within the limit."""
        return _ask(lambda counters: counters.hit(self._limit, self._name, *key))


class Quota:
    """A limit on successes, counted for each network. This very machine is exempt, unless it is a proxy of others."""

    def __init__(self, name: str, limit: str) -> None:
        self._throttle = Throttle(name, limit, TooMuch)

    def check(self) -> None:
        """Raise TooMuch if the network of this request has used up its successes."""
        if not _is_this_machine():
            self._throttle.check(address())

    def spend(self) -> None:
        """Count one success. Raises TooMuch if it is one too many: of many sent at once, all passed the check."""
        if not _is_this_machine() and not self._throttle.count(address()):
            self._throttle.check(address())


class Counters:
    """The counters of this process; with Redis, those that all processes share."""

    def __init__(self, redis_url: str) -> None:
        self._own = MovingWindowRateLimiter(MemoryStorage())
        self._shared = MovingWindowRateLimiter(_redis(redis_url)) if redis_url else None

    def ask(self, question: Callable[[MovingWindowRateLimiter], T]) -> T:
        """Ask those that are shared; while Redis does not answer, those of this process."""
        if self._shared is not None:
            with suppress(StorageError):
                return question(self._shared)
        return question(self._own)


def init_app(app: Flask, settings: Settings) -> None:
    """Give *app* its counters."""
    app.extensions["throttle"] = Counters(settings.redis_url)


def address() -> str:
    """Return the address the request came from; all addresses of one IPv6 network (/64) count as one."""
    found = _peer()
    if found is None:
        return ""
    return str(ipaddress.ip_network((found, 64), strict=False)) if found.version == 6 else str(found)


def _is_this_machine() -> bool:
    """Return whether the peer is this machine, and no proxy that speaks for others."""
    peer = _peer()
    return peer is not None and peer.is_loopback and not settings().trusted_proxies


def _peer() -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        found = ipaddress.ip_address(request.remote_addr or "")
    except ValueError:
        return None
    mapped = found.ipv4_mapped if found.version == 6 else None  # how a socket for both sees IPv4
    return mapped or found


def _ask(question: Callable[[MovingWindowRateLimiter], T]) -> T:
    counters: Counters = current_app.extensions["throttle"]
    return counters.ask(question)


def _redis(url: str) -> Storage:
    return RedisStorage(
        url, wrap_exceptions=True, socket_timeout=PATIENCE, socket_connect_timeout=PATIENCE, key_prefix="signed-out"
    )
