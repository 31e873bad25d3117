"""The experiment, as a visitor does it, and what it must never touch."""

import re

import pytest

from app.lab.designs import ALL, NAMED
from tests.browsers import Site
from tests.lab.conftest import Visitor


def test_nothing_is_kept_of_whoever_only_looks(site: Site) -> None:
    browser = site.browser()
    assert "Sign in to begin" in browser.get("/lab").text
    assert browser.cookie("__Host-Http-lab") is None
    assert site.query("SELECT count(*) FROM lab_benches") == [(0,)]


@pytest.mark.question("Q3")
def test_the_answers_say_who_accepts_and_the_picture_until_when(visitor: Visitor) -> None:
    visitor.sign_in_and_copy()
    visitor.site.wait(70)
    visitor.press("sign-out", way="sign-out")
    visitor.press("replay")
    page = visitor.browser.get("/lab").text
    assert "5 of 13 designs still accept the old token" in page
    assert page.count('class="lane"') == len(NAMED)
    exposure = {row["slug"]: row["first_refusal"] - visitor.run().ended_at for row in visitor.run().replays[-1]["rows"]}
    assert exposure["expiry"] == 300 - 70
    assert exposure["status-list"] == 50
    assert exposure["this-site"] == exposure["denylist-ask"] == 0


@pytest.mark.question("Q5", "A7")
def test_the_browsers_own_forgetting_is_no_end(visitor: Visitor) -> None:
    visitor.sign_in_and_copy()
    visitor.press("sign-out", way="client")
    visitor.press("replay")
    assert "13 of 13 designs still accept the old token" in visitor.browser.get("/lab").text
    assert visitor.present_cookie() == 200


def test_what_was_measured_is_what_a_request_at_that_second_finds(visitor: Visitor) -> None:
    visitor.sign_in_and_copy()
    visitor.site.wait(65)
    visitor.press("sign-out", way="sign-out")
    visitor.press("replay")
    for row in visitor.run().replays[-1]["rows"]:
        first = row["first_refusal"]
        assert visitor.present(row["slug"], at=first)["status"] != 200
        if first > (visitor.run().ended_at or 0):
            assert visitor.present(row["slug"], at=first - 1)["status"] == 200


@pytest.mark.question("Q1", "A6")
def test_a_signed_token_is_checked_without_any_look_up_and_an_opaque_one_with_one(visitor: Visitor) -> None:
    visitor.sign_in_and_copy()
    assert visitor.present("expiry")["look_ups"] == []
    assert len(visitor.present("introspection")["look_ups"]) == 1


@pytest.mark.stores
@pytest.mark.question("A9")
def test_the_denylist_in_a_shared_store_asks_redis_where_there_is_one(visitor: Visitor) -> None:
    has_redis = bool(visitor.site.app.extensions["settings"].redis_url)
    visitor.sign_in_and_copy()
    assert visitor.present("denylist-ask")["look_ups"] == ["Redis" if has_redis else "the database"]
    visitor.press("sign-out", way="sign-out")
    assert visitor.present("denylist-ask")["status"] == 401


@pytest.mark.question("Q6")
def test_the_server_keeps_a_hash_of_each_refresh_token_and_never_shows_one(visitor: Visitor) -> None:
    visitor.sign_in_and_copy()
    visitor.press("refresh")
    page = visitor.browser.get("/lab").text
    assert visitor.pocket
    for secret in (visitor.pocket.refresh, visitor.pocket.cookie, visitor.pocket.opaque, visitor.pocket.access):
        assert secret not in page
    assert "used" in page
    assert "good for one use" in page


def test_lab_tokens_open_nothing_of_the_site(visitor: Visitor) -> None:
    visitor.sign_in_and_copy()
    assert visitor.pocket
    assert visitor.present("expiry")["accepted"]
    assert visitor.browser.api(visitor.pocket.access).status_code == 401
    thief = visitor.site.thief(
        {"__Host-Http-access": visitor.pocket.access, "__Host-Http-refresh": visitor.pocket.refresh}
    )
    assert not thief.is_signed_in()


def test_the_sites_own_tokens_are_nothing_to_the_lab(visitor: Visitor) -> None:
    visitor.sign_in_and_copy()
    access = visitor.site.member().pocket()["__Host-Http-access"]
    assert visitor.present("expiry", access)["status"] == 401


def test_a_run_touches_neither_another_run_nor_a_session_of_the_site(visitor: Visitor) -> None:
    ada = visitor.site.member()
    other = Visitor(visitor.site, visitor.site.browser())
    other.sign_in_and_copy()
    visitor.sign_in_and_copy()
    visitor.press("faults", fault="store")
    visitor.press("faults", fault="store")
    visitor.press("time", step="minute")
    visitor.press("sign-out", way="all")
    visitor.press("reset")
    assert ada.is_signed_in()
    assert other.run().offset == 0
    assert other.present("this-site")["status"] == 200


def test_a_forged_or_foreign_token_is_known_nowhere(visitor: Visitor) -> None:
    visitor.sign_in_and_copy()
    assert visitor.pocket
    head, body, _ = visitor.pocket.access.split(".")
    for token in ("x", f"{head}.{body}.AAAA", "opaque.0.x", f"opaque.{visitor.pocket.opaque.split('.')[1]}.x", "é"):
        assert visitor.present("expiry", token)["status"] == 401
        assert visitor.present("introspection", token)["status"] == 401


@pytest.mark.parametrize(
    ("path", "form"),
    [("sign-out", {"way": "x"}), ("faults", {"fault": "x"}), ("sign-out", {})],
)
def test_a_word_that_is_none_of_ours_is_a_bad_request(visitor: Visitor, path: str, form: dict[str, str]) -> None:
    visitor.sign_in_and_copy()
    assert visitor.browser.post(f"/lab/{path}", **form).status_code == 400


def test_acts_without_a_run_lead_back_to_the_beginning(visitor: Visitor) -> None:
    for path, form in (("copy", {}), ("refresh", {}), ("replay", {}), ("time", {"step": "minute"})):
        visitor.press(path, **form)
    assert "Sign in to begin" in visitor.browser.get("/lab").text


def test_another_site_cannot_press_the_buttons(visitor: Visitor) -> None:
    answer = visitor.browser.post("/lab/sign-in", {"Origin": "https://evil.example"})
    assert answer.status_code == 403


@pytest.mark.sqlite
def test_each_design_shows_its_own_code_and_what_it_holds(visitor: Visitor) -> None:
    visitor.sign_in_and_copy()
    visitor.press("sign-out", way="sign-out")
    for design in ALL.values():
        page = visitor.browser.get(f"/lab/designs/{design.slug}").text
        classes = re.findall(r'class="py-nc">(\w+)', page)
        assert classes, design.slug
        assert "bytes for your run right now" in page


@pytest.mark.sqlite
def test_the_matrix_leads_to_every_design_and_unknown_ones_are_not_there(site: Site) -> None:
    browser = site.browser()
    page = browser.get("/lab/designs").text
    for slug in set(re.findall(r"/lab/designs/([a-z-]+)", page)):
        assert browser.get(f"/lab/designs/{slug}").status_code == 200
    assert browser.get("/lab/designs/nothing-like-it").status_code == 404
    assert browser.get("/lab/api/nothing-like-it").status_code == 404
