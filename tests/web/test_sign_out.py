"""Sign Out ends the session at the server, shows what ended, and proves it."""

from base64 import urlsafe_b64decode
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
from flask import Flask, request, request_started

from app.oauth import metadata
from app.store.db import StoreUnavailable
from app.web.sign_out import receipt
from app.web.sign_out.retry import MOST_PENDING
from tests import backings
from tests.browsers import ACCESS, ENDING, RECEIPT, REFRESH, Browser, Pocket, Site

pytestmark = pytest.mark.page


@contextmanager
def locked(site: Site) -> Iterator[None]:
    """The database, while another program holds its write lock."""
    site.impatient()
    with backings.locked(site.folder):
        yield


@pytest.fixture
def ada(site: Site) -> Browser:
    return site.member()


def test_ck_07_out_04_it_clears_the_cookies_with_the_attributes_they_were_set_with(ada: Browser) -> None:
    answer = ada.sign_out()
    assert (answer.status_code, answer.headers["Location"]) == (303, "/signed-out")
    cleared = {line.partition("=")[0]: line for line in answer.headers.getlist("Set-Cookie") if "=;" in line}
    assert {ACCESS, REFRESH} <= set(cleared)
    for line in cleared.values():
        for attribute in ("Secure", "HttpOnly", "Path=/", "SameSite=Lax", "Expires=Thu, 01 Jan 1970 00:00:00 GMT"):
            assert attribute in line.split("; ")
        assert "Max-Age" not in line, "which goes before the date, and of which Firefox keeps an empty cookie at times"
    assert answer.headers["Clear-Site-Data"] == '"cache", "storage"'
    assert ada.pocket() == {}


@pytest.mark.parametrize(
    "demands", [{}, {"OAUTH_PROFILE": "fapi2"}, {"SECOND_FACTOR": "everyone"}], ids=lambda demands: "".join(demands)
)
def test_the_proof_tells_tokens_that_live_from_tokens_that_are_over_under_any_demand_of_the_operator(
    open_site: Callable[..., Site], demands: dict[str, str]
) -> None:
    site = open_site(**demands)

    def refused(pocket: Pocket) -> list[bool]:
        with site.app.app_context():
            return [tried["refused"] for tried in receipt.prove(pocket[ACCESS], pocket[REFRESH])]

    ada, bob = site.member(), site.member("bob@example.org")
    assert refused(ada.pocket()) == [False, False]
    over = bob.pocket()
    bob.sign_out()
    page = bob.get("/signed-out").text
    assert page.count("tried again and refused") == 2
    assert "This must not happen" not in page
    assert refused(over) == [True, True]


def test_a_token_that_could_not_be_tried_again_is_not_said_to_be_accepted(site: Site, ada: Browser) -> None:
    def fail(_app: Flask, **_: object) -> None:
        if request.path == "/api/me":
            raise StoreUnavailable("away for a moment")

    with request_started.connected_to(fail, site.app):
        ada.sign_out()
    page = ada.get("/signed-out").text
    assert "This must not happen" not in page
    assert "GET /api/me" not in page
    assert "POST /oauth/token" in page


def test_out_01_looking_at_the_address_only_asks(ada: Browser) -> None:
    assert ada.get("/sign-out").status_code == 200
    assert ada.is_signed_in()


@pytest.mark.question("Q2")
def test_the_receipt_shows_the_request_that_was_sent_and_the_proof(ada: Browser) -> None:
    pocket = ada.pocket()
    ada.sign_out()
    page = ada.get("/signed-out").text
    for words in ("POST /oauth/revoke", "HTTP/1.1 200 OK", "GET /api/me", "HTTP/1.1 401", "invalid_token"):
        assert words in page
    for words in ("POST /oauth/token", "HTTP/1.1 400", "invalid_grant"):
        assert words in page
    for secret in pocket.values():
        assert secret not in page


@pytest.mark.question("Q2")
def test_out_07_the_request_was_really_handled_by_the_revocation_endpoint(site: Site, ada: Browser) -> None:
    seen: list[str] = []

    def note(_app: Flask, **_: object) -> None:
        seen.append(request.path)

    request_started.connect(note, site.app)
    ada.sign_out()
    assert seen == ["/sign-out", "/oauth/revoke", "/api/me", "/oauth/token"]


