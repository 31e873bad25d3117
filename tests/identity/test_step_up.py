"""A proof of identity counts for the tokens that its answer gave, and for no copy of earlier ones."""

from collections.abc import Callable

import pytest
from werkzeug.test import TestResponse

from app import clock, stillness
from app.crypto import seal
from app.crypto.keys import access_keys
from app.identity import access_token, chains
from app.identity.access_token import Claims
from app.identity.chains import RefreshToken
from app.identity.first_use import Recorded
from app.identity.session import Session
from app.identity.users import User
from app.store.db import StoreUnavailable, Transaction, db
from tests.browsers import ACCESS, PASSWORD, REFRESH, SITE_URL, Browser, Pocket, Site
from tests.conftest import LONG

NEW = "nine quiet walruses"
BOTH = None


@pytest.fixture
def ada(site: Site) -> Browser:
    """An administrator on a laptop that was signed in too long ago for a sensitive act."""
    ada = site.member()
    ada.sign_in(keep="y")
    with site.app.app_context():
        db.session.query(User).update({"is_admin": True})
        db.session.commit()
    site.wait(700)
    refresh(ada)
    return ada


@pytest.fixture
def phone(site: Site, ada: Browser) -> Browser:
    """Her phone, which a thief would like to sign out."""
    phone = site.browser("Chrome on Android")
    phone.sign_in(keep="y")
    return phone


@pytest.fixture
def bob(site: Site) -> Browser:
    return site.member("bob@example.org", "Safari on macOS")


def refresh(browser: Browser) -> Pocket:
    browser.forget(ACCESS)
    assert browser.is_signed_in()
    return browser.pocket()


def confirm(browser: Browser) -> Pocket:
    """Confirm the password; the answer arrives, and nothing is done with it yet."""
    assert browser.post("/confirm", password=PASSWORD).status_code == 303
    return browser.pocket()


def lose_answer(browser: Browser, act: Callable[[Browser], object]) -> None:
    """Let *act* happen, and the cookies of its answer get lost on the way."""
    before = browser.pocket()
    act(browser)
    for name, value in before.items():
        browser.client.set_cookie(name, value, domain="localhost", path="/", secure=True)
    assert browser.pocket() == before


def receive(browser: Browser, answer: TestResponse) -> None:
    """Let the browser keep the cookies of an answer to another of its tabs."""
    for line in answer.headers.getlist("Set-Cookie"):
        name, _, value = line.partition(";")[0].partition("=")
        browser.client.set_cookie(name, value, domain="localhost", path="/", secure=True)


def may_act(browser: Browser) -> bool:
    """Whether this browser may end other sessions without being asked for the password."""
    return "done=others" in browser.post("/devices/end-others").headers["Location"]


def why_ended(browser: Browser) -> object:
    browser.sign_in()
    return next(line["reason"] for line in browser.sessions() if line["ended_at"])


@pytest.mark.page
@pytest.mark.parametrize("seconds", [0, 3, 9, 12] if LONG else [9, 12])  # on both sides of the grace
@pytest.mark.parametrize("sent", [REFRESH, BOTH], ids=["the refresh cookie", "both"])
@pytest.mark.parametrize("is_used", [True, False], ids=["used", "unused"])
@pytest.mark.parametrize("copied", ["before a refresh", "after it", "before a refresh in the same request"])
def test_a_copy_taken_before_a_confirmation_never_acts(
    site: Site, ada: Browser, phone: Browser, bob: Browser, copied: str, is_used: bool, sent: str | None, seconds: int
) -> None:
    """Neither on a page, nor as a program, nor as an administrator; nor with what it is given for what it shows."""
    [(bob_id,)] = site.query("SELECT user_id FROM sessions WHERE id = :sid", sid=bob.session()["sid"])
    copy = ada.pocket()
    if copied == "before a refresh":
        refresh(ada)
        ada.is_signed_in()
    elif copied == "before a refresh in the same request":
        ada.forget(ACCESS)
    confirm(ada)
    if is_used:
        ada.is_signed_in()
    site.wait(seconds)
    thief = site.thief(copy, sent)
    for _ in range(2):
        thief.post("/devices/end-others")
        thief.post("/devices/end-others", {"Accept": "application/json"})
        thief.post(f"/admin/people/{bob_id}/disable")
    assert phone.is_signed_in()
    assert bob.is_signed_in()


