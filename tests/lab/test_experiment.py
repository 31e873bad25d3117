"""The experiment, as a visitor does it, and what it must never touch."""

import re

import jwt
import pytest

from app.lab import player, visitors
from app.lab.home.sessions import IDLE
from tests.browsers import Site, words
from tests.lab.conftest import Visitor
from tests.lab.test_revoke import revoke

EVERY = player.every()
LATE = [
    "dbsc",
    "expiry",
    "introspection-cached",
    "bloom-filter",
    "denylist-poll",
    "key-rotation",
    "status-list",
    "transparency",
]


def accepting(visitor: Visitor) -> list[str]:
    """Those that the page says accepted the copy though its session has ended, in its order."""
    page = visitor.browser.get("/lab").text.partition("What each design answered")[2]
    rows = re.findall(r'href="/lab/designs/([\w-]+)">.*?data-state="(\w+)"', page, re.DOTALL)
    assert len(rows) == len(EVERY)
    return [slug for slug, state in rows if state == "alarm"]


def test_nothing_is_kept_of_a_visitor_who_only_looks(site: Site) -> None:
    browser = site.browser()
    assert "Sign in to begin" in browser.get("/lab").text
    assert browser.cookie("__Host-Http-lab") is None
    assert site.query("SELECT count(*) FROM lab_visitors") == [(0,)]


@pytest.mark.page
@pytest.mark.question("Q3")
def test_the_answers_name_the_designs_that_accept_and_the_picture_says_until_when(visitor: Visitor) -> None:
    visitor.sign_in_and_copy()
    visitor.press("time", step="minute")
    visitor.press("sign-out", way="sign-out")
    visitor.press("replay")
    page = visitor.browser.get("/lab").text
    assert f"8 of {len(EVERY)} designs still accept the old token" in page
    assert page.count('class="lane"') == len(EVERY) + 2
    assert "Nothing but expiry: accepted until it expires, 4 minutes later" in page
    assert "Denylist, polled: still accepted for 1 minute" in page
    assert "Denylist in a shared store: refused at once" in page
    assert set(accepting(visitor)) == set(LATE)
    visitor.press("time", step="poll")
    assert "The answers below are 1 minute old" in visitor.browser.get("/lab").text
    visitor.press("replay")
    assert accepting(visitor) == ["dbsc", "expiry"]


@pytest.mark.page
@pytest.mark.question("Q5", "A7")
def test_the_browsers_own_forgetting_is_no_end_and_each_thing_that_a_thief_has_lives_on(visitor: Visitor) -> None:
    visitor.sign_in_and_copy()
    visitor.press("sign-out", way="client")
    visitor.press("replay")
    page = visitor.browser.get("/lab").text
    assert f"{len(EVERY) - 1} of {len(EVERY)} designs still accept the old token" in page
    assert "accepted though ended" not in page, "nothing has ended"
    for name in ("Refresh token", "Session cookie"):
        assert f"{name}: still accepted for 2 hours" in page
    assert visitor.stage().open_page().status == 200
    assert visitor.stage().exchange().status == 200


@pytest.mark.page
@pytest.mark.parametrize(
    ("ending", "said"),
    [
        ("reuse", "Then an old refresh token was used again."),
        ("revocation", "Then a program sent the refresh token to the server, which ended the session."),
        ("idleness", "Then the session expired by itself at the server."),
    ],
)
def test_what_ends_a_forgotten_session_at_the_server_is_said_beside_what_the_browser_did(
    visitor: Visitor, ending: str, said: str
) -> None:
    visitor.sign_in_and_copy()
    visitor.press("refresh")
    visitor.press("sign-out", way="client")
    visitor.press("time", step="minute")
    page = words(visitor.browser.get("/lab").text)
    assert (
        "The browser forgot its tokens, 1 minute ago The browser deleted its tokens. The server was told nothing."
        in page
    )
    assert "Then" not in page
    if ending == "reuse":
        visitor.press("refresh", old="1")
    elif ending == "revocation":
        revoke(visitor.site, visitor.held()["refresh"])
    else:
        visitor.go_to(IDLE)
    page = words(visitor.browser.get("/lab").text)
    assert "The browser forgot its tokens" in page
    assert f"The server was told nothing. {said}" in page
    assert "The session ended" not in page