def test_the_proof_raises_no_alarm(site: Site, ada: Browser) -> None:
    ada.sign_out()
    assert [row[0] for row in site.query("SELECT event FROM activity ORDER BY id")][-1] == "signed_out"


def test_the_receipt_names_no_user_and_is_gone_after_ten_minutes(site: Site, ada: Browser) -> None:
    ada.sign_out()
    page = ada.get("/signed-out").text
    assert "Ada" not in page
    assert "ada@example.org" not in page
    site.wait(599)
    assert "invalid_grant" in ada.get("/signed-out").text
    site.wait(2)
    assert "invalid_grant" not in ada.get("/signed-out").text


def test_an_old_receipt_goes_when_another_is_made(site: Site, ada: Browser) -> None:
    ada.sign_out()
    site.wait(601)
    site.member("bob@example.org").sign_out()
    assert site.query("SELECT count(*) FROM receipts") == [(1,)]


def test_another_users_receipt_cannot_be_guessed(site: Site, ada: Browser) -> None:
    ada.sign_out()
    stranger = site.browser()
    stranger.client.set_cookie(RECEIPT, "x")
    assert "invalid_grant" not in stranger.get("/signed-out").text


def test_it_works_when_both_tokens_have_run_out(site: Site, ada: Browser) -> None:
    site.wait(13 * 60 * 60)
    assert ada.sign_out().headers["Location"] == "/signed-out"
    assert ada.pocket() == {}


def sign_out_in_vain(site: Site, browser: Browser, email: str) -> tuple[Pocket, str]:
    """Have the browser sign in to a new account, and out again while the store is away; return its tokens, and the page."""
    pocket = site.member(email).pocket()
    for name, value in pocket.items():
        browser.client.set_cookie(name, value, secure=True)
    with locked(site):
        answer = browser.sign_out()
    assert answer.status_code == 503
    return pocket, answer.text


@pytest.mark.parametrize("visit", ["GET", "POST"])
def test_sign_outs_in_a_row_that_had_to_wait_all_end_at_the_next_visit(site: Site, visit: str) -> None:
    browser = site.browser()
    pockets = [sign_out_in_vain(site, browser, f"person{number}@example.org")[0] for number in range(MOST_PENDING)]
    assert len(browser.cookie(ENDING) or "") < 3900, "a browser keeps no cookie beyond 4,096 characters"
    answer = browser.get("/") if visit == "GET" else browser.sign_out()
    assert answer.status_code in (200, 303)
    assert not browser.cookie(ENDING)
    assert not any(site.thief(pocket).is_signed_in() for pocket in pockets)


def test_a_full_cookie_gives_up_the_oldest_sign_out_and_the_page_says_so(site: Site) -> None:
    browser = site.browser()
    tried = [sign_out_in_vain(site, browser, f"person{number}@example.org") for number in range(MOST_PENDING + 1)]
    assert [("Given up" in page) for _, page in tried] == [False] * MOST_PENDING + [True]
    browser.get("/")
    assert [site.thief(pocket).is_signed_in() for pocket, _ in tried] == [True] + [False] * MOST_PENDING


@pytest.mark.parametrize("lost", [ACCESS, REFRESH])
def test_with_one_of_the_two_cookies_lost_the_whole_session_ends_all_the_same(
    site: Site, ada: Browser, lost: str
) -> None:
    pocket = ada.pocket()
    ada.forget(lost)
    ada.sign_out()
    for only in (ACCESS, REFRESH):
        assert not site.thief(pocket, only).is_signed_in()
    assert "invalid" in ada.get("/signed-out").text


def test_cookies_of_two_sessions_mixed_in_one_browser_end_both(site: Site, ada: Browser) -> None:
    phone = site.browser("Chrome on Android")
    phone.sign_in()
    mixed = site.thief({ACCESS: ada.pocket()[ACCESS], REFRESH: phone.pocket()[REFRESH]})
    mixed.sign_out()
    assert not ada.is_signed_in()
    assert not phone.is_signed_in()


