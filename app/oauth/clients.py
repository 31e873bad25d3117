"""Registered clients: this site's own, and apps."""

import hmac
import re
import secrets
from collections.abc import Collection, Hashable, Iterable
from functools import lru_cache
from typing import Any
from urllib.parse import SplitResult, urlencode, urlsplit

from authlib.oauth2.rfc6749 import ClientMixin
from sqlalchemy import LargeBinary, String, Text, bindparam, select
from sqlalchemy.orm import Mapped, mapped_column

from app import clock
from app.config import settings
from app.crypto import seal
from app.identity.lifetime import OFFLINE
from app.identity.session import SITE
from app.network import address
from app.store import prebuilt
from app.store.db import Model, db
from app.store.prebuilt import Row

LONGEST_ID = 64  # characters
BY_KEY = "private_key_jwt"
CONFIDENTIAL = ["client_secret_basic", "client_secret_post", BY_KEY]
METHODS = [*CONFIDENTIAL, "none"]
INTROSPECT = "introspect"  # the scope of a resource server, which may ask about every access token
_LOOPBACK = re.compile(r"http://(?P<host>\[[0-9A-Fa-f:.]+\]|[0-9.]+)(?::(?P<port>[1-9][0-9]{0,4}))?(?P<rest>[/?].*)?")
_PORT = re.compile(r":[0-9]+$")
LEAST = "openid"
SCOPES = (LEAST, "profile", "email", OFFLINE)
CODE, REFRESH = GRANTS = ("authorization_code", "refresh_token")


class Registered(ClientMixin):
    """An app. Confidential if it has a secret, of which only the SHA-256 is kept, or keys, whose public halves are; else public.

    An app with keys also has the hash of a random secret that it never got, or an older node would take it for public.

    Addresses, scopes and grants are kept separated by spaces. *may_be_private*: its logout messages may go to a private
    network.
    """

    id: Mapped[str] = mapped_column(String(LONGEST_ID), primary_key=True)
    name: Mapped[str] = mapped_column(String(80))
    secret_hash: Mapped[bytes | None] = mapped_column(LargeBinary(32))
    scope: Mapped[str] = mapped_column(String(255))
    grant_types: Mapped[str] = mapped_column(String(64))
    created_at: Mapped[int]
    redirect_uris: Mapped[str] = mapped_column(Text, default="")
    post_logout_redirect_uris: Mapped[str] = mapped_column(Text, default="")
    backchannel_logout_uri: Mapped[str | None] = mapped_column(String(2000))
    may_be_private: Mapped[bool] = mapped_column(default=False)
    require_pushed_authorization_requests: Mapped[bool] = mapped_column(default=False)
    dpop_bound_access_tokens: Mapped[bool] = mapped_column(default=False)
    jwks: Mapped[str | None] = mapped_column(Text)

    @property
    def is_public(self) -> bool:
        return self.secret_hash is None and self.jwks is None

    def check_client_secret(self, client_secret: str) -> bool:
        return self.secret_hash is not None and hmac.compare_digest(self.secret_hash, seal.digest(client_secret))

    def check_grant_type(self, grant_type: str) -> bool:
        return grant_type in self.grant_types.split()

    def get_default_redirect_uri(self) -> str:
        """Return the redirect URI if there is only one, else nothing."""
        only = self.redirect_uris.split()
        return only[0] if len(only) == 1 else ""

    def check_redirect_uri(self, redirect_uri: str) -> bool:
        """Compare character by character; an app may choose only the port of a loopback address (RFC 8252, 7.3)."""
        return any(
            redirect_uri == known or _differs_by_port(redirect_uri, known) for known in self.redirect_uris.split()
        )

    def check_post_logout_redirect_uri(self, uri: str) -> bool:
        return uri in self.post_logout_redirect_uris.split()

    def get_allowed_scope(self, scope: Collection[str] | str) -> str:
        """Return the requested scopes that this client may have, in the requested order.

        Access that outlives the browser is of no use without refresh tokens (OpenID Connect Core, section 11).
        """
        wanted = scope.split() if isinstance(scope, str) else scope
        allowed = set(self.scope.split()) - (set() if self.check_grant_type(REFRESH) else {OFFLINE})
        return " ".join(dict.fromkeys(name for name in wanted if name in allowed))


class Client(Registered, Model):
    """The row of an app."""

    __tablename__ = "clients"


class ClientRow(Row, Registered):
    """The row of an app as it was read."""


_CLIENTS = prebuilt.table(Client)
_NAMES = _CLIENTS.c.keys()
_READ = select(_CLIENTS).where(_CLIENTS.c.id == bindparam("client"))


def find(client_id: str) -> Client | None:
    """Return the client of this id, if it is registered."""
    return db.session.get(Client, client_id)


def read(client_id: str) -> ClientRow | None:
    """Return the row of this client; this site's own has none: its secret is derived from SECRET_KEY."""
    if client_id == SITE:
        secret = seal.digest(site_secret())
        return ClientRow(dict.fromkeys(_NAMES), id=SITE, secret_hash=secret, scope="session", grant_types=REFRESH)
    if len(client_id) > LONGEST_ID:
        return None
    moment = prebuilt.moment()
    return _look_once(client_id, moment.head) if moment else _look(client_id)


