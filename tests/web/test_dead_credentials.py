"""Copies of the cookies of a session that is over: what their holder can still learn or end. Nearly nothing."""

import re
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from werkzeug.test import TestResponse

from app import clock
from app.config import DAY
from tests import backings
from tests.backings import Backing
from tests.browsers import ACCESS, ENDING, PASSWORD, PROBE, RECEIPT, REFRESH, Browser, Pocket, Site
from tests.conftest import copied, standing_still

ADVICE = re.compile(r"<p>Sign in, and your (?:devices|activity) page says [a-z ]+\.</p>")
NOTHING_TOLD = "there is none to show now"


@pytest.fixture
def ada(site: Site) -> Browser:
    return site.member()


def signs_out(site: Site, ada: Browser) -> None:
    ada.sign_out()


def is_ended_from_the_phone(site: Site, ada: Browser) -> None:
    phone = site.browser("Chrome on Android")
    phone.sign_in()
    phone.post(f"/devices/{ada.session()['sid']}/end")


def ends_everything(site: Site, ada: Browser) -> None:
    ada.post("/devices/end-all")


def signs_in_anew(site: Site, ada: Browser) -> None:
    ada.sign_in()


def changes_the_password(site: Site, ada: Browser) -> None:
    ada.post("/account/password", current=PASSWORD, password="nine quiet walruses")


def runs_out(site: Site, ada: Browser) -> None:
    site.wait(13 * 60 * 60)


ENDINGS: list[Callable[[Site, Browser], None]] = [
    signs_out,
    is_ended_from_the_phone,
    ends_everything,
    signs_in_anew,
    changes_the_password,
    runs_out,
]
DOORS: list[tuple[str, str, dict[str, str]]] = [
    ("GET", "/", {}),
    ("GET", "/sign-up", {}),
    ("GET", "/sign-out", {}),
    ("POST", "/sign-out", {}),
    ("GET", "/signed-out", {}),
    ("GET", "/signed-out.tlog-proof", {}),
    ("GET", "/devices", {}),
    ("POST", "/devices/end-others", {}),
    ("POST", "/devices/end-all", {}),
    ("GET", "/account", {}),
    ("POST", "/account/password", {"current": PASSWORD, "password": "nine quiet walruses"}),
    ("GET", "/account/email", {}),
    ("POST", "/account/email", {"email": "eve@example.org"}),
    ("POST", "/account/email/verify", {}),
    ("POST", "/account/name", {"name": "Eve"}),
    ("GET", "/mail", {}),
    ("GET", "/recover", {}),
    ("GET", "/activity", {}),
    ("GET", "/confirm", {}),
    ("POST", "/confirm", {"password": PASSWORD, "action": "all"}),
    ("GET", "/live?session=x&at=/", {}),
    ("GET", "/admin", {}),
    ("GET", "/oauth/end-session", {}),
    ("POST", "/oauth/end-session", {"decision": "sign-out"}),
    ("GET", "/oauth/authorize", {}),
]


def knock(browser: Browser, method: str, path: str, form: dict[str, str]) -> TestResponse:
    return browser.get(path) if method == "GET" else browser.post(path, **form)


def told(answer: TestResponse) -> tuple[int, str | None, str, list[str]]:
    """Everything that an answer says, but for what is new on every page."""
    text = re.sub(r'data-now="\d+"|name="once" value="[^"]+"', "", answer.text)
    cookies = [re.sub(r"Expires=[^;]+", "", line) for line in answer.headers.getlist("Set-Cookie")]
    kept = [line for line in cookies if not line.startswith(PROBE)]  # set where no cookie was sent, dead or not
    return answer.status_code, answer.headers.get("Location"), text, kept


@pytest.fixture(scope="module")
def ended(
    request: pytest.FixtureRequest, backing: Backing, prepared: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Site, Pocket]]:
    """A site on which a session has ended in one of the ways, and a copy of its cookies."""
    ending: Callable[[Site, Browser], None] = request.param
    with copied(backing, prepared, tmp_path_factory.mktemp("ended")) as folder, standing_still():
        site = Site(folder)
        ada = site.member()
        pocket = ada.pocket()
        ending(site, ada)
        site.wait(10)  # until then, /live may ask an open page to wait
        yield site, pocket
        site.close()