@pytest.mark.page
def test_an_hour_later_the_copied_refresh_token_still_buys_tokens_if_only_the_browser_forgot(visitor: Visitor) -> None:
    visitor.sign_in_and_copy()
    visitor.press("sign-out", way="client")
    visitor.go_to(3600)
    assert not visitor.present("expiry")["accepted"]
    visitor.press("refresh", old="1")
    assert visitor.present("expiry")["accepted"]


@pytest.mark.page
def test_the_runs_clock_stands_still_between_two_acts(visitor: Visitor) -> None:
    visitor.sign_in_and_copy()
    visitor.site.wait(3600)
    assert "expires in 5:00" in visitor.browser.get("/lab").text
    visitor.press("sign-out", way="sign-out")
    visitor.site.wait(3600)
    visitor.press("replay")
    visitor.site.wait(3600)
    assert set(accepting(visitor)) == set(LATE)


@pytest.mark.page
def test_what_was_measured_is_what_a_request_at_that_second_finds(visitor: Visitor) -> None:
    visitor.sign_in_and_copy()
    visitor.press("sign-out", way="sign-out")
    run = visitor.run()
    for design in EVERY:
        exposed = player.exposure(design, run.story(), 0)
        visitor.go_to(exposed)
        assert visitor.present(design.slug)["status"] != 200
        if exposed:
            visitor.go_to(exposed - 1)
            assert visitor.present(design.slug)["status"] == 200


@pytest.mark.stores("JSON, and numbers that are large")
def test_a_request_by_hand_is_answered_on_every_database(visitor: Visitor) -> None:
    visitor.sign_in_and_copy()
    assert visitor.present("introspection")["asked"]["requests"] == 1
    assert visitor.present("expiry")["asked"] == {}
    visitor.press("refresh")
    visitor.press("refresh", old="1")
    assert visitor.run().ended_by == "reuse"
    assert visitor.present("denylist-ask")["status"] == 401
    assert visitor.present("denylist-ask", visitor.held("denylist-ask", "phone")["access"])["status"] == 200


def test_nothing_of_it_is_in_the_sites_own_log(visitor: Visitor) -> None:
    entries = visitor.site.query("SELECT count(*) FROM log_entries")
    visitor.sign_in_and_copy()
    visitor.press("sign-out", way="all")
    visitor.press("replay")
    assert visitor.site.query("SELECT count(*) FROM log_entries") == entries


@pytest.mark.page
def test_what_is_kept_of_a_run_is_small_and_holds_no_token(visitor: Visitor) -> None:
    visitor.sign_in_and_copy()
    visitor.press("sign-out", way="sign-out")
    visitor.press("replay")
    kept = visitor.run().to_json()
    assert len(kept) < 700
    for secret in ("refresh", "cookie", "access"):
        assert visitor.held()[secret].rpartition(".")[2] not in kept


@pytest.mark.page
@pytest.mark.question("Q6")
def test_the_server_keeps_a_hash_of_each_refresh_token_and_never_shows_one(visitor: Visitor) -> None:
    visitor.sign_in_and_copy()
    visitor.press("refresh")
    page = visitor.browser.get("/lab").text
    for secret in ("refresh", "cookie"):
        assert visitor.held()[secret] not in page
    assert f'data-value="{visitor.held()["access"]}"' in page, "the access token is there to be copied"
    assert "used" in page
    assert "good for one use" in page


