"""How news of a revocation reach this site. Each delivery decides on a token that is good in itself, and says why."""

import threading
import time
from collections.abc import Callable
from contextlib import suppress
from typing import NoReturn

from app.relying_party.issuer import Issuer
from app.relying_party.memory import Memory
from app.relying_party.token import Bearer
from app.relying_party.verdict import Unheard, Verdict
from app.relying_party.words import span

POLL_SECONDS = 5
AGAIN_SECONDS = 1  # after a poll that failed
WAIT_SECONDS = 2  # for which the issuer is asked to hold its answer
SILENCE_SECONDS = 3
REST_SECONDS = 0.3  # between two answers of an issuer that does not hold them
_NO_ANSWER = (Unheard, KeyError, TypeError, ValueError)
_CLOCK = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)


class Delivery:
    """Decides on tokens. *says*: what it does, in one sentence. This base class remembers nothing between two requests."""

    name: str
    says: str

    def start(self) -> None:
        """Begin to hear of revocations, where that goes on in the background."""

    def decide(self, bearer: Bearer) -> Verdict:
        """Return whether the token's session goes on. Raises Unheard."""
        raise NotImplementedError

    def heard(self) -> int | None:
        """Return how many revocations it has heard of; None if it remembers none."""
        return None

    def age(self) -> float | None:
        """Return how old its knowledge is, in seconds; None if it has none."""
        return None

    def is_silent(self) -> bool:
        """Return whether what it remembers is too old to be trusted."""
        return False


class Never(Delivery):
    """Does not ask: a token lives until it expires."""

    name = "never"
    says = "It does not ask the issuer: a token is good here until it expires."

    def decide(self, bearer: Bearer) -> Verdict:
        return Verdict(
            200, "Its signature is right and it has not expired. The issuer was not asked.", "signature and expiry"
        )


class Ask(Delivery):
    """Asks the issuer at each request, and refuses without an answer."""

    name = "ask"
    says = "It asks the issuer at each request, and refuses if there is no answer."

    def __init__(self, issuer: Issuer) -> None:
        self._issuer = issuer

    def decide(self, bearer: Bearer) -> Verdict:
        began = time.time()
        found = self._issuer.revoked(max(0, bearer.opened - 1), bearer.subjects)
        if found.after >= bearer.opened > 0:
            raise Unheard("the issuer has forgotten what was revoked so long ago")
        memory = Memory(found.epoch)
        memory.learn(found.entries, found.position)
        unknown = bearer.opened > found.size + 1  # it is of another log, perhaps of a newer copy of this one
        return _say(
            "what the issuer answers", over=memory.covers(bearer) or unknown, as_of=began, look_ups=("the issuer",)
        )


class Remembering(Delivery):
    """Trusts its memory for *trusted* seconds after the last message; then *otherwise* decides."""

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

    def _hear(self, wait: int = 0) -> bool:
        """Read on to the end of the log; return whether anything came. Raises Unheard.

        How old that is counts from when it was asked for, and what the issuer waited by its own clock is not old: so an
        answer that was held up on its way is not taken for a fresh one.
        """
        memory = self._known[0] if self._known else None
        while True:
            asked = steady()
            found = self._issuer.revoked(memory.position, wait=wait) if memory else self._issuer.revoked(0)
            if memory and (found.epoch != memory.epoch or found.after < memory.position):
                memory = self._known = None  # another log, or an older copy of this one
                continue
            memory = memory or Memory(found.epoch)
            memory.learn(found.entries, found.position)
            if memory.position >= found.size:
                self._known = memory, asked + found.waited
                return bool(found.entries)


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
        repeat(self._hear, self._every)  # without an answer the list grows older, until it is not trusted any more


class Push(Remembering):
    """The issuer holds its answer until something is revoked. An empty answer is a sign of life, and silence is none."""

    name = "push"
    says = (
        "It is told of each revocation at once. "
        f"After {SILENCE_SECONDS} seconds of silence it asks, and refuses where there is no answer."
    )

    def __init__(self, issuer: Issuer) -> None:
        super().__init__(issuer, SILENCE_SECONDS, lambda bearer: self._ask.decide(bearer))

    def _follow(self) -> None:
        while True:
            began = steady()
            with suppress(*_NO_ANSWER):  # then once more, from where it got to
                if self._hear(WAIT_SECONDS):
                    continue
            time.sleep(max(0.0, began + REST_SECONDS - steady()))


def repeat(ask: Callable[[], object], every: float) -> NoReturn:
    """Call *ask* for ever, at this interval in seconds; sooner after a call that got no answer."""
    while True:
        began, pause = steady(), min(AGAIN_SECONDS, every)
        with suppress(*_NO_ANSWER):
            ask()
            pause = every
        time.sleep(max(0.0, began + pause - steady()))


def steady() -> float:
    """Return seconds that also pass while the machine sleeps, where the system counts them."""
    return time.clock_gettime(_CLOCK)


def _say(decided_by: str, *, over: bool, as_of: float, look_ups: tuple[str, ...] = ()) -> Verdict:
    if over:
        return Verdict(401, "It is over.", decided_by, look_ups, int(as_of))
    return Verdict(200, "Nothing that was heard speaks against it.", decided_by, look_ups, int(as_of))