@pytest.mark.page
@pytest.mark.parametrize("door", DOORS, ids=lambda door: f"{door[0]} {door[1]}")
@pytest.mark.parametrize("ended", ENDINGS, ids=lambda ending: ending.__name__, indirect=True, scope="module")
def test_copies_of_both_cookies_of_a_session_that_is_over_learn_no_more_than_made_up_ones(
    ended: tuple[Site, Pocket], door: tuple[str, str, dict[str, str]]
) -> None:
    site, pocket = ended
    clock.follow(site.folder / "clock")
    copy, made_up = site.thief(pocket), site.thief({ACCESS: "made.up.token", REFRESH: "made up"})
    for _ in range(2):  # nor does the first answer bring anything for the next
        said = told(knock(copy, *door))
        assert said == told(knock(made_up, *door))
        assert said[0] != 429, "neither is held off for what others tried before"
    assert NOTHING_TOLD in copy.get("/signed-out").text
    assert copy.get("/signed-out.tlog-proof").status_code == 404


@pytest.mark.page
@pytest.mark.parametrize("ending", ENDINGS, ids=lambda ending: ending.__name__)
def test_a_sign_in_over_dead_cookies_ends_nothing_and_reveals_nothing(
    site: Site, ada: Browser, ending: Callable[[Site, Browser], None]
) -> None:
    pocket = ada.pocket()
    ending(site, ada)
    site.member("bob@example.org")
    before = site.query("SELECT count(*) FROM log_entries WHERE kind = 'revoked'")
    copy = site.thief(pocket)
    copy.sign_in("bob@example.org")
    assert site.query("SELECT count(*) FROM log_entries WHERE kind = 'revoked'") == before
    assert [line["name"] for line in copy.sessions()] == [None, None]


@pytest.mark.page
@pytest.mark.parametrize(
    ("ending", "why"),
    [
        (signs_out, "Sign Out was pressed, or another account was used"),
        (is_ended_from_the_phone, "ended from another of your browsers"),
        (ends_everything, "you signed out everywhere"),
        (signs_in_anew, "replaced by a newer session"),
        (changes_the_password, "replaced by a newer session"),
        (runs_out, "reached its longest life"),
    ],
)
def test_the_newest_refresh_token_buys_one_sentence(
    site: Site, ada: Browser, ending: Callable[[Site, Browser], None], why: str
) -> None:
    ada.post(f"/devices/{ada.session()['sid']}/name", name="Desk")
    pocket = ada.pocket()
    ending(site, ada)
    site.wait(3 * 60)
    copy, stranger = site.thief(pocket, REFRESH), site.browser("Safari on macOS", address="203.0.113.66")
    page, nothing = (told(browser.get("/sign-in?next=/devices"))[2] for browser in (copy, stranger))
    said = re.search(r"<h1>You were signed out: <small[^>]*>(.*?)</small></h1>", page)
    assert said
    assert said[1] == why
    without = ADVICE.sub("", page.replace(said[0], "")).split()
    assert [word for word in without if word not in nothing.split()] == [], "and nothing else"


@pytest.mark.page
@pytest.mark.parametrize("only", [REFRESH, ACCESS, None])
def test_any_other_dead_token_learns_that_it_is_not_signed_in(site: Site, ada: Browser, only: str | None) -> None:
    old = ada.pocket()
    site.wait(301)
    assert ada.is_signed_in(), "and has newer tokens"
    newer = ada.pocket()
    ada.sign_out()
    pages = [told(site.thief(pocket, only).get("/sign-in")) for pocket in (old, {})]
    assert pages[0] == pages[1]
    assert told(site.thief(newer, ACCESS).get("/sign-in")) == pages[1]


@pytest.mark.page
def test_an_apps_refresh_token_in_the_cookie_is_told_nothing(site: Site, ada: Browser) -> None:
    token = ada.pocket()[REFRESH]
    site.query("SELECT 1")
    with backings.shell(site.folder) as database:
        database.execute("UPDATE sessions SET client_id = 'an-app'")
    ada.post("/devices/end-all")
    assert "was signed out" not in site.thief({REFRESH: token}).get("/sign-in").text


@pytest.mark.page
@pytest.mark.parametrize("act", [Browser.sign_out, Browser.sign_in], ids=["signs out", "signs in"])
@pytest.mark.parametrize("seconds", [300, 3 * DAY])
def test_an_access_token_that_has_expired_ends_nothing(
    site: Site, act: Callable[[Browser], object], seconds: int
) -> None:
    site.member("bob@example.org")
    ada = site.browser()
    ada.sign_up()
    ada.sign_in(keep="y")
    copied = ada.pocket()
    site.wait(seconds)
    bob = site.thief(copied, ACCESS)
    bob.sign_in("bob@example.org") if act is Browser.sign_in else bob.sign_out()
    assert ada.is_signed_in()
    bob.get("/signed-out")
    assert NOTHING_TOLD in bob.get("/signed-out").text


