"""Mail is written with what it tells, sealed, brought once the server takes it, and erased then. No page waits for it."""

import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from app import config
from app.config import DAY, Misconfigured
from app.mail import smtp
from app.outbox.answer import PAUSES
from tests.browsers import PASSWORD, Browser, Site
from tests.mail.conftest import Post
from tests.mail.server import Postbox
from tests.server import Server

HOUR = 60 * 60


def test_a_sign_up_sends_one_mail_with_a_link_in_plain_text_and_in_html(post: Post) -> None:
    post.site.member()
    [letter] = post.letters()
    assert letter.message["From"] == "Signed Out <noreply@localhost>"
    assert letter.message["To"] == "ada@example.org"
    assert letter.message["Auto-Submitted"] == "auto-generated"
    assert f'<a href="http://localhost:8000{letter.link}">' in letter.html
    assert letter.text.startswith("Hello Ada,\n")


def test_reading_a_mail_fetches_nothing(post: Post) -> None:
    post.site.browser().sign_up(name='<img src="//evil.example/x">')
    [letter] = post.letters()
    assert not {"<img", "<link", "<script", "<style", "url(", "src="} & set(letter.html.split('"'))
    assert "&lt;img" in letter.html


@pytest.mark.stores("delivery")
def test_a_mail_is_sealed_while_it_waits_and_erased_once_it_is_delivered(post: Post) -> None:
    post.site.member()
    [(sealed,)] = post.site.query("SELECT sealed FROM mails")
    assert b"ada@example.org" not in bytes(sealed)
    token = post.newest().link.rpartition("/")[2]
    assert post.site.query("SELECT sealed, delivered_at IS NOT NULL FROM mails") == [(None, True)]
    [row] = post.site.query("SELECT * FROM links")
    assert token not in str(row)
    assert token.encode() not in b"".join(bytes(one) for one in row if isinstance(one, (bytes, memoryview)))


def test_while_the_server_is_down_for_an_hour_nothing_waits_and_the_one_link_arrives_and_is_good(post: Post) -> None:
    post.verified()
    came = len(post.box.letters)
    post.box.down()
    assert post.site.browser().post("/recover", email="ada@example.org").status_code == 303
    for pause in PAUSES:
        post.site.deliver()
        post.site.wait(pause)
    assert sum(PAUSES) > HOUR
    post.box.up()
    post.site.deliver()
    post.site.wait(DAY)
    post.site.deliver()
    [letter] = post.box.letters[came:]
    post.site.wait(-DAY)
    assert post.site.browser().post(letter.link, password="nine quiet walruses").status_code == 303
    assert post.site.browser().sign_in(password="nine quiet walruses").status_code == 303


def test_a_mail_that_was_taken_but_not_noted_comes_again_with_the_same_link_and_id(
    post: Post, monkeypatch: pytest.MonkeyPatch
) -> None:
    deliver = smtp._deliver

    def lose_the_answer(*args: object) -> None:
        deliver(*args)  # type: ignore[arg-type]
        raise OSError("the line was cut")

    post.site.member()
    with monkeypatch.context() as patch:
        patch.setattr(smtp, "_deliver", lose_the_answer)
        post.site.deliver()
    post.site.wait(PAUSES[0])
    first, second = post.letters()
    assert first.link == second.link
    assert first.message["Message-ID"] == second.message["Message-ID"]


@pytest.mark.stores("locks that are skipped")
def test_two_nodes_that_look_at_the_same_time_send_each_mail_once(
    post: Post, open_site: Callable[..., Site], postbox: Postbox
) -> None:
    other = open_site(SMTP_URL=postbox.url)
    for number in range(5):
        post.site.member(f"ada-{number}@example.org")
    first, second = post.site._postman, other._postman
    assert first
    assert second
    first._turn()
    second._turn()
    for postman in (first, second):
        postman.deliver_due()
    assert sorted(letter.to for letter in postbox.letters) == [f"ada-{number}@example.org" for number in range(5)]


@pytest.mark.stores("durability")
def test_a_mail_survives_a_restart(post: Post, open_site: Callable[..., Site], postbox: Postbox) -> None:
    post.site.member()
    restarted = open_site(SMTP_URL=postbox.url)
    restarted.deliver()
    assert [letter.to for letter in postbox.letters] == ["ada@example.org"]


