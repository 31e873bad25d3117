"""Two things at once, in two worker processes: in any order, what was ended stays ended.

Each story begins with Ada's session and lets several requests go at the same moment. The invariants afterwards:
no cookie that any of the answers gave, and none from before, opens a page of a session that was ended; and no other
session is touched; no answer is our mistake; the log says each thing once.
"""

import os
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import pytest

from tests.browsers import ACCESS, PASSWORD, REFRESH, Pocket
from tests.server import Server

pytestmark = [pytest.mark.server, pytest.mark.stores("races")]

ROUNDS = 30 if os.environ.get("LONG") else 4
TABS = 4
ADA, BOB = "ada@example.org", "bob@example.org"
Answer = tuple[int, Pocket]


@pytest.fixture(scope="module")
def server(shared_instance: Path) -> Iterator[Server]:
    running = Server(shared_instance, WORKERS="2")
    running.join(ADA)
    yield running
    running.stop()


@pytest.fixture(scope="module")
def bystander(server: Server) -> Pocket:
    return server.join(BOB)


@pytest.fixture(autouse=True)
def _no_other_user_is_touched(server: Server, bystander: Pocket) -> Iterator[None]:
    yield
    status, cookies = server.ask("GET", "/account", bystander)
    assert status == 200
    bystander.update(cookies)


def at_once(*acts: Callable[[], Answer]) -> list[Answer]:
    """Let every act begin at the same moment; return the answers in their order."""
    gate = threading.Barrier(len(acts))

    def run(act: Callable[[], Answer]) -> Answer:
        gate.wait()
        return act()

    with ThreadPoolExecutor(len(acts)) as threads:
        answers = list(threads.map(run, acts))
    assert all(status < 500 for status, _ in answers)
    return answers


def sid(server: Server, pocket: Pocket) -> str:
    return str(server.claims(pocket[ACCESS])["sid"])


def given(answers: list[Answer], before: Pocket) -> list[Pocket]:
    """Every set of cookies that a thief could have caught: alone and together."""
    caught = [before] + [cookies for _, cookies in answers if cookies.get(REFRESH)]
    return caught + [{name: cookies[name]} for cookies in caught for name in (ACCESS, REFRESH)]


def refresh(server: Server, pocket: Pocket) -> Callable[[], Answer]:
    return partial(server.ask, "GET", "/account", {REFRESH: pocket[REFRESH]})


@pytest.mark.parametrize("round_", range(ROUNDS))
def test_a_refresh_that_races_with_a_sign_out_never_survives_it(server: Server, round_: int) -> None:
    ada = server.sign_in(ADA)
    answers = at_once(partial(server.ask, "POST", "/sign-out", ada), *[refresh(server, ada)] * TABS)
    assert answers[0][0] == 303
    assert not any(server.is_signed_in(cookies) for cookies in given(answers, ada))


@pytest.mark.parametrize("round_", range(ROUNDS))
@pytest.mark.parametrize("path", ["/devices/end-all", "/devices/end-others"])
def test_a_refresh_that_races_with_an_end_from_elsewhere_never_survives_it(
    server: Server, path: str, round_: int
) -> None:
    ada, phone = server.sign_in(ADA), server.sign_in(ADA)
    answers = at_once(partial(server.ask, "POST", path, phone), *[refresh(server, ada)] * TABS)
    assert answers[0][0] == 303
    assert not any(server.is_signed_in(cookies) for cookies in given(answers, ada))
    assert server.is_signed_in(phone) == (path == "/devices/end-others")


@pytest.mark.parametrize("round_", range(ROUNDS))
def test_a_user_who_signs_in_with_the_old_password_while_it_is_changed_does_not_stay(
    server: Server, round_: int
) -> None:
    email = f"carol-{round_}@example.org"
    ada = server.join(email)
    change = partial(
        server.ask, "POST", "/account/password", ada, current=PASSWORD, password="nine quiet walruses", end_others="y"
    )
    thief = partial(server.ask, "POST", "/sign-in", {}, email=email, password=PASSWORD)
    answers = at_once(change, *[thief] * 3)
    assert answers[0][0] == 303
    assert not any(server.is_signed_in(cookies) for _, cookies in answers[1:] if cookies)
    assert server.is_signed_in(answers[0][1])


@pytest.mark.parametrize("round_", range(ROUNDS))
def test_a_step_up_does_not_save_a_session_that_is_being_ended(server: Server, round_: int) -> None:
    ada, phone = server.sign_in(ADA), server.sign_in(ADA)
    answers = at_once(
        partial(server.ask, "POST", f"/devices/{sid(server, ada)}/end", phone),
        partial(server.ask, "POST", "/confirm", ada, password=PASSWORD),
    )
    assert answers[0][0] == 303
    assert not any(server.is_signed_in(cookies) for cookies in given(answers, ada))
    assert server.is_signed_in(phone)


@pytest.mark.parametrize("round_", range(ROUNDS))
def test_a_form_posted_while_another_tab_signs_out_does_not_bring_the_session_back(server: Server, round_: int) -> None:
    ada = server.sign_in(ADA)
    name = partial(server.ask, "POST", f"/devices/{sid(server, ada)}/name", {REFRESH: ada[REFRESH]}, name="Desk")
    answers = at_once(partial(server.ask, "POST", "/sign-out", ada), name, name)
    assert not any(server.is_signed_in(cookies) for cookies in given(answers, ada))


@pytest.mark.parametrize("round_", range(ROUNDS))
def test_a_session_that_is_named_while_it_is_ended_is_ended(server: Server, round_: int) -> None:
    ada, phone = server.sign_in(ADA), server.sign_in(ADA)
    path = f"/devices/{sid(server, ada)}"
    answers = at_once(
        partial(server.ask, "POST", f"{path}/end", phone), partial(server.ask, "POST", f"{path}/name", phone, name="X")
    )
    assert [status for status, _ in answers] == [303, 303]
    assert not server.is_signed_in(ada)


@pytest.mark.parametrize("round_", range(ROUNDS))
def test_two_sign_outs_of_one_session_end_it_once(server: Server, round_: int) -> None:
    ada = server.sign_in(ADA)
    answers = at_once(*[partial(server.ask, "POST", "/sign-out", ada)] * TABS)
    assert [status for status, _ in answers] == [303] * TABS
    entries = server.query("SELECT count(*) FROM log_entries WHERE kind = 'revoked' AND subject = ?", sid(server, ada))
    assert entries == [(1,)]
    assert not server.is_signed_in(ada)
