"""The receipt and the activity page show what ended with a session, which apps were told, and how that stands now."""

import re

import pytest
from sqlalchemy import update

from app.oauth.clients import Client
from app.store.db import db, writing
from tests.browsers import Browser, Site, words
from tests.oauth.logout.conftest import Party, ada, mail, notes

pytestmark = pytest.mark.page
__all__ = ["ada", "mail", "notes"]  # the fixtures


def seen(browser: Browser, path: str = "/signed-out") -> str:
    """The words of a page, as one line."""
    return words(browser.get(path).text)


def test_the_receipt_cuts_the_apps_at_the_same_moment_as_the_session(ada: Browser, mail: Party, notes: Party) -> None:
    mail.connect(ada)
    notes.connect(ada)
    ada.sign_out()
    page = ada.get("/signed-out").text
    told = re.search(r'aria-label="(Ended, all at the same moment: [^"]+)"', page)
    assert told
    assert "Mail, " in told[1]
    assert "Notes, " in told[1]


def test_it_names_only_the_apps_of_that_browser(site: Site, ada: Browser, mail: Party, notes: Party) -> None:
    phone = site.browser("Chrome on Android")
    phone.sign_in()
    mail.connect(ada)
    notes.connect(phone)
    ada.sign_out()
    assert "Mail" in seen(ada)
    assert "Notes" not in seen(ada)


def test_it_shows_the_state_as_found_when_looked_at(site: Site, ada: Browser, mail: Party, notes: Party) -> None:
    mail.connect(ada)
    notes.connect(ada)
    notes.sink.status = 503
    ada.sign_out()
    assert seen(ada).count("not reached yet: the first try is under way") == 2
    site.deliver()
    assert re.search(r"Mail told: it answered after \d+ ms", seen(ada))
    assert "Notes not reached yet: HTTP 503, next try in 5 seconds" in seen(ada)
    site.wait(5)
    notes.sink.status = 200
    site.deliver()
    assert re.search(r"Notes told: it answered after \d+ ms, at the 2nd try", seen(ada))


def test_the_receipt_says_that_an_app_refused_the_message(ada: Browser, mail: Party) -> None:
    mail.connect(ada)
    mail.sink.status = 400
    ada.sign_out()
    mail.told()
    assert "Mail refused: HTTP 400 at the 1st try" in seen(ada)


def test_the_receipt_names_an_app_that_keeps_its_access(ada: Browser, mail: Party, notes: Party) -> None:
    mail.connect(ada, offline=True)
    notes.connect(ada)
    ada.sign_out()
    assert "Mail keeps its access, which you allowed to outlive this browser: see your devices" in seen(ada)
    assert "Notes keeps" not in seen(ada)
    label = re.search(r'aria-label="(Ended, [^"]+)"', ada.get("/signed-out").text)
    assert label
    assert "Mail" not in label[1], "it was not cut"


def test_after_signing_out_everywhere_everything_is_on_it(site: Site, ada: Browser, mail: Party, notes: Party) -> None:
    phone = site.browser("Chrome on Android")
    phone.sign_in()
    mail.connect(ada, offline=True)
    notes.connect(phone)
    ada.post("/devices/end-all")
    site.deliver()
    assert len(re.findall(r"(?:Mail|Notes) told: it answered", seen(ada))) == 2
    assert "keeps its access" not in seen(ada)


def test_without_apps_it_says_nothing_of_apps(ada: Browser) -> None:
    ada.sign_out()
    assert "Apps that are told" not in seen(ada)


def test_an_earlier_end_of_an_app_is_not_told_as_part_of_this_one(ada: Browser, mail: Party, notes: Party) -> None:
    early = mail.connect(ada)
    notes.connect(ada)
    ada.post(f"/devices/{early.sid}/end")
    mail.told()
    ada.sign_out()
    assert "Notes not reached yet" in seen(ada)
    assert "Mail" not in seen(ada)


def test_the_name_of_an_app_is_text_and_nothing_else(site: Site, ada: Browser, mail: Party) -> None:
    with_name(site, mail, "<b>Mail</b>")
    mail.connect(ada)
    ada.sign_out()
    assert "<b>Mail</b>" not in ada.get("/signed-out").text
    ada.sign_in()
    assert "<b>Mail</b>" not in ada.get("/activity").text


def with_name(site: Site, party: Party, name: str) -> None:
    with site.app.app_context(), writing():
        db.session.execute(update(Client).where(Client.id == party.app.id).values(name=name))


def test_the_activity_page_shows_each_delivery_among_the_events(
    site: Site, ada: Browser, mail: Party, notes: Party
) -> None:
    mail.connect(ada)
    notes.connect(ada)
    notes.sink.status = 500
    site.wait(60)
    ada.sign_out()
    site.deliver()
    site.wait(60)
    notes.sink.status = 400
    site.deliver()
    site.wait(60)
    ada.sign_in()
    lines = [
        "Signed in",
        "Notes could not be told that its session is over",
        "Mail was told that its session is over",
        "Signed out",
        "An app was connected",
    ]
    page = seen(ada, "/activity")
    places = [page.index(line) for line in lines]
    assert places == sorted(places)


def test_while_it_is_not_reached_the_activity_page_says_so(site: Site, ada: Browser, mail: Party) -> None:
    mail.connect(ada)
    mail.sink.down()
    ada.sign_out()
    site.deliver()
    ada.sign_in()
    page = seen(ada, "/activity")
    assert "Mail is being told that its session is over no connection, next try in 5 seconds" in page
    mail.sink.up()


def test_another_user_sees_none_of_it(site: Site, ada: Browser, mail: Party) -> None:
    mail.connect(ada)
    ada.sign_out()
    site.deliver()
    bob = site.member("bob@example.org")
    assert "Mail" not in seen(bob, "/activity")
    bob.sign_out()
    assert "Mail" not in seen(bob)
