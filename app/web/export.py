"""A user's copy of their data: one part for each table, and a schema."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from sqlalchemy import select

from app import clock
from app.config import settings
from app.identity.activity import Event
from app.identity.known_place import KnownPlace
from app.identity.passkey import Passkey
from app.identity.session import Session
from app.identity.users import Account, User
from app.mail.links import Link
from app.mail.outbox import Mail
from app.oauth.consent import Consent
from app.oauth.logout.messages import Message
from app.store.db import Model, db
from app.web import words

SCHEMA = "/account/export/schema"
TEXT: dict[str, Any] = {"type": ["string", "null"]}
NUMBER: dict[str, Any] = {"type": ["integer", "null"]}
FLAG: dict[str, Any] = {"type": "boolean"}
TIME: dict[str, Any] = {"type": ["string", "null"], "format": "date-time"}
PLACES: dict[str, Any] = {"type": ["object", "null"]}
Kind = dict[str, Any]
_KINDS: Mapping[type, Kind] = {str: TEXT, int: NUMBER, bool: FLAG, object: PLACES}  # by the type of a column


@dataclass(frozen=True)
class Part:
    """One table in the copy.

    *columns*: those that it has, with spaces between them, and what is made of them. *secret*: those that it leaves
    out, and why.
    """

    name: str
    about: str
    model: type[Model]
    columns: str
    secret: Mapping[str, str] = field(default_factory=dict)

    def rows(self, user_id: str) -> list[dict[str, Any]]:
        """Describe every row of this user, in the order of the table's key."""
        table, fields = self.model.__table__, self.fields
        owner = table.c["user_id" if "user_id" in table.c else "id"]
        found: Iterable[Model] = db.session.scalars(
            select(self.model).where(owner == user_id).order_by(*table.primary_key)
        )
        return [{name: _value(row, name, kind) for name, kind in fields.items()} for row in found]

    @cached_property
    def fields(self) -> dict[str, Kind]:
        """The type of each."""
        return {name: _kind(self.model, name) for name in self.columns.split()}

    def schema(self) -> dict[str, Any]:
        row = {"type": "object", "properties": self.fields, "required": [*self.fields]}
        return {"description": self.about, "type": "array", "items": row | {"additionalProperties": False}}


_OURS = "it only matters inside this site"
_WHOSE = "whose it is, which is the account above"
PARTS = (
    Part(
        "account",
        "Your account, as you made it.",
        User,
        "id email name created_at verified_at lost disabled_at is_admin has_factor",
        {
            "password_hash": "a thief of the copy could try passwords against it",
            "password_version": _OURS,
            "mailbox": "your address in the form by which addresses are compared",
            "email_is_folded": _OURS,
            "totp": "the sealed secret that your authenticator app has",
            "totp_step": _OURS,
            "deleted_at": "nothing else is left by then, so there is nothing to copy",
            "made_in": "a hash of what the browser holds that made the account",
        },
    ),
    Part(
        "sessions",
        "Where you are or were signed in, and what apps hold for you.",
        Session,
        "id client_id scope name user_agent address places began_at last_auth_at last_seen_at idle_until expires_at "
        "access_until ended_at reason opened ended_entry keep amr parent_id began_as warned chains bound_at proofs asked_at",
        {"user_id": _WHOSE, "device_key": "the public half of a key that your device keeps", "asked_for": _OURS},
    ),
    Part(
        "activity",
        "What happened to your account.",
        Event,
        "id event at session_id address user_agent amr notice",
        {"user_id": _WHOSE},
    ),
    Part(
        "consents",
        "What you allowed apps to know.",
        Consent,
        "client_id scope given_at",
        {"user_id": _WHOSE},
    ),
    Part(
        "known_places",
        "The networks that you signed in from.",
        KnownPlace,
        "place at",
        {"user_id": _WHOSE, "id": _OURS},
    ),
    Part(
        "passkeys",
        "The passkeys that sign you in.",
        Passkey,
        "name added_at used_at sign_count is_backed_up verifies",
        {
            "user_id": _WHOSE,
            "id": _OURS,
            "credential": "the name that your device has for the key",
            "public_key": "what this site checks signatures with",
        },
    ),
    Part(
        "messages_to_apps",
        "What apps were told of the end of your sessions.",
        Message,
        "client_id session_id uri entry made_at attempts delivered_at given_up_at answer",
        {
            "user_id": _WHOSE,
            "id": "the name of a message that an app may not have got yet",
            **dict.fromkeys(("may_be_private", "claimed_until", "next_at", "milliseconds"), _OURS),
        },
    ),
    Part(
        "links",
        "The links that were mailed to you, or are about to be.",
        Link,
        "purpose address about session_id made_at until spent_at",
        {"user_id": _WHOSE, "hash": "of a secret that only the mail holds", "version": _OURS},
    ),
    Part(
        "mails",
        "When mail was sent to you. What it said is erased once it is delivered.",
        Mail,
        "made_at attempts delivered_at given_up_at answer",
        {
            "user_id": _WHOSE,
            "sealed": "the mail itself, which goes to you and holds a link",
            "link": "a hash of that link",
            **dict.fromkeys(("id", "claimed_until", "next_at", "milliseconds"), _OURS),
        },
    ),
)
LEFT_OUT = {  # tables with rows of a person of which the copy says nothing, and why
    "refresh_tokens": "hashes of the tokens that your browsers and apps hold",
    "recovery_codes": "hashes of the codes by which you sign in without your authenticator app",
    "half_sign_ins": "hashes of what a browser holds that waits for such a code, for minutes",
    "authorization_codes": "hashes of the codes by which apps got theirs, for a day",
}


def of(user: Account) -> dict[str, Any]:
    """Return the whole copy for this user."""
    parts = {part.name: part.rows(user.id) for part in PARTS}
    about = {"$schema": settings().site_url + SCHEMA, "made_at": words.rfc3339(clock.now())}
    return about | parts | {"left_out": LEFT_OUT}


def schema() -> dict[str, Any]:
    """Return the JSON Schema of the copy."""
    reasons = {"description": "What the copy says nothing of, and why.", "type": "object"}
    parts = {part.name: part.schema() for part in PARTS}
    fields = {"$schema": {"type": "string"}, "made_at": TIME, **parts, "left_out": reasons}
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": settings().site_url + SCHEMA,
        "title": "All that Signed Out keeps about one person",
        "type": "object",
        "properties": fields,
        "required": [*fields],
        "additionalProperties": False,
    }


def _kind(model: type[Model], name: str) -> Kind:
    """Return the type of a field: a number whose name ends so is a time; what is no column is a flag, a time or a text."""
    if re.search(r"(^|_)(at|until)$", name):
        return TIME
    column = model.__table__.c.get(name)
    if column is None:
        return FLAG if name.startswith("has_") else TEXT
    return _KINDS[column.type.python_type]


def _value(row: Model, name: str, kind: Kind) -> Any:
    found = getattr(row, name)
    return words.rfc3339(found) if kind is TIME and found is not None else found
