"""Sign-ins under way: each belongs to the browser that began it, and can be finished once."""

import hmac
import secrets
import threading
from dataclasses import dataclass, field

from app.relying_party.deliveries import steady

SECONDS = 600
MAX_ATTEMPTS = 10_000


@dataclass(frozen=True)
class Attempt:
    """*key*: what its browser keeps. *state*, *nonce*: come back in the answer. *verifier*: proves that we asked."""

    key: str = field(default_factory=lambda: secrets.token_urlsafe(32), repr=False)
    state: str = field(default_factory=lambda: secrets.token_urlsafe(32), repr=False)
    nonce: str = field(default_factory=lambda: secrets.token_urlsafe(32), repr=False)
    verifier: str = field(default_factory=lambda: secrets.token_urlsafe(48), repr=False)
    until: float = field(default_factory=lambda: steady() + SECONDS)


class Attempts:
    """In memory, the newest of them."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._all: dict[str, Attempt] = {}

    def begin(self) -> Attempt:
        made = Attempt()
        with self._lock:
            if len(self._all) >= MAX_ATTEMPTS:
                self._all.pop(next(iter(self._all)))
            self._all[made.key] = made
        return made

    def take(self, key: str, state: str) -> Attempt | None:
        """Return the attempt of this browser if *state* is its own. It can be taken once."""
        with self._lock:
            found = self._all.get(key)
            if found is None or not hmac.compare_digest(found.state.encode(), state.encode()):
                return None  # kept: a stranger's request must not spoil the sign-in under way
            del self._all[key]
        return found if steady() < found.until else None
