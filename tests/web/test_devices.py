"""The devices page lists what is true, and ends what is asked, when it is really you who asks."""

import re
from collections.abc import Callable
from html import unescape

import pytest
from werkzeug.test import TestResponse

from app.config import DAY
from app.web import devices, session_filter
from tests import backings
from tests.browsers import PASSWORD, Browser, Site

pytestmark = pytest.mark.page


@pytest.fixture
def laptop(site: Site) -> Browser:
    return site.member()


@pytest.fixture
def phone(site: Site, laptop: Browser) -> Browser:
    phone = site.browser("Chrome on Android", address="192.0.2.7")
    phone.sign_in(keep="y")
    return phone


def line(browser: Browser, sid: str) -> dict[str, object]:
    found: dict[str, object] = next(line for line in browser.sessions() if line["sid"] == sid)
    return found


def test_it_lists_this_browser_first_then_the_others_then_what_has_ended(
    site: Site, laptop: Browser, phone: Browser
) -> None:
    tablet = site.browser("Safari on macOS")
    tablet.sign_in()
    tablet.sign_out()
    listed = laptop.sessions()
    assert [(line["current"], line["browser"], line["os"], bool(line["ended_at"])) for line in listed] == [
        (True, "Firefox", "Linux", False),
        (False, "Chrome", "Android", False),
        (False, "Safari", "macOS", True),
    ]
    assert set(listed[0]) == {
        "sid", "current", "name", "browser", "os", "address", "country", "began_at", "last_seen_at", "expires_at",
        "ended_at", "ended_by", "reason", "app", "amr", "bound",
    }  # fmt: skip
    assert listed[1]["address"] == "192.0.2.7"


@pytest.mark.question("A3")
def test_ending_one_ends_that_one_and_says_by_whom(laptop: Browser, phone: Browser) -> None:
    sid = phone.session()["sid"]
    assert laptop.post(f"/devices/{sid}/end").status_code == 303
    assert not phone.is_signed_in()
    assert laptop.is_signed_in()
    ended = line(laptop, sid)
    assert (ended["reason"], ended["ended_by"]) == ("ended_elsewhere", laptop.session()["sid"])


def test_ending_an_ended_one_is_no_error(laptop: Browser, phone: Browser) -> None:
    sid = phone.session()["sid"]
    for _ in range(2):
        answer = laptop.post(f"/devices/{sid}/end")
        assert answer.status_code == 303
        assert laptop.get(answer.headers["Location"].partition("#")[0]).status_code == 200
    assert "done=already" in answer.headers["Location"]


def test_ending_this_one_is_signing_out(laptop: Browser) -> None:
    answer = laptop.post(f"/devices/{laptop.session()['sid']}/end")
    assert answer.headers["Location"] == "/signed-out"
    assert not laptop.is_signed_in()


def test_ending_the_others_leaves_this_one(site: Site, laptop: Browser, phone: Browser) -> None:
    tablet = site.browser("Safari on macOS")
    tablet.sign_in()
    laptop.post("/devices/end-others")
    assert [browser.is_signed_in() for browser in (laptop, phone, tablet)] == [True, False, False]


def test_the_page_says_how_many_it_has_ended_by_the_log_and_not_by_the_address(laptop: Browser, phone: Browser) -> None:
    address = laptop.post("/devices/end-others").headers["Location"]
    assert "1 other session" in laptop.get(address).text
    phone.sign_in()
    assert "1 other session" not in phone.get(address).text


def test_many_are_shown_in_pages_with_this_browser_first_and_programs_get_them_all(site: Site, laptop: Browser) -> None:
    with backings.shell(site.folder) as raw:
        fields = "user_id, client_id, scope, opened, began_at, last_auth_at, idle_until, expires_at, access_until, keep"
        for number in range(119):
            raw.execute(
                f"INSERT INTO sessions (id, last_seen_at, user_agent, address, {fields}) SELECT 'other{number}',"
                f" last_seen_at + {number + 1}, user_agent, address, {fields} FROM sessions WHERE name IS NULL"
                " AND id NOT LIKE 'other%'"
            )
    assert len(laptop.sessions()) == 120
    pages = [laptop.get(f"/devices?page={number}").text for number in range(1, 6)]
    assert "You are signed in on 120 devices" in pages[0]
    shown = [set(re.findall(r'id="session-([^"]+)"', page)) for page in pages]
    own = laptop.session()["sid"]
    assert own in shown[0]
    assert len(set.union(*shown)) == 120
    assert "Page 2 of 5" in pages[1]
    assert [laptop.get(f"/devices?page={odd}").status_code for odd in ("0", "-1", "99", "x", "9" * 30)] == [200] * 5


