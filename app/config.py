"""What a deployment changes: each setting is declared once, in `Settings`, and read and checked at the start.

README's table of them (`make settings`) and `flask config` are made from the declarations.
"""

import ipaddress
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from email.errors import HeaderParseError
from email.headerregistry import Address
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from urllib.parse import SplitResult, urlsplit

from app import context, secret_file

DAY = 24 * 60 * 60
PROJECT = Path(__file__).resolve().parent.parent
SHORTEST_SECRET = 32  # characters
SHORTEST_BOUND = 300  # seconds: browsers sign six proofs in nine minutes, and renew two minutes early
THREADS = 64  # of each worker process
POLLERS = 4  # of these: they alone answer what open pages and relying parties ask by themselves
OPTIONAL, ADMINISTRATORS, EVERYONE = "optional", "administrators", "everyone"  # of whom a second factor is demanded
OAUTH, FAPI = "oauth2.1", "fapi2"  # what is demanded of every app
REACTIONS = ("ignore", "note", "warn", "sign-in")  # to a session that is used from a new place, from mild to grave


class Misconfigured(SystemExit):
    """Stops the start with one line that names the variable and the mend."""


@dataclass(frozen=True)
class Setting:
    """How one variable is read. *parse* raises ValueError, whose text says what to give instead.

    *default* is what might stand in the environment, or makes it of the settings before this one; *by_default* describes
    it then. *is_private*: it leads to a secret, so no other process and no list gets it.
    """

    name: str
    parse: Callable[[str], Any]
    default: str | Callable[[Any], str]
    meaning: str
    by_default: str
    is_private: bool

    def text(self, environ: Mapping[str, str], before: object) -> str:
        """Return what *environ* says of it, else the default."""
        given = environ.get(self.name, "").strip()
        return given or (self.default(before) if callable(self.default) else self.default)

    def read(self, environ: Mapping[str, str], before: object) -> Any:
        """Return its value. Raises Misconfigured."""
        text = self.text(environ, before)
        try:
            return self.parse(text)
        except ValueError as problem:
            value = "" if self.is_private or not text.isprintable() else f"={text}"
            raise Misconfigured(f"{self.name}{value} does not fit: {problem}.") from problem


def _setting(
    parse: Callable[[str], Any],
    default: str | int | Callable[[Any], str],
    meaning: str,
    *,
    by_default: str = "",
    is_private: bool = False,
) -> Any:
    plain = default if callable(default) else str(default)
    return field(metadata={"declared": (parse, plain, meaning, by_default, is_private)})


def _fitting(fits: Callable[[str], bool], give: str) -> Callable[[str], str]:
    def parse(text: str) -> str:
        if not fits(text):
            raise ValueError(f"give {give}")
        return text

    return parse


def _whole(low: int = 1, high: int = 10 * 365 * DAY) -> Callable[[str], int]:
    digits = _fitting(
        lambda text: text.isascii() and text.isdigit() and low <= int(text) <= high,
        f"a whole number from {low} to {high}",
    )
    return lambda text: int(digits(text))


def _one_of(*choices: str) -> Callable[[str], str]:
    return _fitting(lambda text: text in choices, f"one of {', '.join(choices)}")


def _beginning(*beginnings: str, give: str) -> Callable[[str], str]:
    return _fitting(lambda text: not text or (text.isprintable() and text.startswith(beginnings)), give)


def _flag(text: str) -> bool:
    return _one_of("0", "1")(text) == "1"


def _path(text: str) -> Path:
    return (PROJECT / text).resolve()


def _split(url: str) -> SplitResult:
    """Split *url*; an invalid one, or one with an invalid port, counts as empty."""
    try:
        return urlsplit("" if urlsplit(url).port == 0 else url)
    except ValueError:
        return urlsplit("")


def _origin(url: str) -> str:
    parts = _split(url.rstrip("/"))
    is_web = parts.scheme in ("http", "https") and bool(parts.hostname)
    if not is_web or parts.path or parts.query or parts.fragment or "@" in parts.netloc:
        raise ValueError("give scheme and host only, as in https://example.org or http://127.0.0.2:8001")
    return url.rstrip("/")


def _database(url: str) -> Path | str:
    if url.startswith("sqlite:///"):
        return _path(url.removeprefix("sqlite:///"))
    if url.startswith(("postgresql://", "postgres://")) and _split(url).path.strip("/"):
        return url.replace("postgres://", "postgresql://", 1)
    raise ValueError("give sqlite:///path/to/file or postgresql://user:password@host/name")


def _smtp(url: str) -> str:
    parts = _split(url)
    is_server = parts.scheme in ("smtp", "smtps") and bool(parts.hostname)
    if url and (not is_server or parts.path.strip("/") or parts.query or parts.fragment):
        raise ValueError("give smtp://user:password@host:587, or smtps:// for TLS at once")
    return url


def _noreply(before: Any) -> str:
    host = urlsplit(before.site_url).hostname or ""
    return f"noreply@{'localhost' if ':' in host or not host else host}"


