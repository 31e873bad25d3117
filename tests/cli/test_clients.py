"""Apps are registered by strict rules, and listed."""

import json

import pytest

from tests.browsers import Site
from tests.cli.conftest import add, refuses
from tests.oauth.conftest import App
from tests.oauth.flow import Flow


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
    assert add(site, "--public")["client_secret"] is None
    assert "secret" not in site.run("clients", "add", "Page", "--public").output


def test_a_secret_that_has_leaked_is_renewed_and_nobody_is_signed_out(site: Site) -> None:
    found = add(site, "--redirect-uri", "https://app.example/callback")
    old = App(site, found["client_id"], found["client_secret"])
    ada = site.member()
    tokens = Flow(old).connect(ada)
    shown = json.loads(site.run("clients", "renew", old.id, "--json").output)
    new = App(site, shown["client_id"], shown["client_secret"])
    assert old.refresh(tokens["refresh_token"]).status_code == 401
    assert new.refresh(tokens["refresh_token"]).status_code == 200
    public = add(site, "--public")["client_id"]
    for words in (("renew", public), ("renew", "nobody")):
        assert site.run("clients", *words).exit_code == 1


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
