"""An app that is removed holds nothing any more."""

from typing import Any

import pytest
from sqlalchemy import text

from app.cli import removal
from app.store.db import db, held, writing
from tests.browsers import Browser, Site
from tests.cli.conftest import app
from tests.oauth.conftest import alive


def test_an_app_that_is_removed_holds_nothing_any_more(site: Site, other_node: Site, ada: Browser) -> None:
    photos, notes = app(site), app(site)
    bob = site.member("bob@example.org")
    access, refresh = photos.grant()
    other_access, other_refresh = notes.grant()
    assert other_node.browser().api(access).status_code == 200
    said = site.run("clients", "remove", photos.id).output
    assert said == "Photos is removed; 1 session of it ended.\n"
    assert not alive(photos, access)
    assert other_node.browser().api(access).status_code == 401
    assert photos.refresh(refresh).status_code == 401
    assert alive(notes, other_access)
    assert notes.refresh(other_refresh).status_code == 200
    assert ada.is_signed_in()
    assert bob.is_signed_in()
    assert "An app was removed from this site" in ada.get("/activity").text
    assert "An app was removed from this site" not in bob.get("/activity").text


def test_each_of_its_sessions_has_an_entry_and_consents_and_codes_are_forgotten(site: Site, ada: Browser) -> None:
    photos = app(site)
    photos.grant()
    photos.grant()
    with site.app.app_context(), writing():
        db.session.execute(text("INSERT INTO consents VALUES ('ada', :app, 'openid', 1)"), {"app": photos.id})
    site.run("clients", "remove", photos.id)
    entries = site.query("SELECT scope, actor FROM log_entries WHERE reason = 'app_removed'")
    assert entries == [("session", None)] * 2
    assert site.query("SELECT * FROM consents") == site.query("SELECT * FROM clients") == []


@pytest.mark.stores("a race")
def test_tokens_given_to_an_app_during_its_removal_are_ended_too(site: Site, ada: Browser) -> None:
    photos = app(site)
    late: list[str] = []
    genuine = removal.sessions.holders

    def holders(client_id: str) -> list[str]:
        found = genuine(client_id)
        if not late:
            late.append(photos.grant()[0])
        return found

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(removal.sessions, "holders", holders)
        assert "1 session of it ended" in site.run("clients", "remove", photos.id).output
    assert not alive(photos, late[0])


@pytest.mark.nodes
def test_it_has_the_time_of_a_command_to_look_through_all_sessions(site: Site, ada: Browser) -> None:
    photos = app(site)
    photos.grant()
    limits: list[tuple[str, float | None]] = []
    genuine = removal.sessions.holders

    def holders(client_id: str) -> list[str]:
        raw: Any = held().raw
        limits.append((raw.execute("SHOW statement_timeout").fetchone()[0], raw.patience))
        return genuine(client_id)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(removal.sessions, "holders", holders)
        assert "1 session of it ended" in site.run("clients", "remove", photos.id).output
    assert limits == [("10min", 600)] * 2


def test_an_app_that_is_not_there_cannot_be_removed(site: Site) -> None:
    for client_id in ("nobody", "signed-out"):
        done = site.run("clients", "remove", client_id)
        assert done.exit_code == 1
        assert "There is no app with this id" in done.output
