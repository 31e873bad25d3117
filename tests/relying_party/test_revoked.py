"""What the lab tells relying parties: what visitors ended there, all of it, and nothing of the site."""

from types import SimpleNamespace
from typing import Any

import pytest
from werkzeug.test import TestResponse

from app.config import DAY
from app.lab import log, revoked
from app.lab.log import State
from app.serving import held as holding
from app.serving.held import HELD, Held, Shelf
from app.store.db import db
from tests.browsers import SITE_URL, Browser, Site


@pytest.fixture
def steady(monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    """The steady clock of the shelf, which stands still until it is set."""
    still = SimpleNamespace(now=1000.0)
    monkeypatch.setattr(holding, "time", SimpleNamespace(monotonic=lambda: still.now))
    return still


class Waiting:
    """A relying party whose request waits at the site, on a shelf that only the test rings."""

    def __init__(self, site: Site, query: str, shelf: Shelf) -> None:
        self._site, self._query = site, query
        shelf.look_for_news = lambda *_: None  # type: ignore[method-assign]
        self.held = Held(shelf, lambda: None)
        self.first = self._ask()

    def answer(self) -> dict[str, Any]:
        """What it is told once it is asked again."""
        assert self.held.is_due
        found: dict[str, Any] = self._ask().get_json()
        return found

    def _ask(self) -> TestResponse:
        client = self._site.app.test_client()
        return client.get(f"/lab/revoked?{self._query}", base_url=SITE_URL, environ_overrides={HELD: self.held})


@pytest.fixture
def shelf() -> Shelf:
    return Shelf()


def sign_in_to_the_lab(site: Site) -> Browser:
    browser = site.browser()
    browser.post("/lab/sign-in")
    return browser


def sign_out_of_the_lab(site: Site, way: str = "sign-out", *, cut: bool = False, fault: str = "push") -> None:
    browser = sign_in_to_the_lab(site)
    if cut or fault != "push":
        browser.post("/lab/faults", fault=fault)
    browser.post("/lab/sign-out", way=way)


def listed(site: Site, query: str = "") -> dict[str, Any]:
    answer = site.browser().get(f"/lab/revoked{query}", Accept="application/json")
    assert (answer.status_code, answer.headers["Cache-Control"]) == (200, "no-store")
    found: dict[str, Any] = answer.get_json()
    return found


def state(site: Site) -> State:
    with site.app.app_context():
        return log.state()


def test_nothing_of_the_site_itself_is_told(site: Site) -> None:
    ada = site.member()
    ada.sign_out()
    assert listed(site)["entries"] == []
    sign_out_of_the_lab(site)
    (entry,) = listed(site)["entries"]
    ids = {found for (found,) in site.query("SELECT id FROM sessions UNION SELECT id FROM users")}
    assert entry["subject"] not in ids
    assert entry.keys() == {"position", "subject", "until"}


def test_an_issuer_that_withholds_a_sign_out_withholds_it_from_relying_parties_and_two_logs_do_not(site: Site) -> None:
    sign_out_of_the_lab(site, fault="withhold")
    assert listed(site)["entries"] == []
    sign_out_of_the_lab(site, fault="two-heads")
    assert len(listed(site)["entries"]) == 1


def test_a_session_that_ends_after_its_browser_forgot_it_is_told_once(site: Site) -> None:
    browser = sign_in_to_the_lab(site)
    browser.post("/lab/copy")
    browser.post("/lab/refresh")
    browser.post("/lab/sign-out", way="client")
    assert listed(site)["entries"] == [], "the server knows of no end"
    for _ in range(2):
        browser.post("/lab/refresh", old="")
        assert len(listed(site)["entries"]) == 1, "an old refresh token was used again"


def test_positions_have_no_gaps_and_are_read_in_pieces(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    for _ in range(5):
        sign_out_of_the_lab(site)
    whole = listed(site, "?after=0")
    assert [entry["position"] for entry in whole["entries"]] == [1, 2, 3, 4, 5]
    monkeypatch.setattr(revoked, "MOST_POSITIONS", 2)
    pieces, position = [], 0
    while position < whole["size"]:
        piece = listed(site, f"?after={position}")
        assert piece["after"] == position
        assert position < piece["position"] <= position + 2
        position = piece["position"]
        pieces += piece["entries"]
    assert pieces == whole["entries"]


def test_one_subject_is_looked_up_alone_and_not_too_many(site: Site) -> None:
    for _ in range(2):
        sign_out_of_the_lab(site)
    entry = listed(site)["entries"][0]
    assert listed(site, f"?after=0&subject={entry['subject']}&subject=x")["entries"] == [entry]
    assert listed(site, f"?after={entry['position']}&subject={entry['subject']}")["entries"] == []
    assert site.browser().get("/lab/revoked?after=0" + "&subject=x" * 4).status_code == 400


def test_numbers_that_are_none_are_none(site: Site) -> None:
    sign_out_of_the_lab(site)
    for wrong in ("-1", "x", "1.5", "²", "9" * 30, ""):
        assert len(listed(site, f"?after={wrong}&wait={wrong}")["entries"]) == 1


def test_a_request_is_answered_once_something_ends(site: Site, shelf: Shelf, steady: SimpleNamespace) -> None:
    party = Waiting(site, "after=0&wait=20", shelf)
    shelf.ring(state(site))
    assert (party.held.is_held, party.held.is_due) == (True, False)
    sign_out_of_the_lab(site)
    steady.now += 1.5
    shelf.ring(state(site))
    answer = party.answer()
    assert [entry["position"] for entry in answer["entries"]] == [1]
    assert answer["waited"] == 1.5


@pytest.mark.parametrize(("asked", "held"), [("20", 20), ("25", 25), ("26", 25), ("1000", 25)])
@pytest.mark.sqlite
def test_it_is_answered_empty_once_it_has_waited_as_long_as_it_may(
    site: Site, shelf: Shelf, steady: SimpleNamespace, asked: str, held: int
) -> None:
    party = Waiting(site, f"after=0&wait={asked}", shelf)
    steady.now += held - 0.1
    shelf.ring(state(site))
    assert not party.held.is_due
    steady.now += 0.1
    shelf.ring()
    answer = party.answer()
    assert (answer["entries"], answer["position"], answer["waited"]) == ([], 0, held)


@pytest.mark.sqlite
def test_a_caller_is_answered_at_once_if_there_is_news_or_it_does_not_want_to_wait(site: Site, shelf: Shelf) -> None:
    sign_out_of_the_lab(site)
    for query in ("after=0&wait=9", "after=1", "after=1&wait=0", "after=9&wait=9", "after=1&wait=9&subject=x"):
        party = Waiting(site, query, shelf)
        assert (party.first.status_code, party.held.is_held) == (200, False), query
    assert Waiting(site, "after=1&wait=9", shelf).held.is_held


def test_a_wait_ends_with_the_log_that_it_was_for(site: Site, shelf: Shelf) -> None:
    sign_out_of_the_lab(site)
    epoch = listed(site)["epoch"]
    party = Waiting(site, "after=1&wait=9", shelf)
    assert site.run("log", "restore", "--yes").exit_code == 0
    shelf.ring(state(site))
    answer = party.answer()
    assert answer["epoch"] != epoch
    assert answer["size"] == 1, "its numbers go on: those of older tokens are in use"


@pytest.mark.sqlite
def test_a_wait_goes_on_while_the_database_is_gone(site: Site, shelf: Shelf) -> None:
    party = Waiting(site, "after=0&wait=9", shelf)
    (site.folder / "signed-out.db").rename(site.folder / "away")
    assert revoked._look(site.app) is None
    shelf.ring(None)
    assert not party.held.is_due
    (site.folder / "away").rename(site.folder / "signed-out.db")


def test_what_ended_while_its_push_channel_was_cut_does_not_come_but_its_number_is_missing(
    site: Site, shelf: Shelf
) -> None:
    party = Waiting(site, "after=0&wait=9", shelf)
    sign_out_of_the_lab(site, cut=True)
    shelf.ring(state(site))
    assert not party.held.is_due
    sign_out_of_the_lab(site)
    shelf.ring(state(site))
    answer = party.answer()
    assert ([entry["position"] for entry in answer["entries"]], answer["position"]) == ([2], 2)
    assert [entry["position"] for entry in listed(site)["entries"]] == [1, 2], "the list is another channel"


@pytest.mark.sqlite
def test_beyond_the_places_and_one_networks_share_of_them_a_request_is_answered_at_once(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, places in (("PLACES", 2), ("OWN", 1)):
        shelf = Shelf()
        with monkeypatch.context() as few:
            few.setattr(holding, name, places)
            parties = [Waiting(site, "after=0&wait=9", shelf) for _ in range(places + 1)]
            assert [party.held.is_held for party in parties] == [True] * places + [False]
            assert parties[-1].first.get_json()["waited"] == 0
            shelf.drop(parties[0].held)
            assert Waiting(site, "after=0&wait=9", shelf).held.is_held, "its place is free again"


@pytest.mark.sqlite
def test_a_request_that_waits_holds_no_connection(site: Site, shelf: Shelf) -> None:
    assert Waiting(site, "after=0&wait=9", shelf).held.is_held
    with site.app.app_context():
        assert db.engine.pool.checkedout() == 0  # type: ignore[attr-defined]


@pytest.mark.sqlite
def test_a_request_is_answered_at_once_where_no_server_can_hold_it(site: Site) -> None:
    assert listed(site, "?after=0&wait=20")["waited"] == 0


def test_the_log_is_short_and_says_from_where_on_it_is_whole(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(log, "MAX_ENTRIES", 3)
    for _ in range(5):
        sign_out_of_the_lab(site)
    assert site.query("SELECT position FROM lab_log ORDER BY position") == [(3,), (4,), (5,)]
    assert (listed(site)["after"], listed(site, "?after=4")["after"]) == (2, 4)


def test_what_no_token_can_outlive_is_purged_and_its_number_is_not_given_again(site: Site) -> None:
    sign_out_of_the_lab(site)
    site.run("purge")
    assert len(listed(site)["entries"]) == 1
    site.wait(2 * DAY)
    assert "revocations of the lab: 1 forgotten" in site.run("purge").output
    assert (listed(site)["entries"], listed(site)["size"]) == ([], 1)
    sign_out_of_the_lab(site)
    assert [entry["position"] for entry in listed(site)["entries"]] == [2]