def test_an_administrator_that_has_confirmed_does_act(site: Site, ada: Browser, bob: Browser) -> None:
    """So that the one above can fail."""
    [(bob_id,)] = site.query("SELECT user_id FROM sessions WHERE id = :sid", sid=bob.session()["sid"])
    confirm(ada)
    ada.post(f"/admin/people/{bob_id}/disable")
    assert not bob.is_signed_in()


def test_the_browser_that_confirmed_acts_without_being_asked_again(ada: Browser, phone: Browser) -> None:
    assert not may_act(ada)
    confirm(ada)
    refresh(ada)
    assert may_act(ada), "the proof goes on with the chain"


@pytest.mark.parametrize("expired", [False, True], ids=["in time", "with an expired access token"])
def test_the_proved_tokens_are_given_in_the_answer_to_that_form_and_the_old_access_token_goes_on(
    site: Site, ada: Browser, expired: bool
) -> None:
    before = ada.pocket()
    if expired:
        ada.forget(ACCESS)
    after = confirm(ada)
    assert set(after.values()).isdisjoint(before.values())
    assert ada.is_signed_in()
    old = site.thief(before, ACCESS)
    assert old.is_signed_in(), "a request under way is answered"
    assert not may_act(old)


def test_while_the_proved_link_is_unused_the_old_one_gets_another_without_the_proof_and_the_proved_one_is_void(
    site: Site, ada: Browser
) -> None:
    before = ada.pocket()
    proved = confirm(ada)
    thief = site.thief(before, REFRESH)
    assert thief.is_signed_in()
    assert thief.pocket()[REFRESH] not in (before[REFRESH], proved[REFRESH])
    assert not may_act(thief)
    assert not ada.is_signed_in(), "two holders: the owner's return shows it"
    assert not thief.is_signed_in()
    assert why_ended(ada) == "reuse"


def test_a_void_link_that_is_shown_by_its_refresh_token_ends_the_session_too(site: Site, ada: Browser) -> None:
    before = ada.pocket()
    confirm(ada)
    assert site.thief(before, REFRESH).is_signed_in()
    ada.forget(ACCESS)
    assert not ada.is_signed_in()
    assert why_ended(ada) == "reuse"


@pytest.mark.parametrize("path", ["/live", "/api/me"])
def test_a_void_link_that_is_shown_elsewhere_than_on_a_page_ends_the_session_too(
    site: Site, ada: Browser, path: str
) -> None:
    before = ada.pocket()
    proved = confirm(ada)
    thief = site.thief(before, REFRESH)
    assert thief.is_signed_in()
    answer = ada.get("/live") if path == "/live" else ada.api(proved[ACCESS])
    assert answer.status_code == 401
    assert not thief.is_signed_in()


def test_once_the_proved_link_is_used_the_old_one_gets_an_access_token_without_the_proof_for_the_grace(
    site: Site, ada: Browser
) -> None:
    before = ada.pocket()
    confirm(ada)
    assert ada.is_signed_in()
    for seconds in (0, 10):
        site.wait(seconds)
        late = site.thief(before, REFRESH)
        answer = late.get("/account")
        assert answer.status_code == 200
        assert [line.partition("=")[0] for line in answer.headers.getlist("Set-Cookie")] == [ACCESS]
        assert not may_act(late)
    assert ada.is_signed_in()
    site.wait(1)
    assert not site.thief(before, REFRESH).is_signed_in()
    assert not ada.is_signed_in()
    assert why_ended(ada) == "reuse"


def test_the_grace_counts_from_the_first_use_by_whichever_request(site: Site, ada: Browser) -> None:
    before = ada.pocket()
    proved = confirm(ada)
    ada.api(proved[ACCESS])
    site.wait(11)
    assert not site.thief(before, REFRESH).is_signed_in()


@pytest.mark.parametrize("expired", [False, True], ids=["in time", "with an expired access token"])
@pytest.mark.parametrize("seconds", [0, 60])
def test_a_lost_answer_to_the_confirmation_signs_no_user_out(
    site: Site, ada: Browser, phone: Browser, expired: bool, seconds: int
) -> None:
    if expired:
        site.wait(301)
    lose_answer(ada, confirm)
    site.wait(seconds)
    assert ada.is_signed_in()
    assert not may_act(ada)
    site.wait(301)
    assert ada.is_signed_in()
    confirm(ada)
    assert may_act(ada)


@pytest.mark.parametrize("expired", [False, True], ids=["in time", "with an expired access token"])
def test_a_confirmation_that_is_sent_again_after_a_lost_answer_counts(
    site: Site, ada: Browser, phone: Browser, expired: bool
) -> None:
    if expired:
        site.wait(301)
    lose_answer(ada, confirm)
    confirm(ada)
    assert may_act(ada)
    for _ in range(3):
        site.wait(301)
        assert ada.is_signed_in()