@pytest.mark.page
def test_lab_tokens_open_nothing_of_the_site_and_the_sites_own_nothing_of_the_lab(visitor: Visitor) -> None:
    visitor.sign_in_and_copy()
    held = visitor.held()
    assert visitor.browser.api(held["access"]).status_code == 401
    thief = visitor.site.thief({"__Host-Http-access": held["access"], "__Host-Http-refresh": held["refresh"]})
    assert not thief.is_signed_in()
    assert visitor.present("expiry", visitor.site.member().pocket()["__Host-Http-access"])["status"] == 401


@pytest.mark.page
def test_a_run_touches_neither_another_run_nor_a_session_of_the_site(visitor: Visitor) -> None:
    ada = visitor.site.member()
    other = Visitor(visitor.site, visitor.site.browser())
    other.sign_in_and_copy()
    visitor.sign_in_and_copy()
    foreign = other.held()["access"]
    visitor.press("faults", fault="store")
    visitor.press("faults", fault="store")
    visitor.press("time", step="minute")
    visitor.press("sign-out", way="all")
    visitor.press("reset")
    assert ada.is_signed_in()
    assert other.run().now == 0
    assert other.present("expiry", foreign)["status"] == 200


@pytest.mark.page
@pytest.mark.question("Q9")
def test_with_the_store_off_a_sign_out_ends_nothing_and_says_so(visitor: Visitor) -> None:
    visitor.sign_in_and_copy()
    visitor.press("faults", fault="store")
    visitor.press("sign-out", way="sign-out")
    assert "The server could not write it" in visitor.browser.get("/lab").text
    assert visitor.run().ended_at is None
    assert visitor.stage().exchange().status == 503
    visitor.press("faults", fault="store")
    visitor.press("sign-out", way="sign-out")
    assert visitor.present("denylist-ask")["status"] == 401


@pytest.mark.page
@pytest.mark.question("A14")
def test_an_issuer_that_lies_is_believed_by_all_but_those_that_compare_what_it_signed(visitor: Visitor) -> None:
    visitor.sign_in_and_copy()
    visitor.press("faults", fault="two-heads")
    visitor.press("sign-out", way="sign-out")
    visitor.press("replay")
    assert f"{len(EVERY) - 1} of {len(EVERY)} designs still accept the old token" in visitor.browser.get("/lab").text
    visitor.press("time", step="poll")
    visitor.press("time", step="poll")
    visitor.press("replay")
    assert set(accepting(visitor)) == {design.slug for design in EVERY} - {"dpop", "transparency"}
    assert "two heads that contradict each other" in visitor.browser.get("/lab").text


@pytest.mark.page
def test_a_hidden_sign_out_is_found_when_the_person_shows_the_receipt(visitor: Visitor) -> None:
    visitor.sign_in_and_copy()
    visitor.press("faults", fault="withhold")
    visitor.press("sign-out", way="sign-out")
    visitor.press("time", step="poll")
    assert visitor.present("transparency")["accepted"]
    visitor.press("receipt")
    assert visitor.present("transparency")["status"] == 503
    assert visitor.present("status-list")["accepted"]


@pytest.mark.page
@pytest.mark.question("A4")
def test_a_thief_who_is_first_to_refresh_is_found_out_when_the_browser_refreshes(visitor: Visitor) -> None:
    visitor.sign_in_and_copy()
    visitor.press("refresh", old="1")
    assert visitor.present("denylist-ask")["status"] == 200
    visitor.press("refresh")
    assert visitor.run().ended_by == "reuse"
    assert visitor.present("denylist-ask")["status"] == 401
    assert "took it for a theft" in visitor.browser.get("/lab").text


@pytest.mark.page
def test_a_junk_token_is_known_nowhere(visitor: Visitor) -> None:
    visitor.sign_in_and_copy()
    name = visitor.run().name
    for token in ("x", "a.b.c", "lab.0.x", f"lab.{name}.x", f"lab.{name}", "é"):
        assert visitor.present("expiry", token)["status"] == 401
        assert visitor.present("introspection", token)["status"] == 401