@pytest.mark.page
def test_an_access_token_that_has_not_yet_expired_ends_its_session(site: Site, ada: Browser) -> None:
    copied = ada.pocket()
    site.wait(299)
    site.thief(copied, ACCESS).sign_out()
    assert not ada.is_signed_in()


@pytest.mark.page
def test_an_exchanged_refresh_token_of_a_live_session_still_ends_it(site: Site, ada: Browser) -> None:
    old = ada.pocket()
    site.wait(301)
    assert ada.is_signed_in()
    copy = site.thief(old, REFRESH)
    copy.sign_out()
    assert not ada.is_signed_in()
    assert "invalid_grant" in copy.get("/signed-out").text, "its request has ended the session"


@pytest.mark.page
def test_a_session_that_timed_out_keeps_that_as_its_reason(site: Site, ada: Browser) -> None:
    sid, pocket = ada.session()["sid"], ada.pocket()
    site.wait(13 * 60 * 60)
    site.thief(pocket).sign_out()
    phone = site.browser("Chrome on Android")
    phone.sign_in()
    assert [line["reason"] for line in phone.sessions() if line["sid"] == sid] == ["expired"]
    assert "Signed out" not in phone.get("/activity").text


@pytest.mark.page
def test_the_name_that_a_browser_had_outlives_a_time_out(site: Site, ada: Browser) -> None:
    ada.post(f"/devices/{ada.session()['sid']}/name", name="Desk")
    site.wait(13 * 60 * 60)
    ada.sign_in()
    assert ada.session()["name"] == "Desk"


@pytest.mark.stores("a race")
def test_one_of_many_sign_outs_at_once_gets_the_receipt(site: Site, other_node: Site, ada: Browser) -> None:
    copies = [node.thief(ada.pocket()) for node in (site, other_node) * 4]
    with ThreadPoolExecutor(len(copies)) as threads:
        answers = list(threads.map(Browser.sign_out, copies))
    assert {answer.status_code for answer in answers} == {303}
    assert sum(copy.cookie(RECEIPT) is not None for copy in copies) == 1


@pytest.mark.page
def test_a_sign_out_that_comes_after_the_end_does_not_take_the_receipt_away(site: Site, ada: Browser) -> None:
    pocket = ada.pocket()
    ada.sign_out()
    for name, value in pocket.items():  # another tab had sent its form with these before
        ada.client.set_cookie(name, value)
    ada.sign_out()
    assert "invalid_grant" in ada.get("/signed-out").text


@pytest.mark.page
@pytest.mark.parametrize("act", [Browser.sign_in, lambda browser: browser.sign_up("bob@example.org")])
def test_the_next_person_in_this_browser_does_not_read_the_receipt(
    site: Site, ada: Browser, act: Callable[[Browser], object]
) -> None:
    ada.sign_out()
    assert ada.cookie(RECEIPT)
    act(ada)
    assert not ada.cookie(RECEIPT)
    assert NOTHING_TOLD in ada.get("/signed-out").text
    assert ada.get("/signed-out.tlog-proof").status_code == 404


@pytest.mark.page
def test_what_had_to_wait_gets_its_receipt_only_if_it_ends_the_session_itself(site: Site, ada: Browser) -> None:
    phone, sid = site.browser("Chrome on Android"), ada.session()["sid"]
    phone.sign_in()
    site.impatient()
    with backings.locked(site.folder):
        ada.sign_out()
    sealed = ada.cookie(ENDING) or ""
    copy: Pocket = {ENDING: sealed}
    phone.post(f"/devices/{sid}/end")
    assert ada.sign_out().status_code == 303
    assert NOTHING_TOLD in ada.get("/signed-out").text
    late = site.thief(copy)
    late.sign_out()
    assert NOTHING_TOLD in late.get("/signed-out").text


@pytest.mark.page
def test_after_signing_in_the_person_reads_from_where_and_when_it_was_ended(site: Site, ada: Browser) -> None:
    is_ended_from_the_phone(site, ada)
    site.wait(7 * 60)
    ada.sign_in()
    page = ada.get("/devices").text
    assert "7 minutes ago" in page
    assert "from Chrome on Android" in page
    assert "This session was ended from another browser" in ada.get("/activity").text
