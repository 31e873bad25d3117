"""The denylist in Redis: one key for each thing that is over, which leaves by itself when its last token has expired."""

from collections.abc import Iterable
from contextlib import suppress
from functools import lru_cache

import redis

from app.config import settings

PATIENCE = 0.2  # seconds
_PREFIX = "signed-out:lab:over:"


def add(subject: str, position: int, *, seconds: int) -> None:
    """Put *subject* on the list for so many seconds, with the position of its entry in the log."""
    client = _client(settings().redis_url)
    if client:
        with suppress(redis.RedisError):
            client.set(_PREFIX + subject, position, ex=max(1, seconds))


def knows(subjects: Iterable[str]) -> list[int] | None:
    """Return the positions at which any of *subjects* was ended; None where there is no Redis, or it is silent."""
    client = _client(settings().redis_url)
    if client is None:
        return None
    try:
        found = client.mget([_PREFIX + subject for subject in subjects])
    except redis.RedisError:
        return None
    return [int(position) for position in found if position]


@lru_cache(maxsize=4)
def _client(url: str) -> "redis.Redis | None":
    if not url:
        return None
    return redis.Redis.from_url(url, socket_timeout=PATIENCE, socket_connect_timeout=PATIENCE)