@pytest.mark.stores("a transaction")
def test_if_what_it_tells_is_not_committed_there_is_no_mail(post: Post, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.web.sign_in.begin", lambda *_, **__: 1 / 0)
    post.site.browser().sign_up()
    assert post.site.query("SELECT count(*) FROM mails") == [(0,)]


def test_a_lasting_refusal_of_the_mail_gives_it_up_and_the_operator_reads_why(
    post: Post, caplog: pytest.LogCaptureFixture
) -> None:
    post.site.member()
    post.box.answer = "550 no such mailbox"
    post.site.deliver()
    assert post.site.query("SELECT given_up_at IS NOT NULL, sealed, answer FROM mails") == [(True, None, "SMTP 550")]
    [line] = [json.loads(one) for one in caplog.messages if "mail_refused" in one]
    assert "ada@example.org" not in str(line)


def test_a_passing_refusal_is_tried_again(post: Post) -> None:
    post.site.member()
    post.box.answer = "451 later"
    post.site.deliver()
    post.box.answer = "250 taken"
    post.site.wait(PAUSES[0])
    assert len(post.letters()) == 1


@pytest.mark.parametrize(
    "address",
    [
        "ada@example.org\r\nBcc: eve@example.org",
        "ada@example.org\nBcc: eve@example.org",
        "ada@example.org, eve@example.org",
    ],
)
def test_no_header_can_be_slipped_in_by_an_address(post: Post, address: str) -> None:
    with post.site.app.app_context():
        with pytest.raises(Exception, match=r".+"):
            smtp.compose(config.settings(), "id", 0, {"to": address, "subject": "s", "text": "t", "html": "h"})
        answer = smtp.send(config.settings(), "id", 0, {"to": address, "subject": "s", "text": "t", "html": "h"})
    assert answer.outcome == "refused"
    assert not post.box.letters


@pytest.mark.parametrize("name", ["Ada\r\nBcc: eve@example.org", "Ada\u2028Bcc: eve@example.org", "Ada\x0bBcc: eve"])
def test_no_header_can_be_slipped_in_by_a_name(post: Post, name: str) -> None:
    post.site.browser().sign_up(name=name)
    assert all(letter.message["Bcc"] is None for letter in post.letters())
    assert {letter.to for letter in post.box.letters} <= {"ada@example.org"}


def test_the_operator_lists_and_reads_what_waits(post: Post) -> None:
    post.site.member()
    listed = post.site.run("mail", "list").output
    assert "ada@example.org  the first attempt is due" in listed
    shown = post.site.run("mail", "show", listed.split()[0]).output
    assert shown.startswith("To: ada@example.org\nSubject: Verify your address\n")
    assert post.newest().link in shown
    assert post.site.run("mail", "list").output == ""
    assert "delivered and erased" in post.site.run("mail", "show", listed.split()[0]).output


def test_an_id_that_begins_with_a_hyphen_is_no_option(post: Post) -> None:
    assert "There is no such mail" in post.site.run("mail", "show", "-e1Hk_2x").output


def test_the_operator_has_waiting_mail_tried_at_once(post: Post) -> None:
    post.site.member()
    post.box.down()
    post.site.deliver()
    assert "no connection, next attempt" in post.site.run("mail", "list").output
    post.box.up()
    assert post.site.run("mail", "retry").output == "1 mails are due now.\n"
    assert len(post.letters()) == 1


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("SMTP_URL", "localhost:25"),
        ("SMTP_URL", "http://localhost"),
        ("SMTP_URL", "smtp://"),
        ("SMTP_URL", "smtp://localhost:port"),
        ("SMTP_URL", "smtp://localhost/path"),
        ("MAIL_FROM", "nobody"),
        ("MAIL_FROM", "a@b.example\r\nBcc: eve@example.org"),
    ],
)
def test_a_mail_setting_that_makes_no_sense_stops_the_start(tmp_path: Path, name: str, value: str) -> None:
    with pytest.raises(Misconfigured, match=name):
        config.load({"INSTANCE_PATH": str(tmp_path / "instance"), name: value})