@lru_cache
def _look_once(client_id: str, _head: Hashable) -> ClientRow | None:
    """Read the row once until something is committed: apps ask about tokens far more often."""
    return _look(client_id)


def _look(client_id: str) -> ClientRow | None:
    row = prebuilt.look(_READ, client=client_id)
    return ClientRow(zip(_NAMES, row, strict=True)) if row else None


def named(ids: Iterable[str]) -> dict[str, Client]:
    """Return the existing ones of these clients, by their ids."""
    wanted = set(ids)
    found = db.session.scalars(select(Client).where(Client.id.in_(wanted))) if wanted else ()
    return {client.id: client for client in found}


def names(ids: Iterable[str]) -> dict[str, str]:
    """Return the name of each of these apps, even if it is no longer registered."""
    wanted = set(ids)
    return dict.fromkeys(wanted, "An app that was removed") | {id: app.name for id, app in named(wanted).items()}


def everyone() -> list[Client]:
    """Return all registered apps, by name."""
    return list(db.session.scalars(select(Client).order_by(Client.name, Client.id)))


def register(
    name: str,
    *,
    client_id: str | None = None,
    scope: str = LEAST,
    grant_types: Iterable[str] = GRANTS,
    public: bool = False,
    redirect_uris: Iterable[str] = (),
    post_logout_redirect_uris: Iterable[str] = (),
    jwks: str | None = None,
    **columns: Any,
) -> tuple[Client, str | None]:
    """Add an app and return it with its secret, if it has one; only this once. Must run inside `db.writing`.

    *columns*: others of its row. One with a known *client_id* is registered again: users keep their consents, and its
    old secret is void.
    """
    secret = None if public else secrets.token_urlsafe(32)
    client = Client(
        id=client_id or secrets.token_hex(12),
        name=name,
        secret_hash=seal.digest(secret) if secret else None,
        scope=scope,
        grant_types=" ".join(grant_types),
        created_at=clock.now(),
        redirect_uris=" ".join(redirect_uris),
        post_logout_redirect_uris=" ".join(post_logout_redirect_uris),
        jwks=jwks,
        **columns,
    )
    client = db.session.merge(client)
    db.session.flush()
    return client, None if jwks else secret


def renew_secret(client: Client) -> str:
    """Give a confidential app another secret and return it, only this once. Must run inside `db.writing`."""
    secret = secrets.token_urlsafe(32)
    client.secret_hash = seal.digest(secret)
    return secret


def at(redirect_uri: str) -> str | None:
    """Return the id of the app with a secret that is at exactly this address."""
    return db.session.scalar(
        select(Client.id).where(
            Client.redirect_uris == redirect_uri, Client.secret_hash.is_not(None), Client.jwks.is_(None)
        )
    )


def origin(uri: str) -> str:
    """Return scheme, host and port as a browser writes them in `Origin`; the scheme alone where an app has its own."""
    parts = urlsplit(uri)
    if parts.scheme not in ("http", "https"):
        return f"{parts.scheme}:"
    default = {"https": 443, "http": 80}.get(parts.scheme)
    return f"{parts.scheme}://{_host(parts)}" + (f":{parts.port}" if parts.port not in (None, default) else "")


def lead_back(uri: str, answer: list[tuple[str, str]]) -> str:
    """Return a registered address as it is, letter by letter, with *answer* added to its query."""
    if not answer:
        return uri
    mark = "?" if "?" not in uri else "" if uri.endswith(("?", "&")) else "&"
    return f"{uri}{mark}{urlencode(answer)}"


def is_browser_origin(given: str) -> bool:
    """Return whether a public app is registered with a redirect URI of this origin (for CORS)."""
    public = select(Client.redirect_uris).where(Client.secret_hash.is_(None), Client.jwks.is_(None))
    return any(_is_of(given, uri) for uris in db.session.scalars(public) for uri in uris.split())


def _is_of(given: str, uri: str) -> bool:
    """As for the redirect, an app may choose only the port of a loopback address."""
    known = origin(uri)
    return given == known or _differs_by_port(given if _PORT.search(given) else f"{given}:80", known)


def site_secret() -> str:
    """Return the secret with which this site calls its own endpoints."""
    return _site_secret(settings().secret_key)


@lru_cache
def _site_secret(secret: str) -> str:
    return seal.derive(secret, "secret of the site's own client").hex()


def _host(parts: SplitResult) -> str:
    name = parts.hostname or ""
    return f"[{name}]" if ":" in name else name


def _differs_by_port(asked: str, known: str) -> bool:
    """Return whether *asked* is the loopback address *known*, letter by letter, with a port of the app's choice."""
    this, that = _LOOPBACK.fullmatch(asked), _LOOPBACK.fullmatch(known)
    if this is None or that is None or not _is_port(this["port"]) or not address.is_loopback(that["host"]):
        return False
    return this["host"] == that["host"] and this["rest"] == that["rest"]


def _is_port(digits: str | None) -> bool:
    return digits is not None and 0 < int(digits) < 65536
