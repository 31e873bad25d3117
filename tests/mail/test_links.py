"""What a link proves: once, in time, for the address it was sent to. Opening it changes nothing."""

import re
import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import event

from app.identity import passwords
from app.mail.links import LIVES, Purpose
from app.store.db import db
from tests import passkeys
from tests.authenticator import add_app, shown
from tests.browsers import PASSWORD, SITE_URL, Browser, Site
from tests.mail.conftest import Post
from tests.mail.server import Postbox
from tests.oauth.conftest import register_app
from tests.oauth.flow import Flow
from tests.passkeys import Key

MINUTE = 60
NEW = "nine quiet walruses"


def is_verified(post: Post, email: str = "ada@example.org") -> bool:
    [(at,)] = post.site.query("SELECT verified_at FROM users WHERE email = :email", email=email)
    return at is not None


@pytest.mark.stores("an act that writes")
def test_opening_a_link_changes_nothing_and_its_button_verifies_the_address(post: Post) -> None:
    post.site.member()
    link = post.newest().link
    for _ in range(3):  # as a program does that looks at links for the reader
        assert "Verify ada@example.org" in post.site.browser("Safari on macOS").get(link).text
    assert not is_verified(post)
    stranger = post.site.browser("Safari on macOS")
    answer = stranger.post(link)
    assert "Your address is verified" in stranger.get(answer.headers["Location"]).text
    assert is_verified(post)
    assert stranger.post(link).status_code == 409, "it is good once"


@pytest.mark.parametrize("purpose", [Purpose.VERIFY, Purpose.RECOVER])
def test_a_link_is_good_for_its_time_and_not_a_second_longer(post: Post, purpose: Purpose) -> None:
    post.site.member()
    link = post.newest().link
    if purpose is Purpose.RECOVER:
        post.site.browser().post(link)
        link = post.ask_recovery()
    post.site.wait(LIVES[purpose] - 1)
    assert post.site.browser().get(link).status_code == 200
    post.site.wait(1)
    assert post.site.browser().get(link).status_code == 404
    assert post.site.browser().post(link, password=NEW).status_code == 409


def test_a_link_that_was_made_up_or_is_for_something_else_is_dead(post: Post) -> None:
    for path in ("/links/x", "/links/" + "x" * 5000, "/links/%00", "/links/%F0%9F%94%97"):
        assert post.site.browser().get(path).status_code == 404
        assert post.site.browser().post(path, password=NEW).status_code == 409


def test_an_unverified_account_works_and_says_so_and_gets_no_recovery(post: Post) -> None:
    ada = post.site.member()
    assert "Your address is not verified" in ada.get("/account").text
    post.letters()
    post.site.browser().post("/recover", email="ada@example.org")
    letter = post.newest()
    assert letter.message["Subject"] == "Start an account with this address"
    assert "Choose a new password" not in letter.text


def test_email_verified_is_true_by_the_link_alone(post: Post) -> None:
    ada = post.site.member()
    flow = Flow(register_app(post.site, "Mail"), scope="openid email")
    access = flow.connect(ada)["access_token"]

    def said() -> object:
        bearer = {"Authorization": f"Bearer {access}"}
        return ada.client.get("/oauth/userinfo", base_url=SITE_URL, headers=bearer).get_json()["email_verified"]

    assert said() is False
    ada.get(post.newest().link)
    assert said() is False
    ada.post(post.newest().link)
    assert said() is True


def test_a_new_link_can_be_asked_for_and_makes_the_earlier_one_worthless(post: Post) -> None:
    ada = post.site.member()
    first = post.newest().link
    ada.post("/account/email/verify")
    assert post.site.browser().post(first).status_code == 409
    assert post.site.browser().post(post.newest().link).status_code == 303


