"""A browser that was signed out reads why, and what to do: and what it is told to do shows what it was promised."""

import re
from collections.abc import Callable

import pytest

from app.config import DAY
from app.identity import demo
from app.identity.session import Reason
from app.web import words as said
from tests.authenticator import add_app
from tests.browsers import ACCESS, PASSWORD, Browser, Site, words

pytestmark = pytest.mark.page

NEW = "nine quiet walruses"
PHONE = "Chrome on Android"
PLACE = "192.0.2.7"
OF_APPS = {Reason.REVOKED, Reason.BROWSER_ENDED, Reason.CODE_REUSED, Reason.APP_REMOVED}
OF_OLD = {Reason.INTERRUPTED}  # given no more
OF_NOTHING_LEFT = {Reason.DELETED}  # no session is left that could say why
End = Callable[[Site, Browser], None]


@pytest.fixture
def site(open_site: Callable[..., Site]) -> Site:
    return open_site(MAX_SESSIONS="3", ON_NEW_NETWORK="sign-in")


@pytest.fixture
def ada(site: Site) -> Browser:
    browser = site.browser()
    browser.sign_up()
    browser.sign_in(keep="y")
    return browser


def phone_of(site: Site) -> Browser:
    phone = site.browser(PHONE, address=PLACE)
    phone.sign_in()
    return phone


def copy_of(site: Site, ada: Browser, *, address: str = "127.0.0.1") -> Browser:
    copy = site.browser(address=address)
    for name, value in ada.pocket().items():
        copy.client.set_cookie(name, value)
    return copy


def signs_out_with_a_copy(site: Site, ada: Browser) -> None:
    copy_of(site, ada).sign_out()


def lends_a_copy_to_bob(site: Site, ada: Browser) -> None:
    copy_of(site, ada).sign_up("bob@example.org")


def is_ended_from_the_phone(site: Site, ada: Browser) -> None:
    sid = ada.session()["sid"]
    phone_of(site).post(f"/devices/{sid}/end")


def is_ended_with_the_others(site: Site, ada: Browser) -> None:
    phone_of(site).post("/devices/end-others")


def is_ended_with_everything(site: Site, ada: Browser) -> None:
    phone_of(site).post("/devices/end-all")


def has_the_password_changed(site: Site, ada: Browser) -> None:
    phone_of(site).post("/account/password", current=PASSWORD, password=NEW, end_others="y")


def has_the_operator_set_a_password(site: Site, ada: Browser) -> None:
    site.run("users", "password", "ada@example.org", "--password-stdin", typed=f"{NEW}\n")


def loses_the_answer_to_a_sign_in(site: Site, ada: Browser) -> None:
    with_kept_cookies(ada, lambda: ada.sign_in())


def loses_the_answer_to_a_new_password(site: Site, ada: Browser) -> None:
    with_kept_cookies(ada, lambda: ada.post("/account/password", current=PASSWORD, password=NEW))


def with_kept_cookies(ada: Browser, act: Callable[[], object]) -> None:
    """Act, and lose what the answer brings."""
    before = ada.pocket()
    act()
    for name, value in before.items():
        ada.client.set_cookie(name, value)


def makes_room(site: Site, ada: Browser) -> None:
    for _ in range(3):
        site.wait(1)
        phone_of(site)


def has_the_second_factor_removed(site: Site, ada: Browser) -> None:
    add_app(ada)
    site.run("users", "remove-factor", "ada@example.org")


def in_mail(ada: Browser) -> str:
    """The link in the newest mail, which is shown in the browser that made the account."""
    found = re.search(r'href="http://[^/"]+(/links/[^"]+)"', ada.get("/mail").text)
    assert found
    return found[1]


def recovers(site: Site, ada: Browser) -> None:
    ada.post(in_mail(ada))
    site.wait(1)
    ada.post("/recover", email="ada@example.org")
    site.browser().post(in_mail(ada), password=NEW)


def says_that_it_was_somebody_else(site: Site, ada: Browser) -> None:
    ada.post(in_mail(ada))
    thief = phone_of(site)
    site.wait(1)
    thief.post("/account/password", current=PASSWORD, password=NEW)
    site.browser().post(in_mail(ada))


def is_said_on_the_phone_to_be_somebody_else(site: Site, ada: Browser) -> None:
    sid = ada.session()["sid"]
    phone_of(site).post(f"/devices/{sid}/not-me")


def is_used_from_a_new_place(site: Site, ada: Browser) -> None:
    assert not copy_of(site, ada, address=PLACE).is_signed_in()


def reuses_a_token(site: Site, ada: Browser) -> None:
    copy = copy_of(site, ada)
    copy.forget(ACCESS)
    for _ in range(2):
        ada.forget(ACCESS)
        ada.is_signed_in()
    copy.get("/account")


def is_ended_by_the_operator(site: Site, ada: Browser) -> None:
    site.run("sessions", "end", "ada@example.org")


def is_ended_by_an_administrator(site: Site, ada: Browser) -> None:
    [(person, sid)] = site.query("SELECT user_id, id FROM sessions WHERE ended_entry IS NULL")
    root = site.member("root@example.org")
    site.run("users", "admin", "root@example.org")
    root.post(f"/admin/people/{person}/sessions/{sid}/end")