def _sender(address: str) -> str:
    try:
        Address(addr_spec=address)
        address.encode("ascii")
    except (ValueError, HeaderParseError) as problem:
        raise ValueError("give an address such as noreply@example.org") from problem
    return address


def _secret(text: str) -> str:
    if len(text) < SHORTEST_SECRET:
        raise ValueError(f"it is too short: give {SHORTEST_SECRET} random characters or more")
    return text


def _generated_secret(before: Any) -> str:
    if isinstance(before.database_url, str):
        raise Misconfigured(
            f"SECRET_KEY is missing: with PostgreSQL every machine needs the same, {SHORTEST_SECRET} random characters or more."
        )
    path = before.instance_path / "secret_key"
    try:
        secret = secret_file.read(path, lambda: secrets.token_urlsafe(48).encode()).decode("ascii").strip()
    except OSError as problem:
        raise Misconfigured(f"INSTANCE_PATH cannot be used: {problem}.") from problem
    except UnicodeDecodeError as problem:
        raise Misconfigured(f"{path} is damaged: restore it from a backup, or remove it.") from problem
    if not secret:
        raise Misconfigured(f"{path} is empty: restore it from a backup, or remove it and sign everyone out.")
    return secret


@dataclass(frozen=True)
class Settings:
    """Every setting, in the order in which they are read. Its variable is the field's name in capitals."""

    host: str = _setting(
        lambda text: text.strip("[]"),
        "127.0.0.1",
        "where to listen: an address of this machine, as `0.0.0.0`, `::` or `::1`",
    )
    port: int = _setting(_whole(1, 65535), 8000, "the port to listen on")
    tls: bool = _setting(
        _flag,
        0,
        "1 serves https itself, by a certificate of a local authority that is made at the first start: "
        "docs/operate.md#https-on-your-own-machine",
    )
    site_url: str = _setting(
        _origin,
        lambda before: f"http{'s' if before.tls else ''}://localhost:{before.port}",
        "the public address; also the issuer of tokens, and passkeys are bound to its host: with another host none works",
        by_default="`http://localhost:$PORT`, with `TLS=1` `https://…`",
    )
    instance_path: Path = _setting(_path, "instance", "folder of the database, of keys and secrets", is_private=True)
    database_url: Path | str = _setting(
        _database,
        lambda before: f"sqlite:///{before.instance_path / 'signed-out.db'}",
        "`sqlite:///path/to/file`, or `postgresql://…` for several machines",
        by_default="SQLite in that folder",
        is_private=True,
    )
    redis_url: str = _setting(
        _beginning("redis://", "rediss://", "unix://", give="redis://host:port/0, or leave it out"),
        "",
        "with PostgreSQL: wake-ups and rate limits of all machines; never the only place of anything",
        is_private=True,
    )
    secret_key: str = _setting(
        _secret,
        _generated_secret,
        f"seals what must not be read; {SHORTEST_SECRET} characters or more; has to be given with PostgreSQL",
        by_default="made once, kept in that folder",
        is_private=True,
    )
    smtp_url: str = _setting(
        _smtp,
        "",
        "the mail server: `smtp://user:password@host:587` (with STARTTLS, but for this machine) or `smtps://…`; "
        "without it no mail is sent: docs/operate.md#mail",
        is_private=True,
    )
    mail_from: str = _setting(_sender, _noreply, "the sender of mail", by_default="`noreply@` and the host")
    workers: int = _setting(_whole(1, 64), 2, "worker processes")
    access_token_seconds: int = _setting(_whole(1, DAY), 300, "life of an access token")
    bound_seconds: int = _setting(
        _whole(0, 3600),
        300,
        "over https: how long a proof of the device's key is good, in browsers that bind sessions to it; "
        f"{SHORTEST_BOUND} to 3600, or 0 to bind none: docs/decisions.md#sessions-bound-to-their-device",
    )
    session_idle_seconds: int = _setting(
        _whole(),
        14 * DAY,
        'when "keep me signed in" ends without use; without it 12 hours, and session cookies',
    )
    session_max_seconds: int = _setting(_whole(), 30 * DAY, 'when "keep me signed in" ends with use')
    max_sessions: int = _setting(
        _whole(1, 10_000),
        100,
        "browsers that a person may be signed in on: one more ends the one idle longest, and says so",
    )
    rotation_grace_seconds: int = _setting(
        _whole(0, 60),
        10,
        "how long the previous refresh token is still answered once its successor was used (an app's: once it was exchanged)",
    )
    step_up_seconds: int = _setting(
        _whole(0),
        600,
        "after that long, ending another session asks for the password again, or for a code where there is a second factor",
    )
    second_factor: str = _setting(
        _one_of(OPTIONAL, ADMINISTRATORS, EVERYONE),
        OPTIONAL,
        f"of whom a second factor is demanded: `{OPTIONAL}` (of no user), `{ADMINISTRATORS}`, or `{EVERYONE}`: "
        "docs/operate.md#a-second-factor-for-everyone",
    )
    max_staleness_seconds: int = _setting(
        _whole(1, 60), 1, "with PostgreSQL: how long a process trusts what it remembers before it asks again"
    )
    trusted_proxies: int = _setting(_whole(0, 10), 0, "how many proxies in front are believed about address and scheme")
    oauth_profile: str = _setting(
        _one_of(OAUTH, FAPI),
        OAUTH,
        f"what is demanded of every app: `{OAUTH}` (codes with PKCE), or `{FAPI}` (besides, a key in place of a secret, "
        "pushed requests, and tokens that are bound to a key): docs/apps.md#what-an-operator-can-demand-of-every-app",
    )
    on_new_network: str = _setting(
        _one_of(*REACTIONS),
        "note",
        "a session is used from another network: `ignore` it, `note` it in the activity, `warn` its owner, or have them "
        "`sign-in` again",
    )
    on_new_country: str = _setting(
        _one_of(*REACTIONS), "warn", "the same for another country; the gravest that applies decides: docs/operate.md"
    )
    on_new_browser: str = _setting(_one_of(*REACTIONS), "warn", "the same for another browser")
    country_database: Path | None = _setting(
        lambda text: _path(text) if text else None,
        "",
        "a file in MaxMind's format that says in which country an address is; without it no country is known, "
        "and its rule does not apply",
    )
    security_contact: str = _setting(
        _beginning("mailto:", "https://", "tel:", give="mailto:name@example.org, or a page as https://…"),
        lambda before: f"mailto:security@{urlsplit(before.site_url).hostname}",
        "where to report a hole, as `/.well-known/security.txt` says: `mailto:`, `https:` or `tel:`",
        by_default="`mailto:security@` and the host",
    )
    source_url: str = _setting(
        _beginning("https://", "http://", give="the page of the source as https://…"),
        "",
        "the URL of this site's source: each page's footer then links to it, and to its documentation",
    )
    insecure_cookies: bool = _setting(_flag, 0, "1 for a workshop over plain http; every page says so")
    lab: bool = _setting(_flag, 1, "0 leaves the lab out: no page of it, no link to it")
    workshop: bool = _setting(
        _flag,
        lambda before: str(int(is_loopback(before.site_url))),
        "demo accounts may be made; with 0 those that are found are closed",
        by_default="1 where `SITE_URL` is a loopback address, else 0",
    )
    relying_parties: tuple[str, ...] = _setting(
        lambda text: tuple(map(_origin, text.split())),
        "",
        "addresses, with spaces between them, to which the lab also presents its tokens; in a workshop only",
    )
    test_controls: bool = _setting(
        _flag,
        0,
        "1 lets tests move the clock, force a race or an outage, and begin sessions; loopback only: docs/testing.md",
    )

    @property
    def https(self) -> bool:
        return self.site_url.startswith("https://")

    @property
    def is_fapi(self) -> bool:
        """Whether every app has to meet the FAPI 2.0 Security Profile."""
        return self.oauth_profile == FAPI

    @property
    def hsts(self) -> bool:
        """Whether browsers are told to use nothing but https on this host.

        Not on loopback or by a local authority: for two years, browsers would refuse http from every server of that host.
        """
        return self.https and not self.tls and not is_loopback(self.site_url)


