"""What each design does when its news cannot reach it: fail open, fail closed, or go on for a while."""

import pytest

from app.lab.designs import ALL, Delivery, Fault, Silence
from app.lab.run import PATIENCE_SECONDS, POLL_SECONDS
from tests.lab.conftest import Visitor

OPEN = [slug for slug, design in ALL.items() if design.way.silence is Silence.OPEN]
BOUNDED = [slug for slug, design in ALL.items() if design.way.silence is Silence.BOUNDED]
CLOSED = [slug for slug, design in ALL.items() if design.way.silence is Silence.CLOSED]


@pytest.fixture
def thief(visitor: Visitor) -> Visitor:
    """A visitor who has copied the tokens, ten seconds after a poll."""
    visitor.sign_in_and_copy()
    visitor.site.wait(POLL_SECONDS + 10)
    return visitor


def statuses(thief: Visitor, slugs: list[str]) -> dict[str, int]:
    return {slug: thief.present(slug)["status"] for slug in slugs}


def cut(thief: Visitor, *faults: Fault) -> None:
    for fault in faults:
        thief.press("faults", fault=fault.value)


@pytest.mark.question("Q9")
def test_with_the_store_down_who_asks_refuses_everybody_and_the_others_notice_nothing(thief: Visitor) -> None:
    cut(thief, Fault.STORE)
    thief.site.wait(2)
    assert statuses(thief, list(ALL)) == {slug: 503 if slug in CLOSED else 200 for slug in ALL}
    cut(thief, Fault.STORE)
    assert set(statuses(thief, list(ALL)).values()) == {200}


def test_a_sign_out_that_cannot_be_written_ends_nothing_and_says_so(thief: Visitor) -> None:
    cut(thief, Fault.STORE)
    thief.press("sign-out", way="sign-out")
    assert "The server could not write it" in thief.browser.get("/lab").text
    assert thief.run().ended_at is None
    cut(thief, Fault.STORE)
    thief.press("sign-out", way="sign-out")
    assert thief.present("denylist-ask")["status"] == 401


@pytest.mark.question("Q9", "A17")
def test_with_the_push_channel_cut_who_only_listens_never_hears_of_it(thief: Visitor) -> None:
    listens = [slug for slug in OPEN if ALL[slug].way.delivery is Delivery.PUSH]
    cut(thief, Fault.PUSH)
    thief.press("sign-out", way="sign-out")
    cut(thief, Fault.PUSH)
    thief.site.wait(2 * POLL_SECONDS)
    assert set(statuses(thief, listens).values()) == {200}
    assert thief.present("this-site")["status"] == 401


@pytest.mark.question("Q9")
def test_with_the_list_server_down_who_polls_goes_on_with_its_old_list_and_some_know_when_to_stop(
    thief: Visitor,
) -> None:
    polls = [slug for slug in OPEN if ALL[slug].way.delivery is Delivery.POLL]
    cut(thief, Fault.LIST)
    thief.press("sign-out", way="sign-out")
    thief.site.wait(POLL_SECONDS)
    assert set(statuses(thief, [*polls, *BOUNDED]).values()) == {200}
    thief.site.wait(PATIENCE_SECONDS)
    assert set(statuses(thief, polls).values()) == {200}
    assert set(statuses(thief, BOUNDED).values()) == {503}


def test_once_the_list_server_is_back_the_next_poll_brings_the_news(thief: Visitor) -> None:
    cut(thief, Fault.LIST)
    thief.press("sign-out", way="sign-out")
    thief.site.wait(POLL_SECONDS)
    cut(thief, Fault.LIST)
    assert thief.present("denylist-poll")["status"] == 200
    thief.site.wait(POLL_SECONDS)
    assert thief.present("denylist-poll")["status"] == 401


@pytest.mark.question("A4")
def test_the_old_refresh_token_ends_its_session_and_no_other(thief: Visitor) -> None:
    thief.press("refresh")
    assert thief.present_refresh() == 400
    run = thief.run()
    assert thief.present("this-site")["status"] == 401
    assert thief.present("this-site", run.phone_access)["status"] == 200
    assert thief.present_refresh(run.held.refresh if run.held else "") == 400


def test_a_thief_who_is_first_to_refresh_is_found_out_when_the_browser_refreshes(thief: Visitor) -> None:
    thief.press("refresh", old="1")
    assert thief.present("this-site")["status"] == 200
    thief.press("refresh")
    assert thief.run().ended_by == "reuse"
    assert thief.present("this-site")["status"] == 401
