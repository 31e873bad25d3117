"""The instruments of a story: its clock, its random bytes, a world that counts, a Redis that can be cut, an issuer that lies."""

import hashlib
import heapq
from collections import Counter
from collections.abc import Callable, Hashable
from functools import lru_cache, partial
from itertools import count
from typing import Any, NamedTuple

import redis
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from app.lab.home.world import World

MAX_ALIKE = 100  # repetitions in one gap, before they stand for each other
MAX_REMEMBERED = 40_000  # tokens, and claims
_REMEMBERED: dict[Hashable, Any] = {}


class Clock:
    """The clock of a story, which also runs what repeats. *counts*: what the repeated actions ask for.

    In a gap, an action due several times a second, or more than a hundred times, runs only the first and the last time.
    Each of the others counts as the last did: the first may meet what came before the gap.
    """

    def __init__(self, now: int) -> None:
        self.time: float = now
        self.counts = Counter[str]()
        self._order, self._due = count(), list[_Due]()

    def now(self) -> int:
        return int(self.time)

    def every(self, seconds: float, action: Callable[[], None]) -> None:
        """Run an action now, and every *seconds*."""
        action()
        heapq.heappush(self._due, _Due(self.time + seconds, next(self._order), seconds, action))

    def go_on(self, until: float) -> None:
        """Let time pass, and run what is due on the way."""
        while self._due and self._due[0].at <= until:
            due = heapq.heappop(self._due)
            left = int((until - due.at) / due.seconds) if due.gap == until else 0
            if left > (1 if due.seconds < 1 else MAX_ALIKE):
                due = due._replace(at=due.at + left * due.seconds, alike=left)
            else:
                self._do(due)
                due = due._replace(at=due.at + due.seconds, alike=0, gap=until)
            heapq.heappush(self._due, due._replace(order=next(self._order)))
        self.time = max(self.time, until)

    def due(self) -> list[float]:
        """Return when each repeated action is due next."""
        return [due.at for due in self._due]

    def _do(self, due: "_Due") -> None:
        """Run what is due once, and count it for the skipped runs, too."""
        before, self.time = self.counts.copy() if due.alike else self.counts, due.at
        due.action()
        for name, asked in (self.counts - before).items() if due.alike else ():
            self.counts[name] += asked * due.alike


class _Due(NamedTuple):
    """*gap*: the end of the gap in which it was done last. *alike*: how many skipped ones it stands for."""

    at: float
    order: int
    seconds: float
    action: Callable[[], None]
    gap: float = 0
    alike: int = 0


def stream(seed: str) -> Callable[[int], bytes]:
    """Return a source of random bytes, the same for the same seed."""
    calls = count()
    return lambda size: hashlib.shake_256(f"{seed} {next(calls)}".encode()).digest(size)


class Liar:
    """An issuer that works as before, but ignores each revocation."""

    def __init__(self, issuer: Any) -> None:
        self._issuer = issuer

    def __getattr__(self, name: str) -> Any:
        part = getattr(self._issuer, name)
        return (lambda *_: None) if name.startswith("revoke") else part


class RedisOfAStory:
    """The two Redis commands that designs use, on the store and the clock of a story."""

    def __init__(self, world: World) -> None:
        self._world = world

    def set(self, name: str, value: object, ex: int) -> None:
        self._tell(self._world.store.put, name, value, self._world.now() + ex)

    def exists(self, name: str) -> int:
        return int(self._tell(self._world.store.get, name) is not None)

    def _tell(self, command: Callable[..., Any], *given: Any) -> Any:
        try:
            return command(*given)
        except ConnectionError as silence:
            raise redis.ConnectionError(*silence.args) from silence


class StoryWorld(World):
    """The world of a story: its clock, its random bytes, and *name* in each token.

    A story is played many times over, so each token is signed once, and none that was signed here is verified: an Ed25519
    signature depends on nothing but its key and the data (RFC 8032, section 5.1.6).
    """

    def __init__(self, name: str, seed: str, clock: Clock) -> None:
        self._name = name
        self.now, self.every, self.random = clock.now, clock.every, stream(seed)  # type: ignore[method-assign]
        self.steady, self.sleep = lambda: clock.time, lambda seconds: clock.go_on(clock.time + seconds)
        key, self._public = _key(self.random(32))
        super().__init__(key)

    @property
    def redis(self) -> "RedisOfAStory":  # type: ignore[override]
        return RedisOfAStory(self)

    def token(self) -> str:
        return f"lab.{self._name}.{super().token()}"

    def sign(self, claims: dict[str, Any], key: Any = None, headers: dict[str, str] | None = None) -> str:
        public = key.public_key().public_bytes_raw() if key else self._public
        token: str = _once((public, str(claims), str(headers)), partial(super().sign, claims, key, headers))
        _once((public, token), lambda: claims)
        return token

    def verify(self, token: str, key: Any = None) -> dict[str, Any]:
        public = key.public_bytes_raw() if key else self._public
        return dict(_once((public, token), partial(super().verify, token, key)))


@lru_cache(1024)
def _key(raw: bytes) -> tuple[Ed25519PrivateKey, bytes]:
    key = Ed25519PrivateKey.from_private_bytes(raw)
    return key, key.public_key().public_bytes_raw()


def _once(name: Hashable, work: Callable[[], Any]) -> Any:
    """Return what the *work* of this name returned when it was last done."""
    known = _REMEMBERED.get(name)
    if known is None:
        if len(_REMEMBERED) >= MAX_REMEMBERED:
            _REMEMBERED.clear()
        known = _REMEMBERED[name] = work()
    return known
