"""A setting that makes no sense stops the start with one line that names it and the mend."""

import shlex
from dataclasses import fields
from pathlib import Path

import pytest

from app import config, create_app
from app.config import Misconfigured
from tests import readme


def load(tmp_path: Path, **environ: str) -> config.Settings:
    return config.load({"INSTANCE_PATH": str(tmp_path / "instance"), **environ})


def test_without_any_setting_it_starts_on_localhost(tmp_path: Path) -> None:
    found = load(tmp_path)
    assert (found.site_url, found.port, found.workers) == ("http://localhost:8000", 8000, 2)


def test_the_readme_lists_every_setting_as_it_is_declared() -> None:
    assert f"<!-- settings -->\n{readme.table()}\n<!-- /settings -->" in readme.README.read_text(), (
        "run `make settings`"
    )
    assert [setting.name.lower() for setting in config.SETTINGS] == [each.name for each in fields(config.Settings)]


def test_flask_config_lists_what_the_site_reads_as_a_file_that_a_shell_can_read(tmp_path: Path) -> None:
    given = {"SITE_URL": "https://signed-out.example", "WORKSHOP": "1", "MAX_SESSIONS": "7"}
    given["RELYING_PARTIES"] = "http://127.0.0.2:8001 http://127.0.0.3:8002"
    listed = listing(tmp_path, **given)
    lines = [shlex.split(line, comments=True) for line in listed.splitlines()]
    environ = dict(line[0].split("=", 1) for line in lines if line)
    assert given.items() <= environ.items()
    assert load(tmp_path, **environ) == load(tmp_path, **given)


def test_flask_config_does_not_show_what_leads_to_a_secret(tmp_path: Path) -> None:
    environ = {"SECRET_KEY": "hidden" * 6, "SMTP_URL": "smtp://site:hidden@localhost"}
    environ["DATABASE_URL"] = f"sqlite:///{tmp_path}/hidden.db"
    listed = listing(tmp_path, **environ)
    assert "hidden" not in listed
    assert all(f"# {name}: given\n" in listed for name in environ)
    assert "# REDIS_URL: not given\n" in listed


def listing(tmp_path: Path, **environ: str) -> str:
    app = create_app({"INSTANCE_PATH": str(tmp_path / "instance"), **environ})
    return app.test_cli_runner().invoke(args=["config"], catch_exceptions=False).output


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("PORT", "http"),
        ("PORT", "0"),
        ("PORT", "70000"),
        ("WORKERS", "-1"),
        ("ACCESS_TOKEN_SECONDS", "5 minutes"),
        ("SITE_URL", "localhost"),
        ("SITE_URL", "http://localhost:8000/path"),
        ("SITE_URL", "http://signed-out.example"),
        ("SITE_URL", "ftp://localhost"),
        ("SITE_URL", "http://localhost:70000"),
        ("SITE_URL", "http://[localhost"),
        ("INSECURE_COOKIES", "yes"),
        ("TLS", "on"),
        ("BOUND_SECONDS", "60"),
        ("BOUND_SECONDS", "3601"),
        ("WORKSHOP", "yes"),
        ("LAB", "no"),
        ("MAX_SESSIONS", "0"),
        ("DATABASE_URL", "mysql://localhost/x"),
        ("DATABASE_URL", "postgresql://ada:hidden@[localhost/x"),
        ("SECRET_KEY", "hidden"),
        ("SMTP_URL", "smtp://ada:hidden@localhost:mail"),
        ("TRUSTED_PROXIES", "all"),
        ("SECOND_FACTOR", "on"),
        ("OAUTH_PROFILE", "fapi"),
        ("ON_NEW_NETWORK", "refuse"),
        ("ON_NEW_COUNTRY", "sign in"),
        ("ON_NEW_BROWSER", "Warn"),
        ("SECURITY_CONTACT", "security@example.org"),
        ("SOURCE_URL", "javascript:alert(1)"),
        ("SECURITY_CONTACT", "http://example.org/report"),
        ("SECURITY_CONTACT", "mailto:a@example.org\nContact: mailto:b@example.org"),
        ("RELYING_PARTIES", "127.0.0.2:8001"),
        ("RELYING_PARTIES", "http://127.0.0.2:8001 http://127.0.0.3:8002/path"),
        ("RELYING_PARTIES", "http://ada@127.0.0.2:8001"),
    ],
)
def test_a_value_that_does_not_fit_is_named_in_one_line(tmp_path: Path, name: str, value: str) -> None:
    with pytest.raises(Misconfigured) as stopped:
        load(tmp_path, **{name: value})
    message = str(stopped.value)
    assert message.startswith(name)
    assert "\n" not in message
    assert "hidden" not in message


def test_test_controls_are_refused_on_a_public_address(tmp_path: Path) -> None:
    with pytest.raises(Misconfigured, match=r"^TEST_CONTROLS"):
        load(tmp_path, SITE_URL="https://signed-out.example", TEST_CONTROLS="1")