@pytest.mark.stores("text that it cannot hold")
@pytest.mark.parametrize("name", ["\x00", "\ud800", "9" * 4000])
def test_a_token_that_names_what_no_database_can_hold_is_known_nowhere(visitor: Visitor, name: str) -> None:
    visitor.sign_in_and_copy()
    token = jwt.encode({"sub": name}, "x" * 32)
    assert visitor.present("expiry", token)["status"] == 401


@pytest.mark.page
@pytest.mark.parametrize(
    ("path", "form"),
    [
        ("sign-out", {"way": "x"}),
        ("faults", {"fault": "x"}),
        ("faults", {"fault": "store", "act": "copy"}),
        ("sign-out", {}),
    ],
)
def test_a_word_that_is_not_ours_is_a_bad_request(visitor: Visitor, path: str, form: dict[str, str]) -> None:
    visitor.sign_in_and_copy()
    assert visitor.browser.post(f"/lab/{path}", **form).status_code == 400


@pytest.mark.page
def test_acts_without_a_run_lead_back_to_the_beginning(visitor: Visitor) -> None:
    for path, form in (("copy", {}), ("refresh", {}), ("replay", {}), ("time", {"step": "minute"})):
        visitor.press(path, **form)
    assert "Sign in to begin" in visitor.browser.get("/lab").text


OF_ANOTHER_SHAPE = '{"user":"lab:x","offset":0,"began_at":1,"laptop":{},"phone":{},"held":null,"entries":[]}'
OF_ANOTHER_ACT = '{"name":"x","began_at":1,"acts":[[0,"sign-in",""],[0,"%s",""]]}'


@pytest.mark.page
@pytest.mark.parametrize("old", [OF_ANOTHER_SHAPE, OF_ANOTHER_ACT % "hide", OF_ANOTHER_ACT % "do"])
def test_a_run_of_an_older_version_of_the_site_begins_again_and_its_visitor_reads_why(
    site: Site, visitor: Visitor, old: str
) -> None:
    why, opened = "This site was upgraded since you began", site.browser().post("/lab/rooms", name="Thursday")
    assert why not in visitor.browser.get("/lab").text
    visitor.sign_in_and_copy()
    with visitor.site.app.app_context():
        from app.store.db import db

        db.session.query(visitors.Visitor).update({"run": old})
        db.session.commit()
    page = visitor.browser.get("/lab").text
    assert "Sign in to begin" in page
    assert why in page
    visitor.browser.post(f"{opened.headers['Location']}/join", nickname="Ada")
    assert why in visitor.browser.get("/lab").text, "in a room, too"
    visitor.sign_in_and_copy()
    assert visitor.run().copied
    assert why not in visitor.browser.get("/lab").text


def test_another_site_cannot_press_the_buttons(visitor: Visitor) -> None:
    answer = visitor.browser.post("/lab/sign-in", {"Origin": "https://evil.example"})
    assert answer.status_code == 403


@pytest.mark.sqlite
def test_each_design_shows_its_file_whole_and_hands_it_out(visitor: Visitor) -> None:
    visitor.sign_in_and_copy()
    visitor.press("sign-out", way="sign-out")
    for design in EVERY:
        page = visitor.browser.get(f"/lab/designs/{design.slug}").text
        assert {"Issuer", "Verifier"} <= set(re.findall(r'class="py-nc">(\w+)', page))
        token = re.findall(r"TOKEN=(\S+)", page)[0]
        assert re.findall(r"COOKIE=(\S+)", page) == visitor.held(design.slug).get("proof", [])
        assert visitor.present(design.slug, token)["accepted"] is (design.slug in LATE)


@pytest.mark.sqlite
def test_the_matrix_leads_to_every_design_and_unknown_ones_are_not_there(site: Site) -> None:
    browser = site.browser()
    page = browser.get("/lab/designs").text
    assert set(re.findall(r"/lab/designs/([a-z-]+)", page)) == {design.slug for design in EVERY}
    for path in ("designs/nothing-like-it", "designs/expiry/nothing.py", "designs/x/world.py", "api/nothing-like-it"):
        assert browser.get(f"/lab/{path}").status_code == 404
