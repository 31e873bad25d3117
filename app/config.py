"""What a deployment changes: read from the environment and checked once, at the start."""

import ipaddress
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from email.errors import HeaderParseError
from email.headerregistry import Address
from pathlib import Path
from urllib.parse import urlsplit

from flask import current_app

from app import secret_file

DAY = 24 * 60 * 60
PROJECT = Path(__file__).resolve().parent.parent
SHORTEST_SECRET = 32  # characters
SHORTEST_BOUND = 300  # seconds: browsers sign six proofs in nine minutes, and renew two minutes early
THREADS = 64  # of each worker process
POLLERS = 4  # of these: they alone answer what open pages and relying parties ask by themselves
SECRETS = (
    "SECRET_KEY",
    "DATABASE_URL",
    "REDIS_URL",
    "SMTP_URL",
    "INSTANCE_PATH",
)  # lead to what only the site may know
_CONTACTS = ("mailto:", "https://", "tel:")
OPTIONAL, ADMINISTRATORS, EVERYONE = "optional", "administrators", "everyone"  # of whom a second factor is demanded
PROFILES = OAUTH, FAPI = ("oauth2.1", "fapi2")  # what is demanded of every app
REACTIONS = ("ignore", "note", "warn", "sign-in")  # to a session that is used from a new place, from mild to grave


class Misconfigured(SystemExit):
    """Stops the start with one line that names the variable and the mend."""


