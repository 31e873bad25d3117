"""What the lab says of this site is what the site's own code does: break that code, and the lab says so."""

import gc
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from app.lab import player
from app.lab.player import Act, Answer, Story
from app.revocation import log, memory
from app.revocation.checkers.cutoff import Cutoff
from app.revocation.checkers.denylist import Denylist
from app.revocation.lease import Lease
from app.revocation.memory import Memory
from app.revocation.witness import LogCut

DESIGN = player.find("this-site")
SIGNED_IN = (Act(0, "sign-in"), Act(10, "copy"))
SIGNED_OUT = (*SIGNED_IN, Act(60, "sign-out"))
UNHEARD = (*SIGNED_IN, Act(59, "cut", "push"), Act(60, "sign-out"))
EVERYWHERE = (*SIGNED_IN, Act(60, "all"))
SILENT = (*SIGNED_IN, Act(30, "cut", "store"))


def present(acts: tuple[Act, ...], at: int = 60) -> Answer:
    """Present the copy to the site as it is after all this."""
    return player.play(DESIGN, Story(acts), at).present()


def fresh() -> Answer:
    """Present a token in the second in which its session opened: no memory of a node has read so far."""
    return player.play(DESIGN, Story((Act(0, "sign-in"),)), 0).present("phone")


def true(*_: object) -> bool:
    return True


def false(*_: object) -> bool:
    return False


def hold_for_ever(lease: Any) -> Memory | None:
    return lease._held[0] if lease._held else None


def forget_the_news(known: Memory, size: int, _rows: object) -> None:
    known.position = size


def find_it_cut(lease: Any) -> Memory:
    raise LogCut(3, 4)


MUTATIONS: list[tuple[Any, str, Any, Callable[[], Answer], int, int]] = [
    (Denylist, "allows", true, lambda: present(SIGNED_OUT), 401, 200),
    (Cutoff, "allows", true, lambda: present(EVERYWHERE), 401, 200),
    (Memory, "learn", forget_the_news, lambda: present(SIGNED_OUT), 401, 200),
    (memory, "_NEWS", f"{memory._NEWS} AND 0", lambda: present(SIGNED_OUT), 401, 200),
    (Lease, "is_over_everywhere", true, lambda: present(UNHEARD), 401, 200),
    (Lease, "current", hold_for_ever, lambda: present(SILENT, at=40), 503, 200),
    (Lease, "current", find_it_cut, lambda: present(SIGNED_IN), 200, 503),
    (log, "allows", false, fresh, 200, 401),
]


@pytest.mark.parametrize(
    ("part", "name", "instead", "ask", "now", "then"),
    MUTATIONS,
    ids=[f"{part.__name__.rpartition('.')[2]}.{name} {then}" for part, name, *_, then in MUTATIONS],
)
def test_another_code_of_the_site_is_another_verdict_of_the_lab(
    monkeypatch: pytest.MonkeyPatch,
    part: Any,
    name: str,
    instead: Any,
    ask: Callable[[], Answer],
    now: int,
    then: int,
) -> None:
    assert ask().status == now
    monkeypatch.setattr(part, name, instead)
    assert ask().status == then


def test_a_good_token_costs_no_look_up_and_a_node_reads_by_itself() -> None:
    stage = player.play(DESIGN, Story(SIGNED_IN), 60)
    by_itself = stage.at_verifier.counts["look-ups"]
    assert stage.present().asked == {}
    assert by_itself >= 2 * 3 * 60, "two statements, three times a second"


def test_a_lost_wake_up_makes_sign_out_wait_for_the_next_read_and_nothing_else() -> None:
    heard, unheard = (player.play(DESIGN, Story(acts), 60) for acts in (SIGNED_OUT, UNHEARD))
    assert heard.clock.time - heard.story.began_at == 60
    assert 60 < unheard.clock.time - unheard.story.began_at < 61
    assert unheard.present().status == 401


def test_the_silent_store_is_trusted_for_one_lease_and_then_no_token_is_let_in() -> None:
    assert present(SILENT, at=30).status == 200
    late = present(SILENT, at=31)
    assert late.status == 503
    assert late.asked["look-ups"] == 1, "it asked the log, which does not answer"


def test_a_sign_out_that_cannot_be_written_ends_nothing() -> None:
    stage = player.play(DESIGN, Story((*SILENT, Act(35, "sign-out"), Act(36, "mend", "store"))), 40)
    assert stage.ended is None
    assert stage.present().status == 200


def test_a_story_that_one_thread_played_is_cleared_away_by_another_without_an_error(
    caplog: pytest.LogCaptureFixture,
) -> None:
    gc.collect()
    with ThreadPoolExecutor() as pool:
        stages = [pool.submit(player.play, DESIGN, Story(SIGNED_OUT), 60).result()]
    stages.clear()
    gc.collect()
    assert caplog.text == ""