def test_a_long_list_is_searched_by_words_kind_or_idleness(site: Site, laptop: Browser, phone: Browser) -> None:
    assert 'role="search"' not in laptop.get("/devices").text, "two are seen at a glance"
    phone.post(f"/devices/{phone.session()['sid']}/name", name="Old phone")
    site.wait(8 * DAY)
    laptop.sign_in()
    for _ in range(session_filter.LEAST_SESSIONS - 2):
        site.browser("Safari on macOS", address="203.0.113.9").sign_in()
    assert 'role="search"' in laptop.get("/devices").text
    for asked, count in (
        ("q=old+PHONE", 1), ("q=203.0.113", session_filter.LEAST_SESSIONS - 2), ("q=%25", 0), ("which=phones", 1), ("which=idle", 1),
        ("which=computers", session_filter.LEAST_SESSIONS - 1), ("q=chrome&which=computers", 0), ("which=computers&q=o", session_filter.LEAST_SESSIONS - 1),
    ):  # fmt: skip
        page = laptop.get(f"/devices?{asked}").text
        assert len(set(re.findall(r'id="session-([^"]+)"', page))) == count, asked
        assert f"You are signed in on {session_filter.LEAST_SESSIONS} devices" in page


def test_the_pages_of_what_was_found_go_on_with_the_same_search(site: Site, laptop: Browser) -> None:
    for _ in range(devices.PAGE_SIZE):
        site.browser("Safari on macOS").sign_in()
    page = laptop.get("/devices?q=o&which=computers").text
    assert f"{devices.PAGE_SIZE + 1} of {devices.PAGE_SIZE + 1} match" in page
    [more] = re.findall(r'<a href="([^"]+)" rel="next"', page)
    assert len(re.findall(r'data-sid="', laptop.get(unescape(more)).text)) == 1


def test_two_of_one_name_are_told_apart_by_when_and_where(site: Site, laptop: Browser) -> None:
    tablets = [site.browser("Safari on macOS", address=f"203.0.113.{number}") for number in (7, 8)]
    for tablet in tablets:
        tablet.sign_in()
        site.wait(2 * 60 * 60)
    laptop.sign_in()
    names = re.findall(r'<button>End<span class="visually-hidden"> (.*?)</span>', laptop.get("/devices").text)
    assert [re.sub(r"\d+ \w+ \d+, \d\d:\d\d", "THEN", name) for name in names] == [
        f"Safari on macOS, signed in THEN UTC, 203.0.113.{number}" for number in (8, 7)
    ]
    tablets[0].sign_out()
    assert re.findall(r'<button>End<span class="visually-hidden"> (.*?)</span>', laptop.get("/devices").text) == [
        "Safari on macOS"
    ]


def test_what_is_the_same_for_all_is_said_once(site: Site, laptop: Browser) -> None:
    site.browser("Chrome on Android").sign_in()
    page = laptop.get("/devices").text
    assert "All of these signed in with a password and were last used from 127.0.0.1." in " ".join(page.split())
    site.browser("Safari on macOS", address="203.0.113.7").sign_in()
    page = laptop.get("/devices").text
    assert "All of these signed in with a password." in " ".join(page.split())
    assert re.search(r"</time><span[^>]*> · </span>203.0.113.7", page)


def test_lines_are_drawn_once_they_tell_something(site: Site, laptop: Browser) -> None:
    assert 'class="lifeline"' not in laptop.get("/devices").text
    site.wait(60 * 60 + 1)
    assert 'class="lifeline"' in laptop.get("/devices").text


def test_another_persons_session_does_not_exist(site: Site, laptop: Browser) -> None:
    bob = site.member("bob@example.org", "Safari on macOS")
    sid = bob.session()["sid"]
    for path in (f"/devices/{sid}/end", f"/devices/{sid}/name"):
        assert laptop.post(path, name="x").status_code == 404
    assert laptop.get(f"/confirm?action=end:{sid}").status_code == 404
    assert bob.session()["name"] is None


def test_a_session_can_be_named_and_unnamed(laptop: Browser, phone: Browser) -> None:
    sid = phone.session()["sid"]
    laptop.post(f"/devices/{sid}/name", name="  My phone ")
    assert line(laptop, sid)["name"] == "My phone"
    laptop.post(f"/devices/{sid}/name", name="")
    assert line(laptop, sid)["name"] is None


@pytest.mark.parametrize("name", ["x" * 61, "two\nlines"])
def test_a_name_that_does_not_fit_changes_nothing(laptop: Browser, name: str) -> None:
    sid = laptop.session()["sid"]
    laptop.post(f"/devices/{sid}/name", name=name)
    assert laptop.session()["name"] is None


@pytest.mark.question("A3")
def test_a_time_out_is_listed_with_its_reason(site: Site, laptop: Browser, phone: Browser) -> None:
    unkept = laptop.session()["sid"]
    site.wait(13 * 60 * 60)
    assert line(phone, unkept)["reason"] == "expired"
    laptop.sign_in(keep="y")
    for _ in range(15):
        site.wait(DAY)
        laptop.is_signed_in()
    assert [entry["reason"] for entry in laptop.sessions() if entry["browser"] == "Chrome"] == ["idle"]


