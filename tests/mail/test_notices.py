"""The mails that warn an owner, and their one button: “This wasn’t me”."""

from collections.abc import Callable
from contextlib import closing

import pytest

from app.config import DAY
from tests import passkeys
from tests.authenticator import add_app, shown, sign_in
from tests.browsers import PASSWORD, REFRESH, Browser, Site
from tests.mail.conftest import Post
from tests.mail.server import Letter
from tests.oauth.conftest import register_app
from tests.oauth.flow import Flow

NEW = "nine quiet walruses"
NEW_SIGN_IN = "Your account was signed in to from a new browser or place"


def told(post: Post, since: int) -> list[str]:
    return [str(letter.message["Subject"]) for letter in post.letters()[since:]]


def stranger(post: Post) -> tuple[Browser, Letter]:
    """A user who signed in with the password, and the notice of it."""
    thief = post.site.browser("Safari on macOS", address="203.0.113.66")
    assert thief.sign_in().status_code == 303
    letter = post.newest()
    assert letter.message["Subject"] == NEW_SIGN_IN
    return thief, letter


@pytest.mark.parametrize(
    ("label", "address", "is_told"),
    [
        ("Firefox on Linux", "127.0.0.1", False),
        ("Safari on macOS", "127.0.0.1", True),
        ("Firefox on Linux", "203.0.113.66", True),
    ],
)
def test_a_sign_in_is_told_if_browser_or_place_is_new_and_the_next_one_there_is_not(
    post: Post, label: str, address: str, is_told: bool
) -> None:
    post.verified()
    came = len(post.letters())
    for _ in range(2):
        post.site.browser(label, address=address).sign_in()
    assert told(post, came) == [NEW_SIGN_IN] * is_told


def test_the_sign_up_itself_and_an_unverified_address_are_not_told(post: Post) -> None:
    post.site.member()
    post.site.browser("Safari on macOS").sign_in()
    assert [letter.message["Subject"] for letter in post.letters()] == ["Verify your address"]


def test_the_site_shows_the_same_notice_without_the_link(post: Post) -> None:
    ada = post.verified()
    thief, letter = stranger(post)
    for browser in (ada, thief):
        page = browser.get("/activity").text
        assert "We told you by mail." in page
        for path in ("/", "/account", "/devices", "/activity"):
            assert letter.link not in browser.get(path).text
            assert "/links/" not in browser.get(path).text


def changes_the_password(_: Post, ada: Browser) -> None:
    ada.post("/account/password", current=PASSWORD, password=NEW)


def is_given_a_password(post: Post, _: Browser) -> None:
    post.site.run("users", "password", "ada@example.org", "--password-stdin", typed=f"{NEW}\n")


def is_used_elsewhere(post: Post, ada: Browser) -> None:
    post.site.thief(ada.pocket()).get("/account")


def recovers(post: Post, _: Browser) -> None:
    post.site.browser().post(post.ask_recovery(), password=NEW)


def comes_back_old(post: Post, ada: Browser) -> None:
    old = ada.pocket()
    for _ in range(2):
        post.site.wait(400)
        ada.get("/account")
    post.site.wait(400)
    thief = post.site.browser()
    thief.client.set_cookie(REFRESH, old[REFRESH])
    thief.get("/account")


def is_used_elsewhere_where_that_is_refused(post: Post, ada: Browser) -> None:
    with closing(Site(post.site.folder, SMTP_URL=post.box.url, ON_NEW_NETWORK="sign-in")) as strict:
        strict.thief(ada.pocket()).get("/account")


def has_a_code_come_back(post: Post, ada: Browser) -> None:
    flow = Flow(register_app(post.site, "Mail"), scope="openid")
    code = flow.allow(ada)
    for _ in range(2):
        flow.exchange(code)


def changes_the_address(post: Post, ada: Browser) -> None:
    ada.post("/confirm", password=PASSWORD, action="address:ada@new.example")
    for address in ("ada@example.org", "ada@new.example"):
        ada.post(post.newest(address).link)


def adds_a_second_factor(_: Post, ada: Browser) -> None:
    add_app(ada)


def removes_the_second_factor(post: Post, ada: Browser) -> None:
    add_app(ada)
    post.letters()
    assert ada.post("/account/authenticator/remove").status_code == 303


