"""Apps are registered by strict rules, listed, and removed with all that people allowed them."""

import json
from typing import Any

import pytest
from sqlalchemy import text

from app.cli import removal
from app.db import db, writing
from tests.browsers import Browser, Site
from tests.oauth.conftest import App, alive


def add(site: Site, *more: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(site.run("clients", "add", "Photos", *more, "--json").output)
    return found


def app(site: Site, *more: str) -> App:
    """Register an app as the operator does."""
    found = add(site, *more)
    return App(site, found["client_id"], found.get("client_secret"))


def refuses(site: Site, *words: str) -> None:
    """The command refuses these in one line, and registers nothing."""
    done = site.run("clients", "add", "Photos", *words)
    assert done.exit_code == 1
    assert done.output.startswith("Error: ")
    assert len([*filter(None, done.output.split("\n"))]) == 1
    assert json.loads(site.run("clients", "list", "--json").output) == []


def test_an_app_is_given_an_id_and_a_secret_that_is_kept_only_as_a_hash(site: Site) -> None:
    found = add(site, "--redirect-uri", "https://photos.example/back")
    assert set(found) == {"client_id", "client_secret"}
    photos = App(site, found["client_id"], found["client_secret"])
    assert photos.revoke("no token").status_code == 200
    assert App(site, found["client_id"], "guessed").revoke("no token").status_code == 401
    assert found["client_secret"] not in str(site.query("SELECT * FROM clients"))
    assert found["client_secret"] not in site.run("clients", "list", "--json").output


def test_without_json_it_is_said_in_lines(site: Site) -> None:
    lines = site.run("clients", "add", "Photos").output.splitlines()
    assert [line.partition(":")[0] for line in lines] == ["client id", "client secret"]


def test_a_public_app_has_no_secret(site: Site) -> None:
    assert set(add(site, "--public")) == {"client_id"}


def test_apps_are_listed_with_all_that_they_were_registered_with(site: Site) -> None:
    assert site.run("clients", "list").output == "No app is registered yet.\n"
    add(
        site,
        "--redirect-uri", "https://photos.example/back",
        "--redirect-uri", "http://127.0.0.1/back",
        "--post-logout-redirect-uri", "https://photos.example/",
        "--backchannel-logout-uri", "https://photos.example/out",
        "--public",
    )  # fmt: skip
    [listed] = json.loads(site.run("clients", "list", "--json").output)
    del listed["client_id"]
    assert listed == {
        "name": "Photos",
        "kind": "public",
        "scope": "openid profile email offline_access",
        "redirect_uris": ["https://photos.example/back", "http://127.0.0.1/back"],
        "post_logout_redirect_uris": ["https://photos.example/"],
        "backchannel_logout_uri": "https://photos.example/out",
    }
    assert "redirect uris: https://photos.example/back http://127.0.0.1/back" in site.run("clients", "list").output


GOOD = [
    "https://photos.example/back?to=1",
    "http://localhost:3000/back",
    "http://127.0.0.1/back",
    "http://127.4.5.6:81/back",
    "http://[::1]:8080/back",
    "com.example.photos:/back",
]
BAD = [
    "http://photos.example/back",
    "http://10.0.0.1/back",
    "http://localhost.photos.example/back",
    "http://127.0.0.1.photos.example/back",
    "http://127.1/back",
    "https://photos.example/back#here",
    "https://photos.example/back#",
    "https://photos.example/a b",
    "https://photos.example/back\nhttps://thief.example/",
    "https://photos.example\\@thief.example/",
    "https://ada@photos.example/back",
    "https://:@photos.example/back",
    "https://photos.example:port/back",
    "https://[::1/back",
    "https://*.photos.example/back",
    "https://bücher.example/back",
    "https:///back",
    "https:back",
    "/back",
    "photos.example/back",
    "",
    "javascript:alert(1)",
    "JavaScript://photos.example/%0aalert(1)",
    "data:text/html,x",
    "file:///etc/passwd",
    "photos:/back",
    "https://photos.example/" + "a" * 2000,
]


@pytest.mark.page
@pytest.mark.parametrize("option", ["--redirect-uri", "--post-logout-redirect-uri"])
def test_aut_09_people_are_sent_back_over_https_or_within_their_machine(site: Site, option: str) -> None:
    for uri in GOOD:
        assert "client_id" in add(site, option, uri)


@pytest.mark.page
@pytest.mark.parametrize("option", ["--redirect-uri", "--post-logout-redirect-uri"])
@pytest.mark.parametrize("uri", BAD)
def test_aut_09_any_other_address_is_refused_in_one_line(site: Site, option: str, uri: str) -> None:
    refuses(site, option, uri)


@pytest.mark.page
@pytest.mark.parametrize(
    "words",
    [
        ("--scope", "openid everything"),
        ("--scope", ""),
        ("--scope", "introspect", "--public"),
        ("--backchannel-logout-uri", "http://photos.example/out"),
        ("--backchannel-logout-uri", "http://photos.example/out", "--allow-private"),
        ("--backchannel-logout-uri", "com.example.photos:/out"),
        ("--backchannel-logout-uri", "https://photos.example/out#here"),
        ("--backchannel-logout-uri", "https://ada@photos.example/out"),
        ("--backchannel-logout-uri", "https:///out"),
    ],
)
def test_what_makes_no_sense_is_refused_in_one_line(site: Site, words: tuple[str, ...]) -> None:
    refuses(site, *words)


@pytest.mark.page
@pytest.mark.parametrize("name", ["", "  ", "two\nlines", "\u202esotohP", "x" * 81])
def test_a_name_that_could_deceive_on_the_consent_page_is_refused(site: Site, name: str) -> None:
    assert site.run("clients", "add", name).exit_code == 1
    assert json.loads(site.run("clients", "list", "--json").output) == []


def test_a_resource_server_may_introspect(site: Site) -> None:
    add(site, "--scope", "introspect")
    assert site.query("SELECT scope FROM clients") == [("introspect",)]


@pytest.mark.page
@pytest.mark.parametrize(
    ("words", "private"),
    [
        (("--backchannel-logout-uri", "http://localhost:9000/out"), True),
        (("--backchannel-logout-uri", "http://127.0.0.2:9000/out"), True),
        (("--backchannel-logout-uri", "http://[::1]:9000/out"), True),
        (("--backchannel-logout-uri", "http://10.1.2.3/out"), True),
        (("--backchannel-logout-uri", "https://192.168.1.4/out"), True),
        (("--backchannel-logout-uri", "https://[fe80::1]/out"), True),
        (("--backchannel-logout-uri", "https://169.254.7.7/out"), True),
        (("--backchannel-logout-uri", "https://photos.internal/out", "--allow-private"), True),
        (("--backchannel-logout-uri", "https://photos.internal/out"), False),
        (("--backchannel-logout-uri", "https://8.8.8.8/out"), False),
        (("--redirect-uri", "http://localhost/back"), False),
    ],
)
def test_logout_messages_go_to_a_private_network_only_where_the_operator_names_it(
    site: Site, words: tuple[str, ...], private: bool
) -> None:
    add(site, *words)
    [(found,)] = site.query("SELECT may_be_private FROM clients")
    assert bool(found) is private


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


def test_each_of_its_sessions_has_an_entry_of_its_own_and_consents_and_codes_are_forgotten(
    site: Site, ada: Browser
) -> None:
    photos = app(site)
    photos.grant()
    photos.grant()
    with site.app.app_context(), writing():
        db.session.execute(text("INSERT INTO consents VALUES ('ada', :app, 'openid', 1)"), {"app": photos.id})
    site.run("clients", "remove", photos.id)
    entries = site.query("SELECT scope, actor FROM log_entries WHERE reason = 'app_removed'")
    assert entries == [("session", None)] * 2
    assert site.query("SELECT * FROM consents") == site.query("SELECT * FROM clients") == []


def test_what_an_app_was_given_while_it_was_being_removed_is_ended_too(site: Site, ada: Browser) -> None:
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


def test_an_app_that_is_not_there_cannot_be_removed(site: Site) -> None:
    for client_id in ("nobody", "signed-out"):
        done = site.run("clients", "remove", client_id)
        assert done.exit_code == 1
        assert "There is no app with this id" in done.output