def is_restored_from_a_backup(site: Site, ada: Browser) -> None:
    site.run("log", "restore", "--yes")


def is_closed(site: Site, ada: Browser) -> None:
    site.run("users", "disable", "ada@example.org")


def is_idle(site: Site, ada: Browser) -> None:
    site.wait(15 * DAY)


def has_lived_longest(site: Site, ada: Browser) -> None:
    for _ in range(31):
        site.wait(DAY)
        ada.get("/account")


# How a session ended, its reason, and what the page that the browser is led to shows after a sign-in.
WAYS: list[tuple[End, str, str]] = [
    (signs_out_with_a_copy, "signed_out", "ended 7 minutes ago"),
    (lends_a_copy_to_bob, "signed_out", "ended 7 minutes ago"),
    (is_ended_from_the_phone, "ended_elsewhere", f"ended 7 minutes ago from {PHONE}"),
    (is_ended_with_the_others, "ended_others", f"ended 7 minutes ago from {PHONE}"),
    (is_ended_with_everything, "ended_everywhere", f"Signed out everywhere {PHONE}, {PLACE}"),
    (has_the_password_changed, "password_changed", f"The password was changed {PHONE}, {PLACE}"),
    (has_the_operator_set_a_password, "password_changed", "An administrator set a new password and ended all sessions"),
    (has_the_second_factor_removed, "factor_changed", "The authenticator app and the recovery codes were removed"),
    (recovers, "recovered", "A new password was chosen by mail"),
    (says_that_it_was_somebody_else, "not_me", "“This wasn’t me” was pressed, here or in a mail to you"),
    (is_said_on_the_phone_to_be_somebody_else, "not_me", "“This wasn’t me” was pressed, here or in a mail to you"),
    (loses_the_answer_to_a_sign_in, "replaced", "Signed in by a password, Firefox on Linux, 127.0.0.1"),
    (loses_the_answer_to_a_new_password, "replaced", "The password was changed Firefox on Linux, 127.0.0.1"),
    (makes_room, "too_many", f"Signed in by a password, {PHONE}, {PLACE}"),
    (is_used_from_a_new_place, "new_place", f"Used from another network: this session was ended Firefox on Linux, {PLACE}"),
    (reuses_a_token, "reuse", "An old refresh token was used again"),
    (is_ended_by_the_operator, "by_admin", "ended 7 minutes ago · ended by an administrator"),
    (is_ended_by_an_administrator, "by_admin", "ended 7 minutes ago · ended by an administrator"),
    (is_restored_from_a_backup, "by_admin", "ended 7 minutes ago · ended by an administrator"),
    (is_closed, "account_disabled", ""),
    (is_idle, "idle", "not used for too long"),
    (has_lived_longest, "expired", "reached its longest life"),
]  # fmt: skip


@pytest.mark.parametrize(("end", "reason", "shown"), WAYS, ids=lambda value: getattr(value, "__name__", ""))
def test_a_browser_that_was_signed_out_reads_why_and_finds_what_it_is_promised(
    site: Site, ada: Browser, end: End, reason: str, shown: str
) -> None:
    end(site, ada)
    site.wait(7 * 60)
    for path in ("/sign-in", "/sign-in?next=/devices"):
        page = words(ada.get(path).text)
        why = said.reason(reason) if reason != "signed_out" else "Sign Out was pressed, or another account was used"
        assert page.count(f"You were signed out: {why}") == 1
        assert (said.advice(reason) or "Email") in page
        assert not re.search(rf"{re.escape(PLACE)}|Android", page), "from where is told after a sign-in only"
    if reason == "account_disabled":
        assert ada.sign_in().status_code == 422
        site.run("users", "enable", "ada@example.org")
    assert any(ada.sign_in(password=password).status_code == 303 for password in (PASSWORD, NEW))
    assert "You were signed out" not in ada.get("/sign-in").text
    named = re.search(r"(devices|activity) page", said.advice(reason) or "")
    for page in [f"/{named[1]}"] if named else ["/activity", "/devices"]:
        if shown in words(ada.get(page).text):
            break
    else:
        pytest.fail(f"{shown!r} is not on {page}")


def test_every_reason_is_in_the_table_and_no_advice_is_left_over() -> None:
    tried = {reason for _, reason, _ in WAYS} | {"address_lost"}  # which takes a mail server: tests/mail
    assert {*Reason} - OF_APPS - OF_OLD - OF_NOTHING_LEFT == tried - {"idle", "expired"}
    of_no_end = {"unproved"}  # the session goes on, on its device: test_device_binding
    advised = {reason for reason, end in said._ENDS.items() if end.advice}
    assert advised == (tried | OF_OLD | of_no_end) - {"idle", "expired"}


def test_a_demo_account_that_is_closed_says_so(open_site: Callable[..., Site], site: Site) -> None:
    site.run("users", "seed")
    guest = site.browser()
    guest.sign_in("eve@workshop.example", demo.PASSWORD)
    open_site(WORKSHOP="0")
    page = words(guest.get("/sign-in").text)
    assert "You were signed out: the account was closed" in page
    assert "You can sign in once an administrator has opened it again." in page
