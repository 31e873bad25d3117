"""Throttling: counts failures, never successes, in the memory of each process."""

import ipaddress

from flask import Flask, current_app, request
from limits import RateLimitItem, parse
from limits.storage import MemoryStorage
from limits.strategies import MovingWindowRateLimiter
from werkzeug.exceptions import TooManyRequests

from app import clock


class Throttle:
    """A limit on failures, counted for each *key* (an address, an account, or both)."""

    def __init__(self, name: str, limit: str) -> None:
        self._name = name
        self._limit: RateLimitItem = parse(limit)

    def check(self, *key: str) -> None:
        """Raise TooManyRequests, with the seconds to wait, if *key* has used up its failures."""
        if not self.is_open(*key):
            reset = _counters().get_window_stats(self._limit, self._name, *key).reset_time
            raise TooManyRequests(retry_after=min(max(1, round(reset) - clock.now()), self._limit.get_expiry()))

    def is_open(self, *key: str) -> bool:
        """Say whether *key* may still fail."""
        return _counters().test(self._limit, self._name, *key)

    def count(self, *key: str) -> None:
        """Count one failure of *key*."""
        _counters().hit(self._limit, self._name, *key)


def init_app(app: Flask) -> None:
    """Give *app* its counters."""
    app.extensions["throttle"] = MovingWindowRateLimiter(MemoryStorage())


def address() -> str:
    """Return the address the request came from; all addresses of one IPv6 network (/64) count as one."""
    try:
        found = ipaddress.ip_address(request.remote_addr or "")
    except ValueError:
        return ""
    return str(ipaddress.ip_network((found, 64), strict=False)) if found.version == 6 else str(found)


def _counters() -> MovingWindowRateLimiter:
    found: MovingWindowRateLimiter = current_app.extensions["throttle"]
    return found
