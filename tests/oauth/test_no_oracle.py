"""What differs only in what the asker may not know takes the same time: a statistical test, for `make test-long`.

In-process, so that no network hides a difference. Two kinds of request are sent in random order; the advantage of
an attacker who guesses the kind from the time is measured as the area under the curve (0.5 is blind guessing).
"""

import os
import random
import secrets
import time
from collections.abc import Callable

import pytest
from werkzeug.test import TestResponse

from app.capacity.throttle import Counters
from tests.browsers import Site
from tests.oauth.conftest import App

pytestmark = pytest.mark.skipif(not os.environ.get("LONG"), reason="takes minutes; make test-long runs it")

ROUNDS = 400
BLIND = 0.1  # five standard deviations of 400 against 400
Ask = Callable[[], TestResponse]


def advantage(one: Ask, other: Ask) -> float:
    """Return how far from blind guessing the times are: 0 tells nothing, 0.5 tells all."""
    taken: dict[Ask, list[int]] = {one: [], other: []}
    order = [one, other] * ROUNDS
    random.shuffle(order)
    for ask in [one, other, *order]:
        began = time.perf_counter_ns()
        ask()
        taken[ask].append(time.perf_counter_ns() - began)
    pairs = [(a > b) + (a == b) / 2 for a in taken[one][1:] for b in taken[other][1:]]
    return abs(sum(pairs) / len(pairs) - 0.5)


def test_the_measure_does_tell_what_differs(mail: App) -> None:
    _, own = mail.grant()
    assert advantage(lambda: mail.refresh(own), lambda: mail.refresh("x")) > 0.4


@pytest.mark.stores("how long a look-up takes")
@pytest.mark.parametrize("act", ["revoke", "refresh", "introspect"])
def test_rev_30_another_clients_refresh_token_takes_as_long_as_an_unknown_one(mail: App, notes: App, act: str) -> None:
    _, foreign = mail.grant()
    unknown = secrets.token_urlsafe(32)
    acts = {
        "revoke": notes.revoke,
        "refresh": notes.refresh,
        "introspect": lambda token: notes.post("/oauth/introspect", token=token),
    }
    ask = acts[act]
    assert ask(foreign).data == ask(unknown).data
    assert advantage(lambda: ask(foreign), lambda: ask(unknown)) < BLIND


def test_rev_30_another_clients_access_token_takes_as_long_whether_it_lives_or_not(mail: App, notes: App) -> None:
    living, _ = mail.grant()
    ended, refresh = mail.grant()
    mail.revoke(refresh)
    assert notes.revoke(living).data == notes.revoke(ended).data
    assert advantage(lambda: notes.revoke(living), lambda: notes.revoke(ended)) < BLIND


@pytest.mark.usefixtures("full_cost")
def test_an_unknown_account_takes_as_long_as_a_wrong_password(open_site: Callable[..., Site]) -> None:
    site = open_site()
    site.member()
    visitor = site.browser()

    def sign_in(email: str) -> TestResponse:
        site.app.extensions["throttle"] = Counters(redis_url="")  # a client that is held off is answered at once
        return visitor.sign_in(email, "wrong wrong")

    assert advantage(lambda: sign_in("ada@example.org"), lambda: sign_in("eve@example.org")) < BLIND
