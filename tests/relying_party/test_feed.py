"""What the lab tells verifiers elsewhere: its own revocations, all of them, and nothing of the site."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from werkzeug.test import TestResponse

from app.admission import OWN, Queue
from app.db import db
from app.lab import feed
from app.revocation import delivery
from tests.browsers import SITE_URL, Site
from tests.relying_party.conftest import until


class Stream:
    """An open stream, read event by event."""

    def __init__(self, site: Site, after: int | None = None) -> None:
        with site.app.app_context():
            until(delivery.head, bool)  # a node has to have read the log to its end first
        headers = {"Last-Event-ID": str(after)} if after is not None else {}
        self.answer: TestResponse = site.app.test_client().get("/lab/feed", base_url=SITE_URL, headers=headers)
        self._parts: Iterator[bytes] = iter(self.answer.response)

    def next(self) -> tuple[str, dict[str, Any]]:
        name, _, data = next(self._parts).decode().split("\n")[:3]
        return name.removeprefix("event: "), json.loads(data.removeprefix("data: "))

    def until(self, wanted: str) -> dict[str, Any]:
        while True:
            name, data = self.next()
            if name == wanted:
                return data

    def close(self) -> None:
        self.answer.close()


def sign_out_of_the_lab(site: Site, way: str = "sign-out") -> None:
    browser = site.browser()
    browser.post("/lab/sign-in")
    browser.post("/lab/sign-out", way=way)


def listed(site: Site, query: str = "") -> dict[str, Any]:
    answer = site.browser().get(f"/lab/revoked{query}", Accept="application/json")
    assert (answer.status_code, answer.headers["Cache-Control"]) == (200, "no-store")
    found: dict[str, Any] = answer.get_json()
    return found


def test_nothing_of_the_site_itself_is_told(site: Site) -> None:
    stream = Stream(site)
    assert stream.next()[0] == "begin"
    ada = site.member()
    ada.sign_out()
    sign_out_of_the_lab(site)
    first = stream.until("revoked")
    assert first["subject"].startswith("lab:")
    assert [entry["subject"] for entry in listed(site)["entries"]] == [first["subject"]]
    stream.close()


def test_ids_of_the_site_cannot_look_like_those_of_the_lab(site: Site) -> None:
    ada = site.member()
    ids = site.query("SELECT id FROM sessions UNION SELECT id FROM users")
    assert ids
    assert not any(":" in found for (found,) in ids)
    assert ":" not in ada.session()["sid"]


def test_a_stream_goes_on_where_another_was_cut(site: Site) -> None:
    stream = Stream(site)
    position = stream.until("alive")["position"]
    stream.close()
    sign_out_of_the_lab(site, "all")
    stream = Stream(site, position)
    assert stream.next() == ("begin", {**stream_begin(site, position), "clock": pytest.approx(0, abs=1e12)})
    assert stream.next()[1]["scope"] == "user"
    assert stream.next()[0] == "alive"
    stream.close()


def stream_begin(site: Site, after: int) -> dict[str, Any]:
    return {"after": after, "epoch": listed(site)["epoch"]}


def test_a_place_that_is_ahead_of_the_log_is_none(site: Site) -> None:
    stream = Stream(site, 10**9)
    assert stream.next()[1]["after"] == listed(site)["size"]
    stream.close()


def test_the_list_is_read_in_pieces_and_says_how_far_it_goes(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    for _ in range(3):
        sign_out_of_the_lab(site)
    whole = listed(site, "?after=0")
    monkeypatch.setattr(feed, "LONGEST", 4)
    pieces, position = [], 0
    while position < whole["size"]:
        piece = listed(site, f"?after={position}")
        assert position < piece["position"] <= position + 4
        position = piece["position"]
        pieces += piece["entries"]
    assert pieces == whole["entries"]
    assert len(pieces) == 3
    assert listed(site)["after"] == whole["size"] - 4


def test_one_subject_is_looked_up_alone_and_not_too_many(site: Site) -> None:
    for _ in range(2):
        sign_out_of_the_lab(site)
    entry = listed(site)["entries"][0]
    assert listed(site, f"?after=0&subject={entry['subject']}&subject=x")["entries"] == [entry]
    assert listed(site, f"?after={entry['position']}&subject={entry['subject']}")["entries"] == []
    assert site.browser().get("/lab/revoked?after=0" + "&subject=x" * 4).status_code == 400


def test_more_subscribers_than_there_are_places_for_are_told_to_come_back(site: Site) -> None:
    site.app.extensions["admission"]["feeds"] = Queue("feeds", at_once=1, length=1)
    stream = Stream(site)
    refused = Stream(site).answer
    assert (refused.status_code, refused.headers["Retry-After"]) == (503, "3")
    stream.close()  # without having been read: its place is free all the same
    again = Stream(site)
    assert again.answer.status_code == 200
    again.close()


def test_one_network_holds_few_of_the_places(site: Site) -> None:
    streams = [Stream(site) for _ in range(OWN)]
    assert Stream(site).answer.status_code == 429
    for stream in streams:
        stream.close()


def test_an_open_stream_holds_no_connection_and_ends_by_itself(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    stream = Stream(site)
    stream.until("alive")
    with site.app.app_context():
        assert db.engine.pool.checkedout() == 0  # type: ignore[attr-defined]
    monkeypatch.setattr(feed, "LIFE_SECONDS", -1)
    short = Stream(site)
    assert short.next()[0] == "begin"
    with pytest.raises(StopIteration):
        short.next()
    for opened in (stream, short):
        opened.close()


@pytest.mark.sqlite
def test_a_stream_ends_when_the_log_cannot_be_read_or_the_process_stops(
    site: Site, instance: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stopping, silent = Stream(site), Stream(site)
    for stream in (stopping, silent):
        stream.until("alive")
    monkeypatch.setattr(feed, "_goes_on", lambda: False)
    with pytest.raises(StopIteration):
        stopping.next()
    monkeypatch.setattr(feed, "_goes_on", lambda: True)
    (instance / "signed-out.db").rename(instance / "away")
    with pytest.raises(StopIteration):
        silent.next()
    for stream in (stopping, silent):
        stream.close()