class TestRecovery:
    @pytest.mark.stores("an act that writes")
    def test_a_forgotten_password_is_replaced_and_every_session_and_app_ends(self, post: Post) -> None:
        ada = post.verified()
        web = register_app(post.site, "Mail")
        tokens = Flow(web, scope="openid offline_access").connect(ada)
        link = post.ask_recovery()
        visitor = post.site.browser("Safari on macOS")
        answer = visitor.post(link, password=NEW)
        assert "Your new password is set" in visitor.get(answer.headers["Location"]).text
        assert not ada.is_signed_in()
        assert ada.api(tokens["access_token"]).status_code == 401
        assert web.refresh(tokens["refresh_token"]).status_code == 400
        assert visitor.sign_in(password=PASSWORD).status_code == 422
        assert visitor.sign_in(password=NEW).status_code == 303

    @pytest.mark.nodes
    def test_a_thief_is_out_in_all_nodes_before_the_page_answers(
        self, post: Post, open_site: Callable[..., Site]
    ) -> None:
        other = open_site(SMTP_URL=post.box.url)
        ada = post.verified()
        pocket = ada.pocket()
        assert other.thief(pocket).is_signed_in()
        post.site.browser("Safari on macOS").post(post.ask_recovery(), password=NEW)
        for site in (other, post.site):
            assert not site.thief(pocket).is_signed_in()

    @pytest.mark.stores("an act that writes")
    def test_with_a_second_factor_the_mailbox_alone_is_not_enough_and_the_factor_stays(self, post: Post) -> None:
        phone = add_app(post.verified())
        post.site.wait(2 * MINUTE)
        link = post.ask_recovery()
        thief = post.site.browser("Safari on macOS")
        assert 'name="code"' in thief.get(link).text
        for code in ("", "000000"):
            answer = thief.post(link, password=NEW, code=code)
            assert answer.status_code == 422
            assert "This code is not right" in answer.text
        owner, code = post.site.browser(), phone.code()
        assert owner.post(link, password="short", code=code).status_code == 422, "which uses up neither link nor code"
        assert owner.post(link, password=NEW, code=code).status_code == 303
        assert owner.sign_in(password=NEW).headers["Location"].startswith("/sign-in/code")

    def test_where_a_factor_is_demanded_a_passkey_or_a_recovery_code_is_asked_for_beside_the_mailbox(
        self, open_site: Callable[..., Site], postbox: Postbox
    ) -> None:
        post = Post(open_site(SMTP_URL=postbox.url, SECOND_FACTOR="everyone"), postbox)
        ada = post.verified()
        key = passkeys.add(ada)
        ready, pen = shown(ada, "/account/recovery-codes")
        ada.post("/account/recovery-codes", **ready)
        link = post.ask_recovery()
        thief, owner = post.site.browser("Safari on macOS"), post.site.browser()
        assert "One of your recovery codes" in thief.get(link).text
        for sent in ({}, {"code": "000000"}):
            assert thief.post(link, password=NEW, **sent).status_code == 422
        assert owner.post(link, password=NEW, code=pen.paper[0]).status_code == 303
        again = post.ask_recovery()
        signed = passkeys.signed(owner, key, "recover", token=again.rpartition("/")[2])
        assert owner.post(again, **signed, password="two brave herons").status_code == 303
        assert owner.sign_in(password="two brave herons").headers["Location"].startswith("/sign-in/code")

    def test_a_passkey_does_as_well_as_a_code(self, post: Post) -> None:
        ada = post.verified()
        key = passkeys.add(ada)
        add_app(ada)
        weak = passkeys.add(ada, Key(is_sure=False), name="Weak")
        link = post.ask_recovery()
        token = link.rpartition("/")[2]
        owner, eve = post.site.browser(), post.site.member("eve@example.org")
        other = passkeys.add(eve)
        assert "Use a passkey instead of a code" in owner.get(link).text
        for wrong in (weak, other):
            answer = owner.post(link, **passkeys.signed(owner, wrong, "recover", token=token), password=NEW)
            assert answer.status_code == 422
            assert "That did not work" in answer.text
            assert "This code is not right" not in answer.text
        for_sign_in = passkeys.signed(owner, key, "sign-in")
        assert owner.post(link, **for_sign_in, password=NEW).status_code == 422
        sent = passkeys.signed(owner, key, "recover", token=token)
        assert owner.post(link, **sent, password="short").status_code == 422, "which uses up neither link nor signature"
        assert owner.post(link, **sent, password=NEW).status_code == 303
        assert not ada.is_signed_in()
        assert owner.sign_in(password=NEW).headers["Location"].startswith("/sign-in/code")

    def test_a_passkey_signs_for_one_link_that_is_open(self, post: Post) -> None:
        ada = post.verified()
        key = passkeys.add(ada)
        add_app(ada)
        browser, links = post.site.browser(), [post.ask_recovery(), post.ask_recovery()]
        tokens = [link.rpartition("/")[2] for link in links]
        sent = passkeys.signed(browser, key, "recover", token=tokens[0])
        assert browser.post(links[1], **sent, password=NEW).status_code == 422
        assert browser.post(links[0], **sent, password=NEW).status_code == 303
        for dead in (*tokens, "x", ""):
            assert browser.post("/passkeys/ask/recover", token=dead).status_code == 422, "nor does it name any key"

    def test_its_owner_is_told_of_a_passkey_that_counts_backwards(self, post: Post) -> None:
        ada = post.verified()
        key = passkeys.add(ada, Key(count=10))
        add_app(ada)
        link = post.ask_recovery()
        token, copy = link.rpartition("/")[2], replace(key, count=3)
        browser = post.site.browser()
        assert (
            browser.post(link, **passkeys.signed(browser, copy, "recover", token=token), password=NEW).status_code
            == 409
        )
        assert post.newest().message["Subject"] == "A passkey of your account may have been copied, and was refused"
        sent = passkeys.signed(browser, key, "recover", token=token)
        assert browser.post(link, **sent, password=NEW).status_code == 303, "the link was not used up"

    def test_its_address_is_told(self, post: Post) -> None:
        post.verified()
        post.site.browser().post(post.ask_recovery(), password=NEW)
        letter = post.newest()
        assert letter.message["Subject"] == "Your password was replaced by way of a mail"

    @pytest.mark.stores("a race")
    def test_of_two_uses_at_once_one_wins(self, post: Post) -> None:
        post.verified()
        link = post.ask_recovery()
        words = [f"{word} walruses of the sea" for word in ("nine", "ten", "eleven", "twelve")]
        browsers = [post.site.browser() for _ in words]
        barrier, codes = threading.Barrier(len(words)), list[int]()

        def use(browser: Browser, password: str) -> None:
            barrier.wait()
            codes.append(browser.post(link, password=password).status_code)

        threads = [threading.Thread(target=use, args=pair) for pair in zip(browsers, words, strict=True)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert sorted(codes) == [303, 409, 409, 409]
        assert sum(post.site.browser().sign_in(password=word).status_code == 303 for word in words) == 1

    def test_a_password_that_is_refused_does_not_spend_the_link(self, post: Post) -> None:
        post.verified()
        link = post.ask_recovery()
        page = post.site.browser().post(link, password="short")
        assert page.status_code == 422
        assert "Use 8 to 128 characters" in page.text
        assert post.site.browser().post(link, password=NEW).status_code == 303

    def test_a_thief_who_changes_the_password_meanwhile_does_not_make_the_link_worthless(self, post: Post) -> None:
        ada = post.verified()
        thief = post.site.thief(ada.pocket())
        link = post.ask_recovery()
        assert thief.post("/account/password", current=PASSWORD, password="the words of a thief").status_code == 303
        assert thief.is_signed_in()
        assert post.site.browser().post(link, password=NEW).status_code == 303
        assert not thief.is_signed_in()
        assert thief.sign_in(password="the words of a thief").status_code == 422
        assert post.site.browser().sign_in(password=NEW).status_code == 303

    def test_after_a_recovery_no_other_link_of_before_is_good(self, post: Post) -> None:
        post.verified()
        first, second = post.ask_recovery(), post.ask_recovery()
        assert post.site.browser().post(second, password=NEW).status_code == 303
        assert post.site.browser().get(first).status_code == 404
        assert post.site.browser().post(first, password="eleven loud walruses").status_code == 409
        assert post.site.browser().post(second, password="eleven loud walruses").status_code == 409

    def test_the_link_is_dead_once_the_address_has_changed(self, post: Post) -> None:
        ada = post.verified()
        link = post.ask_recovery()
        change_address(ada, "ada@new.example")
        ada.post(post.newest().link)
        ada.post(post.newest("ada@new.example").link)
        assert is_verified(post, "ada@new.example")
        assert post.site.browser().get(link).status_code == 404
        assert post.site.browser().post(link, password=NEW).status_code == 409

    def test_the_link_of_a_closed_account_is_dead(self, post: Post) -> None:
        post.verified()
        link = post.ask_recovery()
        post.site.run("users", "disable", "ada@example.org")
        assert post.site.browser().post(link, password=NEW).status_code == 409
        post.site.browser().post("/recover", email="ada@example.org")
        assert len([one for one in post.letters() if "Choose" in one.message["Subject"]]) == 1

    @pytest.mark.parametrize("header", ["Host", "X-Forwarded-Host", "Forwarded"])
    def test_no_header_of_the_request_gets_into_the_link(self, post: Post, header: str) -> None:
        post.verified()
        value = "host=evil.example" if header == "Forwarded" else "evil.example"
        post.site.browser().post("/recover", {header: value, "Origin": "http://evil.example"}, email="ada@example.org")
        post.site.browser().post("/recover", {header: value}, email="ada@example.org")
        assert all("evil.example" not in letter.text + letter.html for letter in post.letters())

    def test_the_answer_and_the_work_are_the_same_for_every_address(
        self, post: Post, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        post.verified()
        post.site.member("eve@example.org")
        post.site.member("bob@example.org")
        post.site.run("users", "disable", "bob@example.org")
        post.site.deliver()
        hashed = list[str]()
        monkeypatch.setattr(passwords, "hash", lambda one: hashed.append(one))
        seen = {email: self.work(post, email) for email in ("ada", "eve", "bob", "nobody")}
        assert len({str(one) for one in seen.values()}) == 1, seen
        assert not hashed

    @staticmethod
    def work(post: Post, name: str) -> tuple[object, ...]:
        """What a visitor sees, and which statements ran."""
        statements = list[str]()

        def note(*args: object) -> None:
            statements.append(str(args[2]))

        with post.site.app.app_context():
            engine = db.engine
        event.listen(engine, "before_cursor_execute", note)
        visitor = post.site.browser()
        answer = visitor.post("/recover", email=f"{name}@example.org")
        event.remove(engine, "before_cursor_execute", note)
        return answer.status_code, answer.headers["Location"], answer.headers.getlist("Set-Cookie"), statements

    def test_only_a_limited_number_of_mails_is_sent(self, post: Post) -> None:
        post.verified()
        asked = [post.site.browser().post("/recover", email="ada@example.org").status_code for _ in range(4)]
        assert asked == [303, 303, 303, 429]
        unknown = [post.site.browser().post("/recover", email="Nobody@EXAMPLE.org").status_code for _ in range(4)]
        assert unknown == asked
        assert len([one for one in post.letters() if "Choose" in one.message["Subject"]]) == 3
        post.site.wait(60 * MINUTE)
        assert post.site.browser().post("/recover", email="ada@example.org").status_code == 303

    def test_asking_elsewhere_keeps_no_owner_at_home_from_asking(self, post: Post) -> None:
        """The account knows the place where its owner signed up."""
        post.verified()
        elsewhere = [
            post.site.browser(address=f"203.0.113.{number}").post("/recover", email="ada@example.org").status_code
            for number in range(4)
        ]
        assert elsewhere == [303, 303, 303, 429]
        at_home = [post.site.browser().post("/recover", email="ada@example.org").status_code for _ in range(4)]
        assert at_home == elsewhere
        assert len([one for one in post.letters() if "Choose" in one.message["Subject"]]) == 6


def change_address(browser: Browser, new: str) -> None:
    answer = browser.post("/account/email", email=new)
    assert answer.headers["Location"].startswith("/confirm?action=address:")
    answer = browser.post("/confirm", password=PASSWORD, action=f"address:{new}")
    assert answer.status_code == 303


class TestChangeOfAddress:
    @pytest.mark.stores("an act that writes")
    def test_a_verified_address_changes_once_both_have_agreed_in_either_order(self, post: Post) -> None:
        for number, order in enumerate((("old", "new"), ("new", "old"))):
            old, new = f"ada-{number}@example.org", f"ada-{number}@new.example"
            ada = post.verified(old)
            change_address(ada, new)
            links = {"old": post.newest(old).link, "new": post.newest(new).link}
            ada.post(links[order[0]])
            assert is_verified(post, old), "one alone changes nothing"
            page = ada.get(ada.post(links[order[1]]).headers["Location"]).text
            assert "Both addresses agreed" in page
            assert is_verified(post, new)
            assert post.newest(old).message["Subject"] == "Your address has changed"
            assert post.site.browser().sign_in(new).status_code == 303

    def test_an_unverified_address_changes_by_the_new_one_alone(self, post: Post) -> None:
        ada = post.site.member("ada@exmaple.org")
        typo = post.newest("ada@exmaple.org").link
        change_address(ada, "ada@example.org")
        assert len(post.letters("ada@exmaple.org")) == 1, "a stranger is told nothing"
        assert post.site.browser().post(typo).status_code == 409
        ada.post(post.newest().link)
        assert is_verified(post)
        assert post.site.query("SELECT count(*) FROM users") == [(1,)]

    def test_a_thief_with_the_cookies_alone_changes_nothing(self, post: Post) -> None:
        ada = post.site.member()
        thief = post.site.thief(ada.pocket())
        thief.post("/account/email", email="eve@example.org")
        assert thief.post("/confirm", password="wrong", action="address:eve@example.org").status_code == 422
        assert not post.letters("eve@example.org")

    def test_a_newer_change_makes_the_links_of_an_older_one_worthless(self, post: Post) -> None:
        ada = post.verified()
        change_address(ada, "one@new.example")
        old = post.newest().link
        change_address(ada, "two@new.example")
        assert ada.post(old).status_code == 409
        ada.post(post.newest("two@new.example").link)
        assert ada.post(post.newest("one@new.example").link).status_code == 409
        assert is_verified(post)

    def test_an_address_that_another_account_has_verified_stays_there(self, post: Post) -> None:
        post.verified("bob@example.org")
        ada = post.site.member()
        change_address(ada, "bob@example.org")
        answer = ada.post(post.newest("bob@example.org").link)
        assert answer.status_code == 409
        assert "Another account has this address" in answer.text
        assert not is_verified(post)

    @pytest.mark.parametrize(
        "rest", ["", "nobody", "a@b", "x" * 300 + "@example.org", "ada@example.org\nBcc: e@f.example"]
    )
    def test_what_is_no_address_is_not_asked_for(self, post: Post, rest: str) -> None:
        ada = post.site.member()
        assert ada.post("/confirm", password=PASSWORD, action=f"address:{rest}").status_code == 400

    def test_nor_does_one_account_send_mail_without_end(self, post: Post) -> None:
        ada = post.site.member()
        asked = [ada.post("/account/email/verify").status_code for _ in range(11)]
        assert asked == [303] * 10 + [429]


class TestSquatting:
    """A stranger makes an account with an address that is another's."""

    def claimed(self, post: Post) -> tuple[Browser, Browser]:
        """Mallory, who held Ada's address unverified, and Ada, who has proved it by then."""
        mallory = post.site.member(label="Safari on macOS")
        post.letters()
        ada = post.site.browser()
        assert "has an account already" in ada.sign_up(password=NEW).text
        ada.post("/recover", email="ada@example.org")
        assert ada.post(post.newest().link, name="Ada", password=NEW).status_code == 303
        return mallory, ada

    def test_the_user_who_proves_an_address_gets_it_and_nothing_of_the_other_account(self, post: Post) -> None:
        mallory, ada = self.claimed(post)
        assert ada.is_signed_in()
        assert not mallory.is_signed_in()
        assert post.site.browser().sign_in(password=NEW).status_code == 303
        assert is_verified(post)
        assert len([one for one in ada.sessions() if not one["ended_at"]]) == 2

    def test_the_other_one_signs_in_as_before_and_is_told_and_gives_another_address(self, post: Post) -> None:
        mallory, _ = self.claimed(post)
        assert "another person proved that the address of this account is theirs" in mallory.get("/sign-in").text
        mallory.sign_in()
        for path in ("/", "/account", "/devices"):
            assert "This account has lost its address" in mallory.get(path).text
        change_address(mallory, "mallory@example.org")
        mallory.post(post.newest("mallory@example.org").link)
        assert "This account has lost its address" not in mallory.get("/account").text
        assert post.site.browser().sign_in("mallory@example.org").status_code == 303
        assert post.site.browser().sign_in().status_code == 422, "not by Ada's address any more"

    def test_apps_of_the_other_account_get_no_address(self, post: Post) -> None:
        mallory, _ = self.claimed(post)
        mallory.sign_in()
        access = Flow(register_app(post.site, "Mail"), scope="openid email").connect(mallory)["access_token"]
        bearer = {"Authorization": f"Bearer {access}"}
        said = mallory.client.get("/oauth/userinfo", base_url=SITE_URL, headers=bearer).get_json()
        assert said.keys() == {"sub"}

    def test_an_older_link_to_the_address_gives_the_other_account_nothing(self, post: Post) -> None:
        mallory = post.site.member(label="Safari on macOS")
        first = post.newest().link
        ada = post.site.browser()
        ada.post("/recover", email="ada@example.org")
        ada.post(post.newest().link, name="Ada", password=NEW)
        assert mallory.post(first).status_code == 409

    @pytest.mark.stores("a unique index")
    def test_a_change_to_an_address_that_is_held_unverified_takes_it(self, post: Post) -> None:
        mallory = post.site.member(label="Safari on macOS")
        ada = post.verified("ada@old.example")
        change_address(ada, "ada@example.org")
        ada.post(post.newest("ada@old.example").link)
        ada.post(post.newest().link)
        assert ada.is_signed_in()
        assert not mallory.is_signed_in()
        assert is_verified(post)

    def test_once_it_is_verified_the_address_is_claimed_no_more(self, post: Post) -> None:
        ada = post.site.member()
        verify = post.newest().link
        post.site.browser().post("/recover", email="ada@example.org")
        claim = post.newest().link
        ada.post(verify)
        assert post.site.browser().post(claim, name="Eve", password=NEW).status_code == 409
        assert ada.is_signed_in()


def test_a_name_is_changed(post: Post) -> None:
    ada = post.site.member()
    assert ada.post("/account/name", name="").status_code == 422
    ada.post("/account/name", name="Ada Lovelace")
    assert "Ada Lovelace" in ada.get("/account").text
    assert "The name was changed" in ada.get("/activity").text


def test_the_table_of_links_in_the_docs_has_the_lives_of_the_code() -> None:
    text = Path("docs/security.md").read_text("utf-8").partition("## Links in mails")[2].partition("\n## ")[0]
    units = {"minutes": 60, "day": 86400, "days": 86400}
    found = dict[str, int]()
    for line in re.findall(r"^\| .+", text, re.MULTILINE)[1:]:
        what, life = line.split("|")[1:3]
        for purpose in re.findall(r"`(\w+)`", what):
            number, unit = life.split()
            found[purpose] = int(number) * units[unit]
    assert found == dict(LIVES)