def test_to_another_machine_a_mail_goes_over_tls_alone(
    post: Post, open_site: Callable[..., Site], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A server elsewhere that offers no encryption gets no link in the clear."""
    monkeypatch.setattr(smtp, "is_loopback", lambda _url: False)
    post.site.member()
    post.site.deliver()
    assert not post.box.letters
    assert "encryption" in post.site.run("mail", "list").output


class TestWithoutAMailServer:
    def test_the_browser_that_made_the_account_reads_its_mail_and_no_other_does(self, site: Site) -> None:
        ada = site.member()
        assert "Verify your address" in ada.get("/mail").text
        ada.sign_out()
        assert "Verify your address" in ada.get("/mail").text, "a user who recovers an account is not signed in"
        phone = site.browser("Chrome on Android")
        phone.sign_in()
        assert "No mail for this browser" in phone.get("/mail").text
        assert "No mail for this browser" in site.thief(ada.pocket()).get("/mail").text

    @pytest.mark.stores("SQL of that page")
    def test_an_attendee_who_asks_for_anothers_recovery_finds_nothing_there(self, site: Site) -> None:
        ada, eve = site.member(), site.member("eve@example.org", "Chrome on Android")
        verify(ada)
        eve.post("/recover", email="ada@example.org")
        assert "Choose a new password" not in eve.get("/mail").text
        assert "Choose a new password" in ada.get("/mail").text

    def test_an_attendee_takes_no_address_that_another_holds(self, site: Site) -> None:
        """Eve reads the link that was to prove Ada's address in her own browser."""
        ada, eve = site.member(), site.member("eve@example.org", "Chrome on Android")
        site.wait(1)
        eve.post("/confirm", password=PASSWORD, action="address:ada@example.org")
        [path] = re.findall(r'href="http://localhost:8000(/links/[^"]+)"', eve.get("/mail").text)[:1]
        assert "Another account has this address" in eve.post(path).text
        assert ada.is_signed_in()
        assert site.browser().sign_in().status_code == 303
        ada.post("/recover", email="ada@example.org")
        assert "Start an account" not in ada.get("/mail").text

    def test_an_administrators_mail_is_shown_in_no_browser(self, site: Site) -> None:
        root = site.member()
        verify(root)
        site.run("users", "admin", "ada@example.org")
        site.wait(1)
        root.post("/recover", email="ada@example.org")
        assert "No mail for this browser" in root.get("/mail").text
        assert "Choose a new password" in site.run("mail", "show", site.run("mail", "list").output.split()[0]).output

    def test_the_cookie_is_http_only_stored_as_a_hash_and_signs_no_user_in(self, site: Site) -> None:
        ada = site.browser()
        answer = ada.sign_up()
        [line] = [one for one in answer.headers.getlist("Set-Cookie") if "-mail=" in one]
        assert "HttpOnly" in line
        value = ada.cookie("__Host-Http-mail")
        assert value
        assert value not in str(site.query("SELECT * FROM users"))
        other = site.browser()
        other.client.set_cookie("__Host-Http-mail", value)
        assert not other.is_signed_in()

    def test_a_browser_that_makes_two_accounts_reads_the_mail_of_both(self, site: Site) -> None:
        browser = site.member()
        browser.sign_up("bob@example.org")
        page = browser.get("/mail").text
        assert "to ada@example.org" in page
        assert "to bob@example.org" in page

    def test_mail_of_this_time_is_never_sent_later(
        self, site: Site, open_site: Callable[..., Site], postbox: Postbox
    ) -> None:
        site.member()
        open_site(SMTP_URL=postbox.url).deliver()
        assert not postbox.letters

    def test_where_mail_is_sent_there_is_no_such_page_and_no_cookie(self, post: Post) -> None:
        ada = post.site.member()
        assert ada.cookie("__Host-Http-mail") is None
        assert ada.get("/mail").status_code == 404


def verify(browser: Browser) -> None:
    page = browser.get("/mail").text
    [path] = re.findall(r'href="http://localhost:8000(/links/[^"]+)"', page)[:1]
    assert browser.post(path).status_code == 303


@pytest.mark.server
def test_a_server_brings_mail_by_itself_also_after_a_restart_while_the_mail_server_was_down(
    instance: Path, postbox: Postbox
) -> None:
    postbox.down()
    server = Server(instance, WORKERS="2", SMTP_URL=postbox.url)
    try:
        answer = server.ask("POST", "/sign-up", {}, email="ada@example.org", password=PASSWORD, name="Ada")
        assert answer[0] == 303, "no page waits for the mail server"
        server.stop()
        server.wait(PAUSES[0])
        postbox.up()
        server.start()
        assert postbox.wait().to == "ada@example.org"
    finally:
        server.stop()
    assert len(postbox.letters) == 1