@pytest.mark.parametrize(
    ("environ", "workshop"),
    [
        ({}, True),
        ({"SITE_URL": "https://signed-out.example"}, False),
        ({"SITE_URL": "https://signed-out.example", "WORKSHOP": "1"}, True),
        ({"WORKSHOP": "0"}, False),
    ],
)
def test_a_workshop_is_what_runs_on_loopback_unless_it_is_said(
    tmp_path: Path, environ: dict[str, str], workshop: bool
) -> None:
    assert load(tmp_path, **environ).workshop is workshop


def test_with_tls_the_site_is_on_https_wherever_it_is(tmp_path: Path) -> None:
    assert load(tmp_path, TLS="1", PORT="8443").site_url == "https://localhost:8443"
    assert load(tmp_path, TLS="1", SITE_URL="https://laptop.example:8000").https
    with pytest.raises(Misconfigured, match=r"^TLS=1"):
        load(tmp_path, TLS="1", SITE_URL="http://localhost:8000")


def test_a_cookie_that_browsers_could_not_renew_in_time_is_for_tests_alone(tmp_path: Path) -> None:
    assert load(tmp_path).bound_seconds == 300
    assert load(tmp_path, BOUND_SECONDS="0").bound_seconds == 0
    assert load(tmp_path, BOUND_SECONDS="4", TEST_CONTROLS="1").bound_seconds == 4


@pytest.mark.parametrize(
    ("environ", "hsts"),
    [
        ({"SITE_URL": "https://signed-out.example"}, True),
        ({"SITE_URL": "https://signed-out.example", "TLS": "1"}, False),
        ({"SITE_URL": "https://localhost:8000"}, False),
        ({"SITE_URL": "https://signed-out.localhost"}, False),
        ({"SITE_URL": "https://127.0.0.2"}, False),
        ({"SITE_URL": "https://[::1]:8000"}, False),
        ({"TLS": "1"}, False),
        ({}, False),
    ],
)
def test_browsers_are_told_to_stay_on_https_only_where_no_other_server_of_the_host_loses_by_it(
    tmp_path: Path, environ: dict[str, str], hsts: bool
) -> None:
    assert load(tmp_path, **environ).hsts is hsts


def test_no_default_refuses_a_new_place(tmp_path: Path) -> None:
    found = load(tmp_path)
    assert (found.on_new_network, found.on_new_country, found.on_new_browser) == ("note", "warn", "warn")
    assert load(tmp_path, ON_NEW_COUNTRY="sign-in").on_new_country == "sign-in"


def test_relying_parties_take_part_in_a_workshop_only(tmp_path: Path) -> None:
    parties = {"RELYING_PARTIES": "http://127.0.0.2:8001/ http://127.0.0.3:8002"}
    assert load(tmp_path, **parties).relying_parties == ("http://127.0.0.2:8001", "http://127.0.0.3:8002")
    public = parties | {"SITE_URL": "https://signed-out.example"}
    assert load(tmp_path, **public, WORKSHOP="1").relying_parties
    for without in (public, parties | {"LAB": "0"}):
        with pytest.raises(Misconfigured, match=r"^RELYING_PARTIES"):
            load(tmp_path, **without)


def test_the_secret_is_made_once_and_kept_from_others(tmp_path: Path) -> None:
    first, second = load(tmp_path), load(tmp_path)
    assert first.secret_key == second.secret_key
    assert len(first.secret_key) >= 64
    assert (tmp_path / "instance").stat().st_mode & 0o777 == 0o700
    assert (tmp_path / "instance" / "secret_key").stat().st_mode & 0o777 == 0o600


def test_an_empty_secret_is_named(tmp_path: Path) -> None:
    load(tmp_path)
    (tmp_path / "instance" / "secret_key").write_text("")
    with pytest.raises(Misconfigured, match="secret_key is empty"):
        load(tmp_path)


def test_with_postgresql_the_secret_has_to_be_given_as_every_machine_needs_the_same(tmp_path: Path) -> None:
    url = "postgresql://site@127.0.0.1/site"
    with pytest.raises(Misconfigured, match=r"^SECRET_KEY is missing"):
        load(tmp_path, DATABASE_URL=url)
    assert load(tmp_path, DATABASE_URL=url, SECRET_KEY="x" * 32).database_url == url


def test_a_database_that_does_not_answer_is_named_without_its_password(tmp_path: Path) -> None:
    url = "postgresql://site:hidden@127.0.0.1:1/site"
    with pytest.raises(Misconfigured, match=r"^DATABASE_URL: .* cannot be used") as stopped:
        create_app({"INSTANCE_PATH": str(tmp_path / "instance"), "DATABASE_URL": url, "SECRET_KEY": "x" * 32})
    assert "hidden" not in str(stopped.value)


def test_an_instance_folder_that_cannot_be_used_is_named(tmp_path: Path) -> None:
    (tmp_path / "instance").write_text("a file")
    with pytest.raises(Misconfigured, match=r"^INSTANCE_PATH"):
        load(tmp_path)


@pytest.mark.parametrize(
    ("url", "loopback"),
    [
        ("http://localhost:1", True),
        ("http://a.localhost", True),
        ("http://127.9.9.9", True),
        ("http://[::1]:8", True),
        ("http://localhost.example", False),
        ("http://10.0.0.1", False),
    ],
)
def test_loopback_is_told_from_the_rest(url: str, loopback: bool) -> None:
    assert config.is_loopback(url) is loopback
