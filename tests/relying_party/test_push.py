"""What a relying party that waits for news does with what it hears, and when it stops trusting it."""

import json
from collections.abc import Iterable
from types import SimpleNamespace
from typing import Any

import httpx
import pytest

from app.relying_party import deliveries
from app.relying_party.deliveries import SILENCE_SECONDS, WAIT_SECONDS, Ask, Poll, Push
from app.relying_party.issuer import Issuer
from app.relying_party.memory import Memory
from app.relying_party.token import Bearer
from app.relying_party.verdict import Unheard

BEARER = Bearer("ada", "laptop", "jti", 7, 2**40)


class Log:
    """An issuer with a log of these entries; the first is at position 1. *lost*: positions that it does not tell."""

    def __init__(self) -> None:
        self.subjects: list[str] = []
        self.lost: set[int] = set()
        self.epoch = "e"
        self.waited = 0.0
        self.longest = 1000
        self.is_down = False
        self.asked: list[dict[str, str]] = []
        self.issuer = Issuer("http://issuer.example", httpx.MockTransport(self._answer))

    def _answer(self, request: httpx.Request) -> httpx.Response:
        asked = dict(request.url.params)
        self.asked.append(asked)
        if self.is_down:
            return httpx.Response(503)
        size = len(self.subjects)
        after = min(int(asked["after"]), size)
        upto = min(size, after + self.longest)
        entries = [self._entry(position) for position in range(after + 1, upto + 1) if position not in self.lost]
        found = {"epoch": self.epoch, "size": size, "after": after, "position": upto, "entries": entries}
        return httpx.Response(200, json=found | {"waited": self.waited if "wait" in asked else 0})

    def _entry(self, position: int) -> dict[str, Any]:
        return {"position": position, "subject": self.subjects[position - 1], "until": 2**40}


@pytest.fixture
def log() -> Log:
    made = Log()
    made.subjects = ["another"] * 6
    return made


@pytest.fixture
def push(log: Log) -> Push:
    return Push(log.issuer)


