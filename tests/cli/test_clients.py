"""Apps are registered by strict rules, and listed."""

import json

import pytest

from app.oauth.clients import GRANTS
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
    lines = site.run("clients", "add", "Photos").stdout.splitlines()
    assert [line.partition(":")[0] for line in lines] == ["client id", "client secret"]


def test_a_public_app_has_no_secret(site: Site) -> None:
    assert add(site, "--public")["client_secret"] is None
    assert "secret" not in site.run("clients", "add", "Page", "--public").output


def test_a_secret_that_has_leaked_is_renewed_and_no_user_is_signed_out(site: Site) -> None:
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
        "scope": "openid",
        "grant_types": [*GRANTS],
        "token_endpoint_auth_method": "none",
        "keys": [],
        "require_pushed_authorization_requests": False,
        "dpop_bound_access_tokens": False,
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
        ("--scope", "openid offline_access", "--grant", "authorization_code"),
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


def test_a_resource_server_may_introspect_and_exchanges_nothing(site: Site) -> None:
    add(site, "--scope", "introspect")
    assert site.query("SELECT scope, grant_types FROM clients") == [("introspect", "")]


def test_an_app_may_ask_for_the_least_unless_the_operator_names_more(site: Site) -> None:
    add(site)
    add(site, "--scope", "openid email", "--grant", "authorization_code")
    found = site.query("SELECT scope, grant_types FROM clients ORDER BY scope")
    assert found == [("openid", " ".join(GRANTS)), ("openid email", "authorization_code")]


def test_the_operator_is_told_what_else_there_is(site: Site) -> None:
    said = "It may ask for openid and nothing else. There are also profile, email, offline_access, introspect: --scope."
    assert site.run("clients", "add", "Photos").stderr == f"{said}\n"
    assert site.run("clients", "add", "Photos", "--json").stderr == "", "a program may read both as one"
    assert site.run("clients", "add", "Photos", "--scope", "openid").stderr == ""


def test_what_an_app_may_do_is_changed_and_the_rest_stays(site: Site) -> None:
    app = add(site, "--redirect-uri", "https://photos.example/back")["client_id"]
    [before] = json.loads(site.run("clients", "list", "--json").output)
    assert site.run("clients", "change", app, "--grant", "authorization_code").exit_code == 0
    [after] = json.loads(site.run("clients", "list", "--json").output)
    assert after == before | {"grant_types": ["authorization_code"]}


def test_a_change_of_nothing_or_of_no_app_is_refused(site: Site) -> None:
    app = add(site)["client_id"]
    for words in ((app,), ("nobody", "--grant", "authorization_code")):
        assert site.run("clients", "change", *words).exit_code == 1, words


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