@pytest.mark.parametrize("left", [200, 1, 0], ids=["in time", "about to expire", "expired"])
@pytest.mark.parametrize("last", ["the form", "the other tab"])
@pytest.mark.parametrize("is_used", [True, False], ids=["used", "unused"])
def test_two_tabs_around_a_confirmation_are_never_signed_out(
    site: Site, ada: Browser, left: int, last: str, is_used: bool
) -> None:
    """The other tab's request is under way with the old cookies; the browser keeps the answer that arrives last."""
    site.wait(300 - left)
    before = ada.pocket()
    confirm(ada)
    if is_used and left:
        ada.is_signed_in()
    site.wait(1)
    tab = site.thief(before, BOTH if left == 200 else REFRESH)
    answer = tab.get("/devices")
    assert answer.status_code == 200
    if last == "the other tab":
        receive(ada, answer)
    for _ in range(4):
        assert ada.is_signed_in()
        site.wait(301)


@pytest.mark.parametrize("late", [12, 30, 60])
def test_a_late_confirmation_after_the_other_tab_renewed_signs_no_tab_out(site: Site, ada: Browser, late: int) -> None:
    """A slow proxy holds the answer to the form until the access token that the other tab has is over."""
    site.wait(301 - late)
    before = ada.pocket()
    confirm(ada)
    site.wait(late)
    assert site.thief(before, REFRESH).is_signed_in()
    assert may_act(ada), "the answer arrives"
    for _ in range(4):
        assert ada.is_signed_in()
        site.wait(301)


