"""The last mail to an address: its account was deleted. It is sent although the account is gone, and no trace of it stays."""

from collections.abc import Callable

import pytest

from app.config import DAY
from app.outbox.answer import PAUSES
from tests.browsers import PASSWORD, SITE_URL, Browser, Site, form
from tests.mail.conftest import Post
from tests.mail.server import Letter
from tests.web.own_data import delete, find

EMAIL, NAME = "ada@example.org", "Ada Lovelace"
SUBJECT = "Your account is deleted"


def ada(post: Post) -> Browser:
    browser = post.verified()
    browser.post("/account/name", name=NAME)
    post.letters()
    return browser


def farewells(post: Post) -> list[Letter]:
    return [letter for letter in post.letters() if letter.message["Subject"] == SUBJECT]


@pytest.mark.stores("what is deleted, and in which order")
def test_a_deletion_is_told_by_one_mail_without_a_link_and_then_nothing_names_the_person(post: Post) -> None:
    delete(ada(post))
    assert find(post.site, EMAIL, NAME) == set(), "it is sealed"
    assert post.site.query("SELECT user_id FROM mails") == [("",)]
    [letter] = farewells(post)
    assert f"Hello {NAME}," in letter.text
    assert SITE_URL in letter.text
    assert "If this wasn’t you" in letter.text
    assert "/links/" not in letter.text + letter.html
    assert post.site.query("SELECT sealed FROM mails") == [(None,)], "and erased once it is delivered"


def test_a_deletion_by_the_operator_is_told_too_even_of_a_closed_account(post: Post) -> None:
    ada(post)
    post.site.run("users", "disable", EMAIL)
    post.site.run("users", "delete", EMAIL, "--yes")
    assert len(farewells(post)) == 1


def test_it_waits_for_a_mail_server_that_is_down_and_comes_once(post: Post, open_site: Callable[..., Site]) -> None:
    browser = ada(post)
    post.box.down()
    assert delete(browser).location == "/signed-out"
    other = open_site(SMTP_URL=post.box.url)
    for pause in PAUSES:
        post.site.deliver()
        post.site.wait(pause)
    assert "-  no connection, next attempt" in post.site.run("mail", "list").output
    post.box.up()
    for site in (other, post.site):
        site.deliver()
    assert len(farewells(post)) == 1


def test_mail_that_cannot_be_delivered_for_a_day_is_given_up_and_erased(post: Post) -> None:
    browser = ada(post)
    post.box.down()
    delete(browser)
    for _ in range(40):
        post.site.deliver()
        post.site.wait(PAUSES[-1])
    post.box.up()
    assert not farewells(post)
    assert post.site.query("SELECT sealed, given_up_at IS NOT NULL FROM mails") == [(None, True)]


def test_the_next_holder_of_an_address_gets_none_of_the_mails_before(post: Post) -> None:
    browser = ada(post)
    post.box.down()
    browser.post("/account/password", current=PASSWORD, password="nine quiet walruses")
    delete(browser, "nine quiet walruses")
    post.box.up()
    post.site.wait(DAY // 2)
    came = len(post.box.letters)
    post.site.member()
    subjects = [letter.message["Subject"] for letter in post.letters()[came:]]
    assert sorted(subjects) == ["Verify your address", SUBJECT]


def test_an_address_that_was_never_proved_is_told_nothing(post: Post) -> None:
    browser = post.site.member()
    delete(browser)
    assert not farewells(post)


def test_a_deletion_that_does_not_happen_is_not_told(post: Post) -> None:
    browser = ada(post)
    post.site.run("users", "admin", EMAIL)
    browser.post("/confirm", **form(browser, "/confirm?action=delete", action="delete", password=PASSWORD))
    assert browser.is_signed_in()
    assert not farewells(post)


def test_no_farewell_is_written_where_no_mail_is_sent(site: Site) -> None:
    browser = site.member()
    [path] = [word for word in browser.get("/mail").text.split('"') if "/links/" in word][:1]
    browser.post(path.removeprefix(SITE_URL))
    delete(browser)
    assert site.query("SELECT * FROM mails") == []