def test_it_never_refreshes(site: Site, ada: Browser) -> None:
    site.wait(301)
    before = site.query("SELECT count(*) FROM refresh_tokens")
    ada.sign_out()
    assert site.query("SELECT count(*) FROM refresh_tokens") == before


def test_twice_is_no_error(site: Site, ada: Browser) -> None:
    pocket = ada.pocket()
    ada.sign_out()
    assert site.thief(pocket).sign_out().status_code == 303
    assert ada.sign_out().status_code == 303


def test_a_user_who_is_not_signed_in_is_simply_signed_out(site: Site) -> None:
    stranger = site.browser()
    assert stranger.sign_out().headers["Location"] == "/signed-out"
    assert stranger.get("/signed-out").status_code == 200


@pytest.mark.question("A16")
def test_others_are_left_alone(site: Site, ada: Browser) -> None:
    phone = site.browser("Chrome on Android")
    phone.sign_in()
    ada.sign_out()
    assert phone.is_signed_in()


def test_out_07_rev_26_if_the_log_cannot_be_written_the_page_says_so_and_this_browser_forgets(
    site: Site, ada: Browser
) -> None:
    pocket = ada.pocket()
    with locked(site):
        answer = ada.sign_out()
    assert answer.status_code == 503
    assert int(answer.headers["Retry-After"]) > 0
    assert "Try again" in answer.text
    assert ada.pocket() == {}
    assert site.thief(pocket).is_signed_in(), "the page must not claim what is not so"


def test_a_session_that_it_could_not_end_is_ended_at_the_next_visit(site: Site, ada: Browser) -> None:
    pocket = ada.pocket()
    with locked(site):
        ada.sign_out()
        assert ada.get("/").status_code == 200
        assert ada.cookie(ENDING)
    ada.get("/")
    assert not ada.cookie(ENDING)
    assert not site.thief(pocket).is_signed_in()


def test_a_session_that_it_could_not_end_is_not_forgotten_at_the_next_sign_in_and_out(site: Site, ada: Browser) -> None:
    pocket = ada.pocket()
    with locked(site):
        ada.sign_out()
    later = site.member("bob@example.org").pocket()
    for name, value in later.items():
        ada.client.set_cookie(name, value, secure=True)
    ada.sign_out()
    assert not ada.cookie(ENDING)
    for copy in (pocket, later):
        assert not site.thief(copy).is_signed_in()


def signs_out_of(site: Site, browser: Browser, *emails: str) -> list[Pocket]:
    """Have the browser sign in and out again with each account, and the store be away for each sign-out."""
    pockets = []
    for email in emails:
        pockets.append(site.member(email).pocket())
        for name, value in pockets[-1].items():
            browser.client.set_cookie(name, value, secure=True)
        with locked(site):
            assert browser.sign_out().status_code == 503
    return pockets


@pytest.mark.parametrize("visit", ["GET", "POST"])
def test_two_sign_outs_in_a_row_that_had_to_wait_are_both_ended(site: Site, visit: str) -> None:
    browser = site.browser()
    pockets = signs_out_of(site, browser, "ada@example.org", "bob@example.org")
    answer = browser.get("/") if visit == "GET" else browser.sign_out()
    assert answer.status_code == (200 if visit == "GET" else 303)
    assert not browser.cookie(ENDING)
    assert not any(site.thief(pocket).is_signed_in() for pocket in pockets)


def test_a_sign_out_that_waits_is_kept_when_the_store_goes_away_again_during_the_next(site: Site, ada: Browser) -> None:
    [waiting] = signs_out_of(site, ada, "bob@example.org")
    later = site.member("eve@example.org").pocket()
    with locked(site):
        for name, value in later.items():
            ada.client.set_cookie(name, value, secure=True)
        ada.get("/")
        ada.sign_out()
        ada.sign_out()
    ada.get("/")
    for pocket in (waiting, later):
        assert not site.thief(pocket).is_signed_in()


