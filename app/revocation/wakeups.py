"""Wake-ups: they shorten a node's wait and carry no entry, so a lost one only costs time."""

import time
from contextlib import suppress
from typing import Protocol

import redis
from redis.client import PubSub

from app.store.postgresql import Bounded

PATIENCE = 0.2  # seconds; a third of the shortest lease has to hold it


class Wakeups(Protocol):
    """Something that a node can wait on."""

    def listen(self) -> None:
        """Begin to listen."""

    def wait(self, seconds: float) -> None:
        """Return when something may have happened, after *seconds* at the latest."""

    def close(self) -> None:
        """Stop listening."""


class Notifications:
    """LISTEN and NOTIFY of PostgreSQL, on the node's own connection."""

    CHANNEL = "signed_out"

    def __init__(self, connection: Bounded) -> None:
        self._connection = connection

    def listen(self) -> None:
        self._connection.execute(f"LISTEN {self.CHANNEL}")

    def wait(self, seconds: float) -> None:
        for _ in self._connection.notifies(timeout=seconds, stop_after=1):
            pass

    def close(self) -> None:
        """Leave the connection open: the node that opened it closes it."""


class RedisMessages:
    """Publish and subscribe of Redis. Without Redis the node polls, and refuses no token for that."""

    CHANNEL = "signed-out"

    def __init__(self, url: str) -> None:
        self._client = redis.Redis.from_url(url, socket_timeout=PATIENCE, socket_connect_timeout=PATIENCE)
        self._subscription: PubSub | None = None

    def send(self) -> None:
        with suppress(redis.RedisError):  # the nodes poll then
            self._client.publish(self.CHANNEL, "")

    def listen(self) -> None:
        self.close()

    def wait(self, seconds: float) -> None:
        end = time.monotonic() + seconds
        try:
            if self._subscription is None:
                subscription = PubSub(self._client.connection_pool, ignore_subscribe_messages=True)
                subscription.subscribe(self.CHANNEL)
                self._subscription = subscription
            while time.monotonic() < end and not self._subscription.get_message(timeout=end - time.monotonic()):
                pass
        except redis.RedisError:
            self.close()
            time.sleep(max(0.0, end - time.monotonic()))

    def close(self) -> None:
        if self._subscription is not None:
            self._subscription.close()
            self._subscription = None
