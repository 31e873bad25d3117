"""Registered clients: this site's own, and apps."""

import hashlib
import hmac
import secrets

from authlib.oauth2.rfc6749 import ClientMixin
from sqlalchemy import LargeBinary, String
from sqlalchemy.orm import Mapped, mapped_column

from app import clock, seal
from app.config import settings
from app.db import Model, db
from app.identity.session import SITE

METHODS = ["client_secret_basic", "client_secret_post", "none"]


class Client(ClientMixin, Model):
    """An app. Confidential if it has a secret, of which only the SHA-256 is kept; public if not."""

    __tablename__ = "clients"
    id: Mapped[str] = mapped_column(String(64), primary_key=True)
    name: Mapped[str] = mapped_column(String(80))
    secret_hash: Mapped[bytes | None] = mapped_column(LargeBinary(32))
    scope: Mapped[str] = mapped_column(String(255))
    created_at: Mapped[int]

    def check_client_secret(self, client_secret: str) -> bool:
        return self.secret_hash is not None and hmac.compare_digest(self.secret_hash, _digest(client_secret))

    def check_endpoint_auth_method(self, method: str, endpoint: str) -> bool:
        return (method == "none") == (self.secret_hash is None)

    def check_grant_type(self, grant_type: str) -> bool:
        return grant_type == "refresh_token"


def find(client_id: str) -> Client | None:
    """Return the client of this id; this site's own needs no row, as its secret follows from SECRET_KEY."""
    if client_id == SITE:
        return Client(id=SITE, name="Signed Out", secret_hash=_digest(site_secret()), scope="session", created_at=0)
    return db.session.get(Client, client_id)


def register(name: str, *, scope: str, public: bool = False) -> tuple[Client, str | None]:
    """Add an app and return it with its secret, which is shown this once. Must run inside `db.writing`."""
    secret = None if public else secrets.token_urlsafe(32)
    client = Client(
        id=secrets.token_urlsafe(12),
        name=name,
        secret_hash=_digest(secret) if secret else None,
        scope=scope,
        created_at=clock.now(),
    )
    db.session.add(client)
    db.session.flush()
    return client, secret


def site_secret() -> str:
    """Return the secret with which this site calls its own endpoints."""
    return seal.derive(settings().secret_key, "secret of the site's own client").hex()


def _digest(secret: str) -> bytes:
    return hashlib.sha256(secret.encode()).digest()
