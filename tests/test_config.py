"""A setting that makes no sense stops the start with one line that names it and the mend."""

from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from app import config, create_app
from app.config import Misconfigured

README = Path(__file__).parent.parent / "README.md"


def load(tmp_path: Path, **environ: str) -> config.Settings:
    return config.load({"INSTANCE_PATH": str(tmp_path / "instance"), **environ})


def test_without_any_setting_it_starts_on_localhost(tmp_path: Path) -> None:
    found = load(tmp_path)
    assert (found.site_url, found.port, found.workers) == ("http://localhost:8000", 8000, 2)


class Asked(Mapping[str, str]):
    """An environment that notes which variables are asked for."""

    def __init__(self, **environ: str) -> None:
        self._environ = environ
        self.names: set[str] = set()

    def __getitem__(self, name: str) -> str:
        self.names.add(name)
        return self._environ[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._environ)

    def __len__(self) -> int:
        return len(self._environ)


def as_written(value: object) -> str:
    return "none" if value in ("", (), None) else str(int(value) if isinstance(value, bool) else value)


def settings_of_the_readme() -> Iterator[tuple[str, str]]:
    """Return each setting of the table, and its default as it stands there."""
    table = README.read_text().split("## For operators: settings")[1].split("\n## ")[0]
    for line in table.splitlines():
        if line.startswith("| `"):
            names, default = (cell.strip().replace("`", "") for cell in line.split("|")[1:3])
            given = default.split(", ") if names.count(", ") == default.count(", ") else [default] * 2
            yield from zip(names.split(", "), given, strict=False)


def test_the_readme_lists_every_setting_with_its_default_and_no_other(tmp_path: Path) -> None:
    environ = Asked(INSTANCE_PATH=str(tmp_path / "instance"))
    found = config.load(environ)
    listed = dict(settings_of_the_readme())
    assert listed.keys() == environ.names
    plain = {name: words for name, words in listed.items() if hasattr(found, name.lower()) and " " not in words}
    assert len(plain) > 20
    assert plain == {name: as_written(getattr(found, name.lower())) for name in plain}


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
        ("INSECURE_COOKIES", "yes"),
        ("TLS", "on"),
        ("BOUND_SECONDS", "60"),
        ("BOUND_SECONDS", "3601"),
        ("WORKSHOP", "yes"),
        ("LAB", "no"),
        ("MAX_SESSIONS", "0"),
        ("DATABASE_URL", "mysql://localhost/x"),
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
    assert load(tmp_path, DATABASE_URL=url, SECRET_KEY="x" * 32).database == url


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