def test_more_than_one_cookie_holds_are_not_kept_and_the_page_says_so(site: Site) -> None:
    browser = site.browser()
    *_, oldest = reversed(
        pockets := signs_out_of(site, browser, *(f"p{number}@example.org" for number in range(MOST_PENDING)))
    )
    assert "Given up" not in browser.get("/").text
    assert site.thief(oldest).is_signed_in() is False, pockets


@pytest.mark.parametrize("lost", [ACCESS, REFRESH])
def test_with_one_of_the_two_cookies_lost_the_next_visit_ends_the_whole_session_all_the_same(
    site: Site, ada: Browser, lost: str
) -> None:
    pocket = ada.pocket()
    ada.forget(lost)
    with locked(site):
        ada.sign_out()
    site.wait(301)  # by now an access token has run out
    ada.get("/")
    assert not ada.cookie(ENDING)
    assert not site.thief(pocket, REFRESH).is_signed_in()


def test_two_sessions_whose_cookies_were_mixed_both_end_at_the_next_visit(site: Site, ada: Browser) -> None:
    phone = site.browser("Chrome on Android")
    phone.sign_in()
    mixed = site.thief({ACCESS: ada.pocket()[ACCESS], REFRESH: phone.pocket()[REFRESH]})
    with locked(site):
        mixed.sign_out()
    mixed.get("/")
    assert not ada.is_signed_in()
    assert not phone.is_signed_in()


def test_trying_again_ends_it_and_shows_the_receipt(site: Site, ada: Browser) -> None:
    pocket = ada.pocket()
    with locked(site):
        ada.sign_out()
        assert ada.sign_out().status_code == 503
    assert ada.sign_out().status_code == 303
    assert not site.thief(pocket).is_signed_in()
    assert "invalid_grant" in ada.get("/signed-out").text


def test_the_sealed_token_can_only_end(site: Site, ada: Browser) -> None:
    pocket = ada.pocket()
    with locked(site):
        ada.sign_out()
    sealed = ada.cookie(ENDING) or ""
    assert pocket[REFRESH] not in urlsafe_b64decode(sealed).decode("latin-1")
    for name in (ACCESS, REFRESH):
        assert not site.thief({name: sealed}).is_signed_in()


def test_after_an_hour_it_is_not_tried_any_more(site: Site, ada: Browser) -> None:
    ada.sign_in(keep="y")
    pocket = ada.pocket()
    with locked(site):
        ada.sign_out()
    sealed = ada.cookie(ENDING) or ""
    site.wait(3600)
    late = site.thief({ENDING: sealed})
    late.get("/")
    assert site.thief(pocket, REFRESH).is_signed_in()


@pytest.mark.parametrize("junk", ["x", "00", "zz" * 40, "00" * 60])
def test_a_made_up_one_does_nothing(site: Site, junk: str) -> None:
    stranger = site.browser()
    stranger.client.set_cookie(ENDING, junk)
    assert stranger.get("/").status_code == 200
    assert not stranger.cookie(ENDING)


def test_a_late_answer_does_not_bring_the_cookies_back(site: Site, ada: Browser) -> None:
    site.wait(301)
    pocket = ada.pocket()
    ada.sign_out()
    late = site.thief(pocket).get("/account")
    assert late.headers.getlist("Set-Cookie") == []


@pytest.mark.page
def test_meta_08_without_a_revocation_endpoint_in_the_metadata_it_does_not_claim_to_have_revoked(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    ada = site.member()
    described = metadata.describe
    monkeypatch.setattr(
        metadata, "describe", lambda: {k: v for k, v in described().items() if k != "revocation_endpoint"}
    )
    old = site.thief(ada.pocket())
    assert ada.sign_out().status_code == 503
    monkeypatch.undo()
    assert old.is_signed_in(), "and it says so"
    ada.get("/")
    assert not old.is_signed_in(), "what had to wait is done at the next visit"


@pytest.mark.sqlite
def test_on_one_machine_the_receipt_says_that_every_process_knew_at_once(site: Site) -> None:
    ada = site.member()
    ada.sign_out()
    assert "reads the revocation log at each request" in ada.get("/signed-out").text