@pytest.fixture
def steady(monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    still = SimpleNamespace(now=1000.0)
    monkeypatch.setattr(deliveries, "steady", lambda: still.now)
    return still


def test_it_decides_from_memory_once_it_has_heard_and_before_it_asks(push: Push, log: Log) -> None:
    assert push.decide(BEARER).look_ups == ("the issuer",)
    push._hear(WAIT_SECONDS)
    log.is_down = True
    assert (push.decide(BEARER).status, push.decide(BEARER).look_ups) == (200, ())


def test_it_catches_up_from_the_start_and_then_asks_for_what_is_new_alone(push: Push, log: Log) -> None:
    log.longest = 4
    push._hear(WAIT_SECONDS)
    log.subjects.append("laptop")
    assert push._hear(WAIT_SECONDS)
    assert push.decide(BEARER).status == 401
    assert [(asked["after"], asked.get("wait")) for asked in log.asked] == [("0", "0"), ("4", "2"), ("6", "2")]
    assert push.heard() == 7
    assert not push._hear(WAIT_SECONDS)


def test_after_a_silence_the_site_asks_the_issuer_itself(push: Push, log: Log, steady: SimpleNamespace) -> None:
    push._hear(WAIT_SECONDS)
    steady.now += SILENCE_SECONDS
    assert push.decide(BEARER).look_ups == ()
    steady.now += 0.1
    assert push.decide(BEARER).look_ups == ("the issuer",)
    log.is_down = True
    with pytest.raises(Unheard):
        push.decide(BEARER)
    log.is_down = False
    push._hear(WAIT_SECONDS)  # an empty answer
    assert push.decide(BEARER).look_ups == ()


def test_an_answer_that_was_held_up_on_its_way_is_not_a_fresh_one(
    push: Push, log: Log, steady: SimpleNamespace
) -> None:
    push._hear()
    log.waited = WAIT_SECONDS
    answer = log.issuer._transport.handler  # type: ignore[union-attr]

    def late(request: httpx.Request) -> httpx.Response:
        found: httpx.Response = answer(request)
        steady.now += WAIT_SECONDS + SILENCE_SECONDS + 0.1
        return found

    log.issuer._transport.handler = late  # type: ignore[union-attr]
    push._hear(WAIT_SECONDS)
    assert push.is_silent()
    assert push.age() == pytest.approx(SILENCE_SECONDS + 0.1), "what the issuer waited is not old"


def test_a_missing_number_is_noticed_and_each_possible_session_is_asked_about(push: Push, log: Log) -> None:
    push._hear(WAIT_SECONDS)
    log.subjects.append("laptop")
    log.lost = {7}
    push._hear(WAIT_SECONDS)  # an empty answer, but the position went on
    log.lost = set()
    verdict = push.decide(BEARER)
    assert (verdict.status, verdict.look_ups) == (401, ("the issuer",))
    later = Bearer("ada", "phone", "jti", 8, 2**40)
    assert push.decide(later).look_ups == (), "it began after what is missing"
    log.subjects += ["tablet", "desk"]
    log.lost = {8}
    push._hear(WAIT_SECONDS)
    assert push.decide(later).look_ups == ("the issuer",)


@pytest.mark.parametrize("change", [{"epoch": "f"}, {"subjects": ["laptop", "another"]}], ids=["epoch", "shorter"])
def test_another_log_or_an_older_copy_of_it_is_read_from_its_start(
    push: Push, log: Log, change: dict[str, Any]
) -> None:
    push._hear(WAIT_SECONDS)
    vars(log).update(change)
    push._hear(WAIT_SECONDS)
    assert log.asked[-1]["after"] == "0"
    assert push.heard() == len(log.subjects)


@pytest.mark.parametrize(
    "content",
    ["[]", "{}", "x", json.dumps({"epoch": "e", "size": 1, "after": 0, "position": 1, "waited": 0, "entries": 3})],
)
def test_a_malformed_answer_brings_no_news(content: str) -> None:
    push = Push(Issuer("http://issuer.example", httpx.MockTransport(lambda _: httpx.Response(200, text=content))))
    with pytest.raises((Unheard, TypeError)):
        push._hear()
    assert push.is_silent()


def test_a_token_of_another_log_and_one_whose_end_may_be_forgotten_are_not_let_in(log: Log) -> None:
    ask = Ask(log.issuer)
    assert ask.decide(BEARER).status == 200, "the next entry would have this number"
    assert ask.decide(Bearer("ada", "laptop", "jti", 8, 2**40)).status == 401
    log.subjects = ["another"] * 9
    answer = log._answer

    def forgetful(request: httpx.Request) -> httpx.Response:
        return httpx.Response(200, json=answer(request).json() | {"after": 7})

    log.issuer._transport.handler = forgetful  # type: ignore[union-attr]
    with pytest.raises(Unheard):
        ask.decide(BEARER)


def test_a_party_that_polls_does_not_wait_and_trusts_a_list_for_two_intervals(
    log: Log, steady: SimpleNamespace
) -> None:
    poll = Poll(log.issuer, 5)
    poll._hear()
    poll._hear()
    assert {asked["wait"] for asked in log.asked} == {"0"}
    steady.now += 10
    assert poll.decide(BEARER).status == 200
    steady.now += 0.1
    with pytest.raises(Unheard):
        poll.decide(BEARER)


def learned(*subjects: str, until: int = 2**40) -> Memory:
    memory = Memory("e")
    entries: Iterable[dict[str, Any]] = (
        {"position": position, "subject": subject, "until": until} for position, subject in enumerate(subjects, 1)
    )
    memory.learn(entries, len(subjects))
    return memory


def test_a_user_who_signed_in_again_after_everything_was_ended_goes_on() -> None:
    memory = learned(*["another"] * 8, "ada")
    assert memory.covers(BEARER)
    assert not memory.covers(Bearer("ada", "phone", "jti", 10, 2**40))


def test_what_no_token_can_outlive_is_forgotten() -> None:
    assert not learned(*["another"] * 8, "ada", until=1).covers(BEARER)
