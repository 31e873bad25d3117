"""Consent: what a user allowed an app, so that it need not ask again."""

from collections.abc import Collection
from typing import NamedTuple

from sqlalchemy import String, and_, bindparam, delete, select
from sqlalchemy.orm import Mapped, mapped_column

from app import clock
from app.identity.lifetime import OFFLINE
from app.identity.session_row import SessionRow
from app.oauth.clients import Registered
from app.revocation import log
from app.store import prebuilt
from app.store.db import Model, db


class Consent(Model):
    """One user's consent to one app, for the scopes it named."""

    __tablename__ = "consents"
    user_id: Mapped[str] = mapped_column(String(64), primary_key=True)
    client_id: Mapped[str] = mapped_column(String(64), primary_key=True)
    scope: Mapped[str] = mapped_column(String(255))
    given_at: Mapped[int]


class Given(NamedTuple):
    """The row of a consent as it was read."""

    client_id: str
    scope: str
    given_at: int


_CONSENTS = prebuilt.table(Consent)
_GIVEN = (
    select(*(_CONSENTS.c[name] for name in Given._fields))
    .where(_CONSENTS.c.user_id == bindparam("user"))
    .order_by(_CONSENTS.c.given_at.desc(), _CONSENTS.c.client_id)
)
_IT = and_(_CONSENTS.c.user_id == bindparam("user"), _CONSENTS.c.client_id == bindparam("client"))
_ALLOWED, _STILL_ALLOWED = select(_CONSENTS.c.scope).where(_IT), log.beside(_CONSENTS, _IT, _CONSENTS.c.scope)


def is_given(user_id: str, client: Registered, scope: str) -> bool:
    """Return whether *client* may have *scope* without asking.

    Public clients and `offline_access` always ask: any program can claim the id of a public client (RFC 10017).
    """
    return not client.is_public and OFFLINE not in scope.split() and stands(user_id, client.id, scope)


def stands(user_id: str, client_id: str, scope: str) -> bool:
    """Return whether the user's consent to *scope* stands."""
    row = prebuilt.ask(_ALLOWED, user=user_id, client=client_id)
    return row is not None and _covers(row[0], scope)


def stands_in(browser: SessionRow, client_id: str, scope: str) -> bool:
    """Return whether the consent stands and its user is still signed in on *browser*. One statement reads both."""
    row = browser.while_it_goes_on(_STILL_ALLOWED, user=browser.user_id, client=client_id)
    return row is not None and row[0] is not None and _covers(row[0], scope)


def _covers(allowed: str, scope: str) -> bool:
    return set(scope.split()) <= set(allowed.split())


def give(user_id: str, client: Registered, scope: str, withheld: Collection[str] = ()) -> None:
    """Add a consent to what the user allowed before, except the *withheld* scopes.

    Must run inside `db.writing`, with the user's row locked.
    """
    found = db.session.get(Consent, (user_id, client.id))
    if found is None:
        found = Consent(user_id=user_id, client_id=client.id, scope="")
        db.session.add(found)
    allowed = dict.fromkeys([*found.scope.split(), *scope.split()])
    found.scope = " ".join(word for word in allowed if word not in withheld)
    found.given_at = clock.now()


def given(user_id: str) -> list[Given]:
    """Return the user's consents, the newest first, even of apps that hold no session now."""
    return [Given(*row) for row in prebuilt.rows(_GIVEN, user=user_id)]


def withdraw_all(user_id: str) -> bool:
    """Withdraw all consents of a user; return whether there were any. Must run inside `db.writing`."""
    return db.change(delete(Consent).where(Consent.user_id == user_id)) > 0


def withdraw(user_id: str, client_id: str) -> bool:
    """Withdraw a consent, so the app has to ask again; return whether there was one. Must run inside `db.writing`."""
    return db.change(delete(Consent).where(Consent.user_id == user_id, Consent.client_id == client_id)) > 0