SETTINGS = tuple(Setting(each.name.upper(), *each.metadata["declared"]) for each in fields(Settings))


def settings() -> Settings:
    """Return the settings of the current application."""
    loaded: Settings = context.app().extensions["settings"]
    return loaded


def load(environ: Mapping[str, str]) -> Settings:
    """Read the settings from *environ*; raise Misconfigured with one helpful line if they make no sense."""
    before = SimpleNamespace()
    for setting in SETTINGS:
        setattr(before, setting.name.lower(), setting.read(environ, before))
    loaded = Settings(**vars(before))
    _check_together(loaded)
    return loaded


def is_loopback(url: str) -> bool:
    """Return whether *url* names this very machine."""
    host = urlsplit(url).hostname or ""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")


def _check_together(loaded: Settings) -> None:
    _check_scheme(loaded)
    if loaded.test_controls and not is_loopback(loaded.site_url):
        raise Misconfigured("TEST_CONTROLS=1 works only where SITE_URL is a loopback address: unset one of the two.")
    if 0 < loaded.bound_seconds < SHORTEST_BOUND and not loaded.test_controls:
        raise Misconfigured(f"BOUND_SECONDS={loaded.bound_seconds} does not fit: give 0, or {SHORTEST_BOUND} or more.")
    if loaded.relying_parties and not (loaded.workshop and loaded.lab):
        raise Misconfigured("RELYING_PARTIES are for a workshop: set WORKSHOP=1 and LAB=1, or leave them out.")


def _check_scheme(loaded: Settings) -> None:
    if loaded.tls and not loaded.https:
        raise Misconfigured("TLS=1 serves https: begin SITE_URL with https://, or leave it out.")
    if not loaded.https and not is_loopback(loaded.site_url) and not loaded.insecure_cookies:
        raise Misconfigured(
            f"SITE_URL={loaded.site_url} is plain http for a public host: use https, "
            "or set INSECURE_COOKIES=1 for a workshop on a network you trust."
        )
