"""A session that is used from a new place is noted, warned of or ended, as the operator wishes; at each request."""

import threading
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest
from sqlalchemy import event

from app.identity.place import MOST_PLACES
from app.store.db import db
from tests import backings, countries
from tests.browsers import ACCESS, REFRESH, Browser, Site

OpenSite = Callable[..., Site]
RULES = ("ON_NEW_NETWORK", "ON_NEW_COUNTRY", "ON_NEW_BROWSER")
ELSEWHERE = {
    "network": ("Firefox on Linux", "198.51.100.9"),
    "network_country": ("Firefox on Linux", "203.0.113.66"),
    "browser": ("Safari on macOS", "192.0.2.200"),
    "browser_network_country": ("Safari on macOS", "203.0.113.66"),
}


@pytest.fixture
def open_site(open_site: OpenSite, tmp_path: Path) -> OpenSite:
    """The site with a policy, and with the map of countries."""
    return partial(open_site, COUNTRY_DATABASE=str(countries.write(tmp_path / "map.mmdb")))


def everything(reaction: str) -> dict[str, str]:
    return dict.fromkeys(RULES, reaction)


def member(site: Site, email: str = "ada@example.org") -> Browser:
    ada = site.browser(address="192.0.2.7")
    ada.sign_up(email)
    return ada


def at(site: Site, part: str, copied: Browser, only: str | None = None) -> Browser:
    """A thief elsewhere with copied cookies: all of them, or one."""
    label, address = ELSEWHERE[part]
    browser = site.browser(label, address=address)
    for name, value in copied.pocket().items():
        if only in (None, name):
            browser.client.set_cookie(name, value)
    return browser


def events(site: Site, *verbs: str) -> list[str]:
    found = [name for (name,) in site.query("SELECT event FROM activity ORDER BY id")]
    return [name for name in found if name.startswith(verbs or ("noted", "warned", "refused"))]


@pytest.mark.question("A5")
@pytest.mark.parametrize("reaction", ["ignore", "note", "warn", "sign-in"])
def test_a_new_place_gets_what_the_policy_says_whichever_cookie_came(open_site: OpenSite, reaction: str) -> None:
    site = open_site(**everything(reaction))
    verb = {"note": "noted", "warn": "warned", "sign-in": "refused"}.get(reaction)
    expected = []
    for part in ELSEWHERE:
        for cookie in (ACCESS, REFRESH, None):
            ada = member(site, f"{part}.{cookie}@example.org")
            assert at(site, part, ada, cookie).is_signed_in() == (reaction != "sign-in")
            expected += [f"{verb}_{part}"] if verb else []
            assert events(site) == expected
            assert ada.is_signed_in() == (reaction != "sign-in")


def test_by_default_no_user_is_refused_and_a_network_alone_is_only_noted(open_site: OpenSite) -> None:
    site = open_site()
    ada = member(site)
    for part in ELSEWHERE:
        assert at(site, part, ada).is_signed_in()
    assert events(site) == ["noted_network", "warned_network_country", "warned_browser"]


def test_a_place_that_is_known_is_not_judged_again_however_often_they_take_turns(open_site: OpenSite) -> None:
    site = open_site(**everything("warn"))
    ada = member(site)
    phone_network = at(site, "network", ada)
    for _ in range(5):
        site.wait(61)
        assert ada.is_signed_in()
        assert phone_network.is_signed_in()
    assert events(site) == ["warned_network"]


def test_a_thief_cannot_first_make_the_new_place_the_last_known_one(open_site: OpenSite) -> None:
    site = open_site(**everything("sign-in"))
    ada = member(site)
    site.wait(61)  # the next use is written
    assert not at(site, "browser", ada, ACCESS).is_signed_in()
    assert not at(site, "browser", ada, REFRESH).is_signed_in()
    assert events(site) == ["refused_browser"]


@pytest.mark.question("A5")
def test_a_user_who_is_refused_signs_in_again_there_and_then_belongs_there(open_site: OpenSite) -> None:
    site = open_site(**everything("sign-in"))
    ada = member(site)
    ada_abroad = at(site, "network_country", ada)
    page = ada_abroad.get(ada_abroad.get("/account").headers["Location"]).text
    assert "it was used from a new place, which asks for a new sign-in" in page
    ada_abroad.sign_in()
    assert ada_abroad.is_signed_in()
    assert [line["reason"] for line in ada_abroad.sessions() if line["ended_at"]] == ["new_place"]


def test_a_write_from_a_refused_place_does_nothing(open_site: OpenSite) -> None:
    site = open_site(**everything("sign-in"))
    ada = member(site)
    phone = site.browser("Chrome on Android", address="192.0.2.7")
    phone.sign_in()
    answer = at(site, "browser", ada).post("/devices/end-others")
    assert answer.headers["Location"] == "/sign-in?next=/"
    assert phone.is_signed_in()


def test_a_program_that_is_refused_is_told_so_as_one_whose_session_is_over(open_site: OpenSite) -> None:
    site = open_site(**everything("sign-in"))
    assert at(site, "browser", member(site)).get("/devices", Accept="application/json").status_code == 401