def makes_new_codes(_: Post, ada: Browser) -> None:
    add_app(ada)
    ready, _ = shown(ada, "/account/recovery-codes")
    assert ada.post("/account/recovery-codes", **ready).status_code == 303


def uses_a_recovery_code(post: Post, ada: Browser) -> None:
    phone = add_app(ada)
    assert sign_in(post.site.browser(), phone.paper[0]).status_code == 303


def confirms_by_a_recovery_code(_: Post, ada: Browser) -> None:
    phone = add_app(ada)
    assert ada.post("/confirm", code=phone.paper[0]).status_code == 303


def recovers_by_a_recovery_code(post: Post, ada: Browser) -> None:
    phone = add_app(ada)
    assert post.site.browser().post(post.ask_recovery(), password=NEW, code=phone.paper[0]).status_code == 303


def has_a_wrong_code_given(post: Post, ada: Browser) -> None:
    add_app(ada)
    assert sign_in(post.site.browser(), "aaaa-bbbb-cccc").status_code == 422


@pytest.mark.parametrize(
    ("happens", "subject"),
    [
        (changes_the_password, "Your password was changed"),
        (is_given_a_password, "An administrator set a new password for you"),
        (is_used_elsewhere, "Your session was used from a new place"),
        (recovers, "Your password was replaced by way of a mail"),
        (comes_back_old, "An old token of your session came back, so the session was ended"),
        (is_used_elsewhere_where_that_is_refused, "Your session was used from a new place, so it was ended"),
        (has_a_code_come_back, "The code of an app came back a second time, so what it gave was ended"),
        (changes_the_address, "The address of your account was changed"),
        (adds_a_second_factor, "A second factor was added to your account"),
        (removes_the_second_factor, "The second factor of your account was removed"),
        (makes_new_codes, "New recovery codes were made for your account"),
        (uses_a_recovery_code, "A recovery code of your account was used"),
        (confirms_by_a_recovery_code, "A recovery code of your account was used"),
        (recovers_by_a_recovery_code, "A recovery code of your account was used"),
        (has_a_wrong_code_given, "A wrong code was given where all else was right"),
    ],
)
def test_each_of_these_events_is_told_by_mail(
    post: Post, happens: Callable[[Post, Browser], None], subject: str
) -> None:
    ada = post.verified()
    came = len(post.letters())
    happens(post, ada)
    assert subject in [*told(post, came), *(str(one.message["Subject"]) for one in post.letters("ada@new.example"))]


@pytest.mark.stores("an act that writes")
def test_this_was_not_me_ends_that_session_and_leads_to_recovery(post: Post) -> None:
    ada = post.verified()
    thief, letter = stranger(post)
    reader = post.site.browser("Chrome on Android")
    for _ in range(2):
        assert "Was this not you?" in reader.get(letter.link).text
    assert thief.is_signed_in(), "opening it changes nothing"
    answer = reader.post(letter.link)
    page = reader.get(answer.headers["Location"]).text
    assert "That session is over" in page
    assert "/recover?email=ada%40example.org" in page
    assert not thief.is_signed_in()
    assert ada.is_signed_in()
    assert reader.post(letter.link).status_code == 409, "it is good once"


def test_this_was_not_me_removes_the_passkey_that_was_added(post: Post) -> None:
    ada = post.verified()
    own = passkeys.add(ada)
    assert post.newest().message["Subject"] == "A passkey was added to your account"
    post.site.wait(60)
    thief, _ = stranger(post)
    added = passkeys.add(thief, name="Thief")
    letter = post.newest()
    assert letter.message["Subject"] == "A passkey was added to your account"
    reader = post.site.browser("Chrome on Android")
    assert "It also removes the passkey that was added then." in reader.get(letter.link).text
    reader.post(letter.link)
    assert not thief.is_signed_in()
    assert passkeys.sign_in(thief, added).status_code == 422
    assert passkeys.sign_in(ada, own).status_code == 303