def test_a_third_tab_that_uses_the_link_meanwhile_is_not_signed_out(
    site: Site, ada: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    read = chains.newest_of

    def used_meanwhile(session: Session) -> chains.LinkRow | None:
        found = read(session)
        return found and chains.LinkRow(vars(found), seen_at=clock.now() + 1)

    monkeypatch.setattr(chains, "newest_of", used_meanwhile)
    site.wait(299)
    before = ada.pocket()
    confirm(ada)
    site.wait(1)
    assert site.thief(before, REFRESH).is_signed_in()
    assert ada.is_signed_in()


@pytest.mark.parametrize(
    ("path", "fields"),
    [
        ("/confirm", {"password": PASSWORD}),
        ("/confirm", {"password": PASSWORD, "action": "others"}),
        ("/account/password", {"current": PASSWORD, "password": NEW}),
    ],
    ids=["confirm", "confirm, and end the others", "change the password"],
)
def test_a_confirmation_that_could_not_be_written_gives_no_cookies_and_does_nothing(
    ada: Browser, phone: Browser, path: str, fields: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    before = ada.pocket()
    with monkeypatch.context() as patch:
        patch.setattr(Transaction, "commit", refuse)
        assert ada.post(path, **fields).status_code == 503
    assert ada.pocket() == before
    assert ada.is_signed_in()
    assert phone.is_signed_in()
    assert not may_act(ada)


def refuse(_transaction: Transaction) -> None:
    """Fail as a database that is away does when something was written."""
    raise StoreUnavailable("the database is away")


def test_a_theft_that_the_confirming_browser_shows_ends_the_session(site: Site, ada: Browser) -> None:
    thief = site.thief(ada.pocket(), REFRESH)
    assert thief.is_signed_in()
    assert thief.is_signed_in()
    site.wait(11)
    assert ada.post("/confirm", password=PASSWORD).headers["Location"].startswith("/sign-in")
    assert not thief.is_signed_in()
    assert why_ended(ada) == "reuse"


def test_a_browser_that_has_kept_its_access_token_alone_can_confirm(ada: Browser, phone: Browser) -> None:
    ada.forget(REFRESH)
    assert set(confirm(ada)) == {ACCESS, REFRESH}
    assert may_act(ada)
    refresh(ada)


def test_a_token_without_a_proof_is_good_for_everything_else(site: Site, ada: Browser, phone: Browser) -> None:
    """As from before the upgrade: the row has no proof, no name, and the access token no claim."""
    with site.app.app_context():
        db.session.query(RefreshToken).update({"auth_time": None, "link": None})
        db.session.commit()
    phone.forget(ACCESS)
    assert phone.is_signed_in()
    assert not may_act(phone), "though its session began just now"
    confirm(phone)
    assert may_act(phone)


@pytest.mark.parametrize("expired", [False, True], ids=["in time", "with an expired access token"])
def test_copies_from_before_a_change_of_the_password_are_worth_nothing_at_once(
    site: Site, ada: Browser, phone: Browser, expired: bool
) -> None:
    copy = ada.pocket()
    if expired:
        ada.forget(ACCESS)
    ada.post("/account/password", current=PASSWORD, password=NEW)
    for sent in (ACCESS, REFRESH, BOTH):
        assert not site.thief(copy, sent).is_signed_in()
    assert site.browser().api(copy[ACCESS]).status_code == 401
    assert ada.is_signed_in(), "and a copy that comes back does it no harm"
    assert may_act(ada)


def test_the_row_of_a_browser_keeps_its_name_and_beginning_through_a_change_of_the_password(
    site: Site, ada: Browser
) -> None:
    before = ada.session()
    ada.post(f"/devices/{before['sid']}/name", name="Desk")
    ada.post("/account/password", current=PASSWORD, password=NEW)
    assert [(line["name"], line["began_at"]) for line in ada.sessions() if not line["ended_at"]] == [
        ("Desk", before["began_at"])
    ]


def test_the_database_holds_the_proved_token_by_its_hash_alone(site: Site, ada: Browser) -> None:
    proved = confirm(ada)
    with site.app.app_context():
        link = db.session.get_one(RefreshToken, seal.digest(proved[REFRESH]))
        before = db.session.query(RefreshToken).filter_by(successor=link.hash).one()
        assert before.sealed is None


def older(site: Site, browser: Browser) -> None:
    """Let this browser hold what an older version gave it: no proof and no link in its tokens, nor in the database."""
    with site.app.app_context():
        db.session.query(RefreshToken).update({"auth_time": None, "link": None, "seen_at": None})
        db.session.commit()
    with site.app.test_request_context(base_url=SITE_URL):
        claims = access_token.read(browser.pocket()[ACCESS])
        assert claims is not None
        said = {name: value for name, value in claims._asdict().items() if name not in ("auth_time", "link")}
        token = access_keys().signing(clock.now()).sign(said, access_token.TYPE)
    browser.client.set_cookie(ACCESS, token, domain="localhost", path="/", secure=True)


def test_tokens_of_an_older_version_open_pages_and_their_first_use_is_known_by_the_refresh_token(
    site: Site, phone: Browser
) -> None:
    before = phone.pocket()
    refresh(phone)
    older(site, phone)
    site.wait(61)
    assert phone.is_signed_in()
    assert phone.is_signed_in()
    assert phone.api(phone.pocket()[ACCESS]).status_code == 200
    assert not may_act(phone)
    site.wait(11)
    assert not site.thief(before, REFRESH).is_signed_in()


def test_a_link_that_was_forgotten_does_no_harm(site: Site, ada: Browser, phone: Browser) -> None:
    with site.app.app_context():
        db.session.query(RefreshToken).delete()
        db.session.commit()
    site.app.extensions["recorded_uses"] = Recorded()
    assert ada.is_signed_in()
    confirm(ada)
    assert may_act(ada)


@pytest.mark.stores("a race")
def test_a_void_link_of_a_session_that_is_ended_meanwhile_ends_it_once(
    site: Site, other_node: Site, ada: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = ada.pocket()
    proved = confirm(ada)
    assert site.thief(before, REFRESH).is_signed_in()
    check = access_token.check

    def slow(token: str) -> Claims | access_token.Refusal:
        found = check(token)
        monkeypatch.setattr(access_token, "check", check)
        other_node.thief(before).sign_out()
        return found

    monkeypatch.setattr(access_token, "check", slow)
    assert ada.api(proved[ACCESS]).status_code == 401
    assert site.query("SELECT reason FROM log_entries WHERE kind = 'revoked' ORDER BY position DESC")[0] == (
        "signed_out",
    )


def test_a_process_that_stood_still_judges_no_void_link_either(
    site: Site, ada: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = ada.pocket()
    proved = confirm(ada)
    thief = site.thief(before, REFRESH)
    assert thief.is_signed_in()
    with monkeypatch.context() as patch:
        patch.setattr(stillness, "is_recent", lambda: True)
        assert ada.api(proved[ACCESS]).status_code == 503
        assert ada.get("/account").status_code == 503
    assert thief.is_signed_in()
    assert ada.api(proved[ACCESS]).status_code == 401
    assert not thief.is_signed_in()


def test_the_memory_of_uses_is_bounded() -> None:
    recorded = Recorded(2)
    for link in ("a", "b", "c"):
        recorded.add(link)
    assert [link in recorded for link in ("a", "b", "c")] == [False, True, True]