def test_an_old_refresh_token_from_a_new_place_is_called_reuse_and_ends_the_session_under_each_policy(
    open_site: OpenSite,
) -> None:
    site = open_site(**everything("ignore"))
    ada = member(site)
    thief = at(site, "browser_network_country", ada, REFRESH)
    for _ in range(2):
        ada.forget(ACCESS)
        ada.get("/account")
    assert not thief.is_signed_in()
    ada.sign_in()
    assert [line["reason"] for line in ada.sessions() if line["ended_at"]] == ["reuse"]


@pytest.mark.parametrize("reaction", ["note", "warn"])
def test_made_up_browsers_fill_neither_the_activity_nor_the_memory(open_site: OpenSite, reaction: str) -> None:
    site = open_site(**everything(reaction))
    ada = member(site)
    for number in range(3 * MOST_PLACES):
        assert ada.get("/account", **{"User-Agent": f"Crawler{number}bot/1.0"}).status_code == 200
    assert len(events(site)) == MOST_PLACES - 1
    ((kept,),) = site.query("SELECT length(cast(places AS text)) FROM sessions")
    assert kept < 1000


def test_a_stranger_is_refused_even_when_the_memory_is_full(open_site: OpenSite) -> None:
    site = open_site(ON_NEW_BROWSER="note", ON_NEW_COUNTRY="sign-in")
    ada = member(site)
    for number in range(2 * MOST_PLACES):
        ada.get("/account", **{"User-Agent": f"Crawler{number}bot/1.0"})
    assert not at(site, "network_country", ada).is_signed_in()


@pytest.mark.stores("a race")
def test_two_workers_that_judge_the_same_at_once_note_it_once(open_site: OpenSite) -> None:
    nodes = [open_site(**everything("warn")) for _ in range(2)]
    ada = member(nodes[0])
    visitors = [at(node, "browser", ada) for node in nodes * 4]
    answers: list[bool] = []
    threads = [threading.Thread(target=lambda one=one: answers.append(one.is_signed_in())) for one in visitors]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers == [True] * len(visitors)
    assert events(nodes[0]) == ["warned_browser"]


def test_the_usual_request_asks_the_database_for_nothing_more(open_site: OpenSite) -> None:
    site = open_site(**everything("sign-in"))
    ada = member(site)
    ada.get("/account")
    statements: list[str] = []
    with site.app.app_context():
        event.listen(db.engine, "before_cursor_execute", lambda *args: statements.append(args[2]))
    assert ada.is_signed_in()
    about = [statement for statement in statements if "FROM sessions" in statement or "activity" in statement]
    assert len(about) == 2, "the session, and the page's own list of what apps hold"
    assert all(statement.startswith("SELECT") for statement in about)


@pytest.mark.parametrize(("reaction", "status"), [("ignore", 200), ("note", 200), ("warn", 200), ("sign-in", 503)])
def test_while_nothing_can_be_written_what_the_policy_refuses_is_not_accepted_and_the_rest_is_shown(
    open_site: OpenSite, reaction: str, status: int
) -> None:
    site = open_site(**everything(reaction))
    thief = at(site, "browser_network_country", member(site), ACCESS)
    site.impatient()
    with backings.locked(site.folder):
        assert thief.get("/account").status_code == status
    assert thief.is_signed_in() == (reaction != "sign-in")


def test_the_map_may_come_later_and_what_it_says_first_is_no_change(open_site: OpenSite) -> None:
    blind = open_site(**everything("sign-in") | {"COUNTRY_DATABASE": "", "ON_NEW_NETWORK": "note"})
    ada = member(blind)
    assert at(blind, "network", ada).is_signed_in()
    site = open_site(**everything("sign-in"))
    assert at(site, "network", ada).is_signed_in()
    assert not at(site, "network_country", ada).is_signed_in()


@pytest.mark.stores("nodes")
def test_what_is_ended_is_ended_on_every_node_and_with_its_apps(open_site: OpenSite) -> None:
    here, there = open_site(**everything("sign-in")), open_site(**everything("sign-in"))
    ada = member(here)
    pocket = ada.pocket()
    assert not at(there, "browser", ada).is_signed_in()
    assert not ada.is_signed_in()
    assert ada.api(pocket[ACCESS]).status_code == 401


def test_another_programs_session_belongs_to_the_browser_that_first_uses_it(open_site: OpenSite) -> None:
    site = open_site(**everything("sign-in"))
    made = site.app.test_client().post(
        "/test/session", json={"email": "ada@example.org"}, base_url="http://localhost:8000"
    )
    ada = site.browser("Chrome on Android", address="192.0.2.7")
    for cookie in made.get_json()["cookies"]:
        ada.client.set_cookie(cookie["name"], cookie["value"])
    assert ada.is_signed_in()
    assert ada.session()["browser"] == "Chrome"
    assert not at(site, "browser_network_country", ada).is_signed_in()