class Environ:
    """What one environment says. Each raises Misconfigured with one helpful line where a value makes no sense."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self._environ = environ

    def text(self, name: str, default: str) -> str:
        return self._environ.get(name, "").strip() or default

    def number(self, name: str, default: int, *, low: int = 1, high: int = 10 * 365 * DAY) -> int:
        value = self.text(name, str(default))
        if not (value.isascii() and value.isdigit() and low <= int(value) <= high):
            raise Misconfigured(f"{name}={value} does not fit: give a whole number from {low} to {high}.")
        return int(value)

    def flag(self, name: str, *, default: bool = False) -> bool:
        value = self.text(name, str(int(default)))
        if value not in ("0", "1"):
            raise Misconfigured(f"{name}={value} does not fit: give 0 or 1.")
        return value == "1"

    def choice(self, name: str, default: str, choices: Sequence[str]) -> str:
        value = self.text(name, default)
        if value not in choices:
            raise Misconfigured(f"{name}={value} does not fit: give one of {', '.join(choices)}.")
        return value

    def path(self, name: str) -> Path | None:
        """Return where a file is, seen from the project; None if none is named."""
        value = self.text(name, "")
        return (PROJECT / value).resolve() if value else None


@dataclass(frozen=True)
class Settings:
    """Every setting, checked. Durations are in seconds.

    *database*: a file for SQLite, or the URL of a PostgreSQL database. *second_factor*: of whom one is demanded.
    *on_new_network* and the two like it: one of `REACTIONS`.
    """

    host: str
    port: int
    site_url: str
    instance: Path
    database: Path | str
    redis_url: str
    secret_key: str
    smtp_url: str
    mail_from: str
    workers: int
    access_token_seconds: int
    bound_seconds: int
    session_idle_seconds: int
    session_max_seconds: int
    max_sessions: int
    rotation_grace_seconds: int
    step_up_seconds: int
    second_factor: str
    max_staleness_seconds: int
    trusted_proxies: int
    oauth_profile: str
    lab: bool
    workshop: bool
    test_controls: bool
    insecure_cookies: bool
    tls: bool
    relying_parties: tuple[str, ...]
    security_contact: str
    source_url: str
    country_database: Path | None
    on_new_network: str
    on_new_country: str
    on_new_browser: str

    @property
    def https(self) -> bool:
        return self.site_url.startswith("https://")

    @property
    def is_fapi(self) -> bool:
        """Whether every app has to do what the FAPI 2.0 Security Profile asks of one."""
        return self.oauth_profile == FAPI

    @property
    def hsts(self) -> bool:
        """Whether browsers are told to use nothing but https on this host.

        Not on loopback or by a local authority: for two years, browsers would refuse http from every server of that host.
        """
        return self.https and not self.tls and not is_loopback(self.site_url)


def settings() -> Settings:
    """Return the settings of the current application."""
    found: Settings = current_app.extensions["settings"]
    return found


def load(environ: Mapping[str, str]) -> Settings:
    """Read the settings from *environ*; raise Misconfigured with one helpful line if they make no sense."""
    read = Environ(environ)
    port = read.number("PORT", 8000, low=1, high=65535)
    tls = read.flag("TLS")
    site_url = read.text("SITE_URL", f"http{'s' if tls else ''}://localhost:{port}").rstrip("/")
    instance = (PROJECT / read.text("INSTANCE_PATH", "instance")).resolve()
    database = _database(read.text("DATABASE_URL", ""), instance)
    found = Settings(
        host=read.text("HOST", "127.0.0.1").strip("[]"),
        port=port,
        site_url=site_url,
        instance=instance,
        database=database,
        redis_url=_redis(read.text("REDIS_URL", "")),
        secret_key=_secret(read.text("SECRET_KEY", ""), database, instance),
        smtp_url=_smtp(read.text("SMTP_URL", "")),
        mail_from=_sender(read.text("MAIL_FROM", _noreply(site_url))),
        workers=read.number("WORKERS", 2, low=1, high=64),
        access_token_seconds=read.number("ACCESS_TOKEN_SECONDS", 300, high=DAY),
        bound_seconds=read.number("BOUND_SECONDS", 300, low=0, high=3600),
        session_idle_seconds=read.number("SESSION_IDLE_SECONDS", 14 * DAY),
        session_max_seconds=read.number("SESSION_MAX_SECONDS", 30 * DAY),
        max_sessions=read.number("MAX_SESSIONS", 100, high=10_000),
        rotation_grace_seconds=read.number("ROTATION_GRACE_SECONDS", 10, low=0, high=60),
        step_up_seconds=read.number("STEP_UP_SECONDS", 600, low=0),
        second_factor=read.choice("SECOND_FACTOR", OPTIONAL, (OPTIONAL, ADMINISTRATORS, EVERYONE)),
        max_staleness_seconds=read.number("MAX_STALENESS_SECONDS", 1, high=60),
        trusted_proxies=read.number("TRUSTED_PROXIES", 0, low=0, high=10),
        oauth_profile=read.choice("OAUTH_PROFILE", OAUTH, PROFILES),
        lab=read.flag("LAB", default=True),
        workshop=read.flag("WORKSHOP", default=is_loopback(site_url)),
        test_controls=read.flag("TEST_CONTROLS"),
        insecure_cookies=read.flag("INSECURE_COOKIES"),
        tls=tls,
        relying_parties=tuple(url.rstrip("/") for url in read.text("RELYING_PARTIES", "").split()),
        security_contact=read.text("SECURITY_CONTACT", f"mailto:security@{urlsplit(site_url).hostname}"),
        source_url=read.text("SOURCE_URL", ""),
        country_database=read.path("COUNTRY_DATABASE"),
        on_new_network=read.choice("ON_NEW_NETWORK", "note", REACTIONS),
        on_new_country=read.choice("ON_NEW_COUNTRY", "warn", REACTIONS),
        on_new_browser=read.choice("ON_NEW_BROWSER", "warn", REACTIONS),
    )
    _check(found)
    return found


def is_loopback(url: str) -> bool:
    """Return whether *url* names this very machine."""
    host = urlsplit(url).hostname or ""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")


def _check(found: Settings) -> None:
    if not _is_origin(found.site_url):
        raise Misconfigured(f"SITE_URL={found.site_url} does not fit: give scheme and host only: https://example.org.")
    _check_scheme(found)
    if found.test_controls and not is_loopback(found.site_url):
        raise Misconfigured("TEST_CONTROLS=1 works only where SITE_URL is a loopback address: unset one of the two.")
    if len(found.secret_key) < SHORTEST_SECRET:
        raise Misconfigured(f"SECRET_KEY is too short: give {SHORTEST_SECRET} random characters or more.")
    if not found.security_contact.isprintable() or not found.security_contact.startswith(_CONTACTS):
        raise Misconfigured("SECURITY_CONTACT does not fit: give mailto:name@example.org, or a page as https://….")
    if found.source_url and not (
        found.source_url.isprintable() and found.source_url.startswith(("https://", "http://"))
    ):
        raise Misconfigured("SOURCE_URL does not fit: give the page of the source as https://….")
    _check_relying_parties(found)


def _check_scheme(found: Settings) -> None:
    if 0 < found.bound_seconds < SHORTEST_BOUND and not found.test_controls:
        raise Misconfigured(f"BOUND_SECONDS={found.bound_seconds} does not fit: give 0, or {SHORTEST_BOUND} or more.")
    if found.tls and not found.https:
        raise Misconfigured("TLS=1 serves https: begin SITE_URL with https://, or leave it out.")
    if not found.https and not is_loopback(found.site_url) and not found.insecure_cookies:
        raise Misconfigured(
            f"SITE_URL={found.site_url} is plain http for a public host: use https, "
            "or set INSECURE_COOKIES=1 for a workshop on a network you trust."
        )


def _check_relying_parties(found: Settings) -> None:
    if found.relying_parties and not (found.workshop and found.lab):
        raise Misconfigured("RELYING_PARTIES are for a workshop: set WORKSHOP=1 and LAB=1, or leave them out.")
    for url in found.relying_parties:
        if not _is_origin(url):
            raise Misconfigured(
                f"RELYING_PARTIES: {url} does not fit: give scheme and host only, as in http://127.0.0.2:8001."
            )


def _is_origin(url: str) -> bool:
    parts = urlsplit(url)
    return (
        parts.scheme in ("http", "https")
        and bool(parts.hostname)
        and not (parts.path or parts.query or parts.fragment or "@" in parts.netloc)
    )


def _database(url: str, instance: Path) -> Path | str:
    if not url:
        return instance / "signed-out.db"
    if url.startswith("sqlite:///"):
        return (PROJECT / url.removeprefix("sqlite:///")).resolve()
    if url.startswith(("postgresql://", "postgres://")) and urlsplit(url).path.strip("/"):
        return url.replace("postgres://", "postgresql://", 1)
    raise Misconfigured(
        "DATABASE_URL does not fit: give sqlite:///path/to/file or postgresql://user:password@host/name."
    )


def _redis(url: str) -> str:
    if url and not (url.startswith(("redis://", "rediss://", "unix://"))):
        raise Misconfigured("REDIS_URL does not fit: give redis://host:port/0, or leave it out.")
    return url


def _smtp(url: str) -> str:
    parts = urlsplit(url)
    try:
        fits = parts.scheme in ("smtp", "smtps") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        fits = False
    if url and not (fits and not (parts.path.strip("/") or parts.query or parts.fragment)):
        raise Misconfigured("SMTP_URL does not fit: give smtp://user:password@host:587, or smtps:// for TLS at once.")
    return url


def _noreply(site_url: str) -> str:
    host = urlsplit(site_url).hostname or ""
    return f"noreply@{'localhost' if ':' in host or not host else host}"


def _sender(address: str) -> str:
    try:
        Address(addr_spec=address)
        address.encode("ascii")
    except (ValueError, HeaderParseError) as problem:
        raise Misconfigured("MAIL_FROM does not fit: give an address such as noreply@example.org.") from problem
    return address


def _secret(given: str, database: Path | str, instance: Path) -> str:
    if not given and isinstance(database, str):
        raise Misconfigured(
            f"SECRET_KEY is missing: with PostgreSQL every machine needs the same, {SHORTEST_SECRET} random characters or more."
        )
    return given or _generated_secret(instance)


def _generated_secret(instance: Path) -> str:
    path = instance / "secret_key"
    try:
        found = secret_file.read(path, lambda: secrets.token_urlsafe(48).encode()).decode("ascii").strip()
    except OSError as problem:
        raise Misconfigured(f"INSTANCE_PATH cannot be used: {problem}.") from problem
    except UnicodeDecodeError as problem:
        raise Misconfigured(f"{path} is damaged: restore it from a backup, or remove it.") from problem
    if not found:
        raise Misconfigured(f"{path} is empty: restore it from a backup, or remove it and sign everyone out.")
    return found
