"""Push: the issuer tells of each revocation as it comes. Silence is no good news: it ends the trust, like a lease."""

import json
import time
from collections.abc import Iterable, Iterator
from contextlib import suppress
from typing import Any, NamedTuple

import httpx

from app.relying_party.deliveries import Remembering, steady
from app.relying_party.issuer import ANSWER_SECONDS, Issuer
from app.relying_party.memory import Memory

SILENCE_SECONDS = 3
AGAIN_SECONDS = 0.3
LONGEST_PAUSE = 5


class Event(NamedTuple):
    """A server-sent event whose data are JSON."""

    name: str
    data: dict[str, Any]


class Push(Remembering):
    """Remembers what it is told. After a silence it asks the issuer, and refuses where there is no answer.

    How old the news are is counted from the moment at which the stream was asked for, plus what has passed since on
    the issuer's own steady clock. So news that were held up on their way are not taken for fresh ones.
    """

    name = "push"
    says = (
        "It is told of each revocation at once. "
        f"After {SILENCE_SECONDS} seconds of silence it asks, and refuses where there is no answer."
    )

    def __init__(self, issuer: Issuer) -> None:
        super().__init__(issuer, SILENCE_SECONDS, lambda bearer: self._ask.decide(bearer))

    def _follow(self) -> None:
        while True:
            pause = AGAIN_SECONDS
            with suppress(httpx.HTTPError, KeyError, TypeError, ValueError):  # then once more, from where it got to
                pause = self._subscribe(self._known[0] if self._known else None)
            time.sleep(pause)

    def _subscribe(self, memory: Memory | None) -> float:
        """Listen until the stream ends; return how long to wait before the next."""
        asked = steady()
        patience = httpx.Timeout(ANSWER_SECONDS, read=SILENCE_SECONDS)
        headers = {"Last-Event-ID": str(memory.position)} if memory else {}
        url = f"{self._issuer.audience}/feed"
        with self._issuer.client.stream("GET", url, headers=headers, timeout=patience) as answer:
            if answer.status_code != 200:
                return min(LONGEST_PAUSE, float(answer.headers.get("Retry-After", AGAIN_SECONDS)))
            self._listen(memory, events(answer.iter_lines()), asked)
        return AGAIN_SECONDS

    def _listen(self, memory: Memory | None, told: Iterator[Event], asked: float) -> None:
        began = next(told, None)
        if began is None or began.name != "begin":
            return
        if memory is None or (memory.epoch, memory.position) != (began.data["epoch"], began.data["after"]):
            self._known = None  # another log, or too far behind
            memory = Memory(began.data["epoch"], began.data["after"])
        for event in told:
            if event.name == "revoked":
                memory.learn([event.data], event.data["position"])
            elif event.name == "alive":
                memory.learn((), event.data["position"])
                self._known = memory, asked + (event.data["clock"] - began.data["clock"])


def events(lines: Iterable[str]) -> Iterator[Event]:
    """Read events from the lines of a stream; what is not JSON is a ValueError."""
    name, data = "", ""
    for line in lines:
        field, _, value = line.partition(":")
        if field == "event":
            name = value.strip()
        elif field == "data":
            data = value.strip()
        elif not line and name:
            yield Event(name, json.loads(data))
            name, data = "", ""
