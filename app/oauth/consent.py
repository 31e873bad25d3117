"""What a person has allowed an app, so that it need not ask the same again."""

from sqlalchemy import String, delete
from sqlalchemy.orm import Mapped, mapped_column

from app import clock
from app.db import Model, db
from app.identity.session import OFFLINE
from app.oauth.client import Client


class Consent(Model):
    """One person's yes to one app, for the scopes it named."""

    __tablename__ = "consents"
    user_id: Mapped[str] = mapped_column(String(64), primary_key=True)
    client_id: Mapped[str] = mapped_column(String(64), primary_key=True)
    scope: Mapped[str] = mapped_column(String(255))
    given_at: Mapped[int]


def is_given(user_id: str, client: Client, scope: str) -> bool:
    """Say whether *client* may have *scope* without asking.

    A public client always asks, as anybody can call himself that (RFC 10017); so does who wants access for longer.
    """
    return not client.is_public and OFFLINE not in scope.split() and stands(user_id, client.id, scope)


def stands(user_id: str, client_id: str, scope: str) -> bool:
    """Say whether a person's yes to *scope* has been given and not been withdrawn."""
    found = db.session.get(Consent, (user_id, client_id), populate_existing=True)
    return found is not None and set(scope.split()) <= set(found.scope.split())


def give(user_id: str, client: Client, scope: str) -> None:
    """Note a person's yes beside what they allowed before. Must run inside `db.writing`, with the user's row locked."""
    found = db.session.get(Consent, (user_id, client.id))
    if found is None:
        found = Consent(user_id=user_id, client_id=client.id, scope="")
        db.session.add(found)
    found.scope = " ".join(dict.fromkeys([*found.scope.split(), *scope.split()]))
    found.given_at = clock.now()


def withdraw(user_id: str, client_id: str) -> None:
    """Forget a person's yes: the app has to ask again. Must run inside `db.writing`."""
    db.session.execute(delete(Consent).where(Consent.user_id == user_id, Consent.client_id == client_id))