def test_what_ended_is_listed_for_thirty_days(site: Site, laptop: Browser, phone: Browser) -> None:
    sid = phone.session()["sid"]
    phone.sign_out()
    laptop.sign_in(keep="y")
    for day in range(31):
        assert any(entry["sid"] == sid for entry in laptop.sessions()) == (day < 30)
        site.wait(DAY)
        if day == 15:
            laptop.sign_in(keep="y")


def test_last_seen_is_written_at_most_once_a_minute(site: Site, laptop: Browser) -> None:
    first = laptop.session()["last_seen_at"]
    site.wait(59)
    assert laptop.session()["last_seen_at"] == first
    site.wait(1)
    assert laptop.session()["last_seen_at"] > first


def test_viewing_never_asks_for_the_password(site: Site, laptop: Browser, phone: Browser) -> None:
    site.wait(DAY)
    assert phone.get("/devices").status_code == 200
    assert phone.get("/activity").status_code == 200


def test_a_late_end_asks_who_you_are_and_then_does_it(site: Site, laptop: Browser, phone: Browser) -> None:
    sid = laptop.session()["sid"]
    site.wait(600)
    asked = phone.post(f"/devices/{sid}/end")
    assert asked.headers["Location"] == f"/confirm?action=end:{sid}"
    assert laptop.is_signed_in()
    page = phone.get(asked.headers["Location"])
    assert "End Firefox on Linux" in page.text
    wrong = phone.post("/confirm", action=f"end:{sid}", password="wrong wrong")
    assert wrong.status_code == 422
    assert laptop.is_signed_in()
    done = phone.post("/confirm", action=f"end:{sid}", password=PASSWORD)
    assert "done=ended" in done.headers["Location"]
    assert not laptop.is_signed_in()


@pytest.mark.parametrize(("path", "action"), [("/devices/end-others", "others"), ("/devices/end-all", "all")])
def test_the_other_acts_ask_who_you_are_and_are_then_done(
    site: Site, laptop: Browser, phone: Browser, path: str, action: str
) -> None:
    site.wait(600)
    asked = phone.post(path)
    assert asked.headers["Location"] == f"/confirm?action={action}"
    phone.post(asked.headers["Location"], password=PASSWORD)
    assert not laptop.is_signed_in()
    assert phone.is_signed_in() == (action == "others")


def test_a_confirmation_lasts_and_brings_new_tokens_for_the_old(site: Site, laptop: Browser, phone: Browser) -> None:
    site.wait(700)
    phone.get("/account")
    before = phone.pocket()
    phone.post("/confirm", password=PASSWORD)
    assert set(phone.pocket().values()).isdisjoint(before.values())
    assert phone.is_signed_in()
    site.wait(599)
    assert "done=others" in phone.post("/devices/end-others").headers["Location"]


def test_a_confirmation_of_nothing_known_is_refused(laptop: Browser) -> None:
    assert laptop.get("/confirm?action=everything").status_code == 400
    assert laptop.post("/confirm", action="x", password=PASSWORD).status_code == 400


def test_guessing_at_the_confirmation_is_slowed_down(laptop: Browser) -> None:
    answers = [laptop.post("/confirm", password="wrong wrong").status_code for _ in range(12)]
    assert answers == [422] * 10 + [429] * 2
    assert laptop.is_signed_in()


def test_the_result_is_shown_only_if_the_list_bears_it_out(laptop: Browser, phone: Browser) -> None:
    sid = phone.session()["sid"]
    plain = without_form_ids(laptop.get("/devices"))
    assert without_form_ids(laptop.get(f"/devices?done=ended&sid={sid}")) == plain
    assert without_form_ids(laptop.get("/devices?done=ended&sid=nothing")) == plain


def without_form_ids(page: TestResponse) -> str:
    """What stands on a page, without the ids of its forms, which differ each time."""
    text, count = re.subn(r'name="once" value="[^"]+"', "", page.text)
    assert count
    return text


def test_every_event_is_in_the_activity(laptop: Browser, phone: Browser) -> None:
    laptop.post(f"/devices/{phone.session()['sid']}/end")
    page = laptop.get("/activity")
    assert page.status_code == 200
    assert "Chrome on Android" in page.text
    assert "192.0.2.7" in page.text


@pytest.mark.parametrize(("minutes", "state"), [(143, "live"), (145, "expiring")])
def test_home_and_the_list_say_the_same_of_a_session_of_three_hours(
    open_site: Callable[..., Site], minutes: int, state: str
) -> None:
    site = open_site(SESSION_MAX_SECONDS="10800")
    ada = site.member()
    site.wait(minutes * 60)
    assert f"Session: {state}, began" in ada.get("/").text
    assert f'data-state="{state}"' in ada.get("/devices").text