def test_a_sign_in_by_that_passkey_that_waits_for_a_code_comes_to_nothing(post: Post) -> None:
    post.verified()
    thief, _ = stranger(post)
    phone = add_app(thief)
    assert post.newest().message["Subject"] == "A second factor was added to your account"
    weak = passkeys.add(thief, passkeys.Key(is_sure=False), name="Thief")
    letter = post.newest()
    waiting = post.site.browser("Safari on macOS", address="203.0.113.66")
    assert passkeys.sign_in(waiting, weak).headers["Location"].startswith("/sign-in/code")
    assert "It also removes the passkey" in post.site.browser("Chrome on Android").get(letter.link).text
    post.site.browser("Chrome on Android").post(letter.link)
    post.site.wait(30)  # the next code of the app
    waiting.post("/sign-in/code", code=phone.code())
    assert not waiting.is_signed_in()


def test_it_ends_the_session_that_the_thief_has_made_of_it_since(post: Post) -> None:
    """A change of password gives the thief's session another id."""
    post.verified()
    thief, letter = stranger(post)
    thief.post("/account/password", current=PASSWORD, password=NEW)
    assert thief.is_signed_in()
    post.site.browser("Chrome on Android").post(letter.link)
    assert not thief.is_signed_in()


@pytest.mark.nodes
def test_the_thief_is_out_in_all_nodes_before_the_page_answers(post: Post, open_site: Callable[..., Site]) -> None:
    other = open_site(SMTP_URL=post.box.url)
    ada = post.verified()
    pocket = ada.pocket()
    came = len(post.letters())
    thief = other.thief(pocket)
    thief.get("/account")
    ada.post("/account/password", current=PASSWORD, password=NEW)
    assert "Your password was changed" in told(post, came)
    assert other.thief(ada.pocket()).is_signed_in()
    post.site.browser("Chrome on Android").post(post.newest().link)
    assert not other.thief(ada.pocket()).is_signed_in()
    assert not ada.is_signed_in()


def test_a_thief_with_the_cookies_gets_no_such_link(post: Post) -> None:
    """Without the mail there is no button to press: neither by the pages, nor by a made-up link, nor by asking again."""
    ada = post.verified()
    _, letter = stranger(post)
    thief = post.site.thief(ada.pocket())
    thief.post("/links/" + "A" * 43)
    thief.post("/recover", email="ada@example.org")
    assert thief.get("/mail").status_code == 404
    assert ada.is_signed_in()
    token = letter.link.rpartition("/")[2]
    assert token not in str(post.site.query("SELECT * FROM links")) + str(post.site.query("SELECT * FROM mails"))


def test_the_link_of_one_account_ends_nothing_of_another(post: Post) -> None:
    bob = post.verified("bob@example.org", "Chrome on Android")
    post.verified()
    _, letter = stranger(post)
    bob.post(letter.link)
    assert bob.is_signed_in()


class TestASecondFactorThatAThiefAdded:
    """Without an end to it, recovery would ask the owner for the thief's code."""

    def test_this_was_not_me_removes_it_and_recovery_is_open_again(self, post: Post) -> None:
        post.verified()
        thief, _ = stranger(post)
        add_app(thief)
        letter = post.newest()
        assert letter.message["Subject"] == "A second factor was added to your account"
        reader = post.site.browser("Chrome on Android")
        assert "It also removes your second factor" in reader.get(letter.link).text
        assert reader.post(letter.link).status_code == 303
        assert not thief.is_signed_in()
        link = post.ask_recovery()
        assert 'name="code"' not in reader.get(link).text
        assert reader.post(link, password=NEW).status_code == 303
        assert post.site.browser().sign_in(password=NEW).headers["Location"].startswith("/sign-in?arrived")

    def test_after_a_day_the_mailbox_alone_removes_no_factor(self, post: Post) -> None:
        add_app(post.verified())
        letter = post.newest()
        post.site.wait(DAY - 1)
        reader = post.site.browser("Chrome on Android")
        assert "It also removes your second factor" in reader.get(letter.link).text
        post.site.wait(1)
        assert "It also removes your second factor" not in reader.get(letter.link).text
        assert reader.post(letter.link).status_code == 303
        assert 'name="code"' in reader.get(post.ask_recovery()).text

    def test_no_other_notice_removes_it(self, post: Post) -> None:
        ada = post.verified()
        _, letter = stranger(post)
        add_app(ada)
        post.site.browser("Chrome on Android").post(letter.link)
        assert post.site.query("SELECT totp IS NOT NULL FROM users") == [(True,)]
