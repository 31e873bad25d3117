"""An administrator sees which tokens came back a second time, and which apps could not be told."""

import pytest
from sqlalchemy import text

from app.store.db import db, writing
from tests import backings, crowd, plans
from tests.browsers import ACCESS, REFRESH, Browser, Site
from tests.oauth.conftest import register_app
from tests.web.admin.conftest import person_id

pytestmark = pytest.mark.page


def test_the_page_says_that_there_is_nothing_to_look_into(root: Browser) -> None:
    said = root.get("/admin").text
    assert "None lately." in said
    assert "Every app has been told." in said


def test_a_token_that_was_used_again_is_listed_with_whose_it_was(
    site: Site, root: Browser, ada: Browser, page: str
) -> None:
    old = ada.pocket()
    for _ in range(2):
        ada.forget(ACCESS)
        assert ada.is_signed_in()
    site.wait(11)
    assert not site.thief(old, REFRESH).is_signed_in()
    said = root.get("/admin?q=nobody").text
    assert "An old refresh token was used again" in said
    assert f'href="{page}"' in said


@pytest.mark.stores("plans")
def test_tokens_that_were_used_again_are_found_without_a_look_at_other_events(site: Site, root: Browser) -> None:
    with backings.shell(site.folder) as raw:
        crowd.copy(raw, "activity", 10_000, "event = 'signed_up'", id="original.id + 100 + n")
        raw.execute("ANALYZE activity")
    with plans.noting(site, "SELECT activity") as asked:
        root.get("/admin?q=nobody")
    [(_, plan)] = plans.explain(site.folder, asked)
    assert "activity_of_reuse" in plan


def test_messages_that_did_not_arrive_are_listed_and_those_that_did_are_not(
    site: Site, root: Browser, ada: Browser
) -> None:
    photos = register_app(site, "Photos")
    undelivered(site, photos.id, person_id(site), attempts=1, answer="503")
    undelivered(site, "removed", "forgotten", attempts=9, answer=None, given_up_at=5)
    undelivered(site, photos.id, person_id(site), attempts=4, answer="200", delivered_at=5)
    undelivered(site, photos.id, person_id(site), attempts=0, answer=None)
    said = " ".join(root.get("/admin?q=nobody").text.split())
    assert "Photos does not know that a session of" in said
    assert "tried once, to be tried again: 503" in said
    assert "An app that was removed does not know that a session is over" in said
    assert "tried 9 times, given up" in said
    assert said.count("is over <small>") == 2


def undelivered(site: Site, client_id: str, user_id: str, **about: object) -> None:
    known = {"id": str(len(site.query("SELECT id FROM logout_messages"))), "client_id": client_id, "user_id": user_id}
    rest = {"session_id": "s", "entry": 1, "made_at": 1, "claimed_until": 0, "delivered_at": None, "given_up_at": None}
    rest |= {"uri": "https://photos.example/logout", "may_be_private": False}
    row = known | rest | about
    with site.app.app_context(), writing():
        names = ", ".join(row)
        values = ", ".join(f":{name}" for name in row)
        db.session.execute(text(f"INSERT INTO logout_messages ({names}) VALUES ({values})"), row)
