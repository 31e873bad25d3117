"""How news of a revocation reach this site. Each delivery decides on a token that is good in itself, and says why."""

import threading
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Protocol

from app.relying_party.issuer import Issuer
from app.relying_party.memory import Memory
from app.relying_party.token import Bearer
from app.relying_party.verdict import Unheard, Verdict
from app.relying_party.words import span

POLL_SECONDS = 5
AGAIN_SECONDS = 1  # after a poll that failed
_CLOCK = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)


class Delivery(Protocol):
    """*says*: what it does, in one sentence."""

    name: str
    says: str

    def start(self) -> None:
        """Begin to hear of revocations, where that goes on in the background."""

    def decide(self, bearer: Bearer) -> Verdict:
        """Say whether the token's session goes on. Raises Unheard."""

    def heard(self) -> int | None:
        """Return how many revocations it has heard of; None if it remembers none."""

    def age(self) -> float | None:
        """Return how old its knowledge is, in seconds; None if it has none."""

    def is_silent(self) -> bool:
        """Say whether what it remembers is too old to be trusted."""


class Forgetful:
    """Remembers nothing from one request to the next."""

    def start(self) -> None:
        """There is nothing to hear in between."""

    def heard(self) -> int | None:
        return None

    def age(self) -> float | None:
        return None

    def is_silent(self) -> bool:
        return False


class Never(Forgetful):
    """Nobody is asked: the token lives until it expires."""

    name = "never"
    says = "It asks nobody: a token is good here until it expires."

    def decide(self, bearer: Bearer) -> Verdict:
        return Verdict(200, "It is well signed and has not expired. Nobody is asked.", "signature and expiry")


class Ask(Forgetful):
    """The issuer is asked at each request, and who gets no answer refuses."""

    name = "ask"
    says = "It asks the issuer at each request, and refuses where there is no answer."

    def __init__(self, issuer: Issuer) -> None:
        self._issuer = issuer

    def decide(self, bearer: Bearer) -> Verdict:
        began = time.time()
        found = self._issuer.revoked(max(0, bearer.opened - 1), bearer.subjects)
        told = Memory(found.epoch, found.after)
        told.learn(found.entries, found.position)
        unknown = bearer.opened > found.size  # it is of another log, perhaps of a newer copy of this one
        return _say(
            "what the issuer answers", over=told.covers(bearer) or unknown, as_of=began, look_ups=("the issuer",)
        )


class Remembering:
    """A memory that is trusted for so many seconds after what it has heard last. What then? *otherwise* decides."""

    def __init__(self, issuer: Issuer, trusted: float, otherwise: Callable[[Bearer], Verdict]) -> None:
        self._issuer = issuer
        self._trusted = trusted
        self._otherwise = otherwise
        self._ask = Ask(issuer)
        self._known: tuple[Memory, float] | None = None

    def start(self) -> None:
        threading.Thread(target=self._follow, name="news", daemon=True).start()

    def decide(self, bearer: Bearer) -> Verdict:
        known = self._known
        if known is None or steady() - known[1] > self._trusted:
            return self._otherwise(bearer)
        memory, heard_at = known
        if not memory.knows(bearer):
            return self._ask.decide(bearer)
        return _say("what it remembers", over=memory.covers(bearer), as_of=time.time() - (steady() - heard_at))

    def heard(self) -> int | None:
        known = self._known
        return known[0].heard if known else 0

    def age(self) -> float | None:
        known = self._known
        return steady() - known[1] if known else None

    def is_silent(self) -> bool:
        age = self.age()
        return age is None or age > self._trusted

    def _follow(self) -> None:
        raise NotImplementedError


class Poll(Remembering):
    """The list is fetched again and again, and trusted for two intervals."""

    name = "poll"

    def __init__(self, issuer: Issuer, every: float = POLL_SECONDS) -> None:
        super().__init__(issuer, 2 * every, self._refuse)
        self._every = every
        self.says = f"It fetches the list of revocations every {span(every)}, and trusts it for twice as long."

    def _refuse(self, _bearer: Bearer) -> Verdict:
        raise Unheard("the last list is too old to be trusted")

    def _follow(self) -> None:
        while True:
            began, pause = steady(), min(AGAIN_SECONDS, self._every)
            with suppress(Unheard, KeyError, ValueError):  # the list grows older, until nobody trusts it
                self._known = self._fetch(self._known[0] if self._known else None), began
                pause = self._every
            time.sleep(max(0.0, began + pause - steady()))

    def _fetch(self, memory: Memory | None) -> Memory:
        """Read on until the end of the log."""
        while True:
            found = self._issuer.revoked(memory.position if memory else None)
            if memory is None or (memory.epoch, memory.position) != (found.epoch, found.after):
                memory = Memory(found.epoch, found.after)
            memory.learn(found.entries, found.position)
            if memory.position >= found.size:
                return memory


def steady() -> float:
    """Return seconds that also pass while the machine sleeps, where the system counts them."""
    return time.clock_gettime(_CLOCK)


def _say(decided_by: str, *, over: bool, as_of: float, look_ups: tuple[str, ...] = ()) -> Verdict:
    if over:
        return Verdict(401, "It is over.", decided_by, look_ups, int(as_of))
    return Verdict(200, "Nothing that was heard speaks against it.", decided_by, look_ups, int(as_of))
