"""The receipt: what a sign-out ended, and the proof. Kept for ten minutes under a random id that names no user."""

import json
import secrets
from collections.abc import Sequence
from dataclasses import asdict
from types import SimpleNamespace
from typing import Any

from sqlalchemy import LargeBinary, bindparam, delete, insert, select
from sqlalchemy.orm import Mapped, mapped_column

from app import clock
from app.crypto import seal
from app.identity import chains, sessions
from app.identity.chains import Link
from app.identity.sessions import EndedSession
from app.oauth import clients
from app.revocation import delivery
from app.store import prebuilt
from app.store.db import Model, is_time_to_trim
from app.web import own_server, words
from app.web.own_server import Exchange
from app.web.sign_out import back_channel

SECONDS = 10 * 60
ACCESS_TOKENS = 4
APPS = 5


class Receipt(Model):
    """A receipt under the SHA-256 of its id."""

    __tablename__ = "receipts"
    id: Mapped[bytes] = mapped_column(LargeBinary(32), primary_key=True)
    made_at: Mapped[int] = mapped_column(index=True)
    content: Mapped[str]


_RECEIPTS = prebuilt.table(Receipt)
_FIND = select(_RECEIPTS.c.content).where(_RECEIPTS.c.id == bindparam("of"), _RECEIPTS.c.made_at >= bindparam("since"))
_TRIM = delete(_RECEIPTS).where(_RECEIPTS.c.made_at < bindparam("old"))
_SAVE = insert(_RECEIPTS).values(id=bindparam("of"), made_at=bindparam("at"), content=bindparam("said"))


def describe(sid: str, *, ended: int | None) -> dict[str, Any]:
    """Return what was ended: the session *sid*, or, if *ended* says how many, every session of its user.

    Raises LookupError if a purge has removed it.
    """
    with prebuilt.reading():
        found, chain = sessions.read_ended(sid), chains.newest(sid, ACCESS_TOKENS)
    session = found.session
    apps, lasting = (sessions.ended_with(session), sessions.outliving(session)) if found.has_apps else ([], [])
    names = clients.names(app.client_id for app in [*apps, *lasting])
    hanging = [_part("app", app.began_at, app.ends_at, app.id, name=names[app.client_id]) for app in apps[-APPS:]]
    confirmation = delivery.confirmation(session.ended_entry or 0)  # None if another process waited for the nodes
    return {
        "ended_at": found.ended_at,
        "began_at": session.began_at,
        "bound": session.bound_at is not None,
        "label": session.label,
        "parts": [*_parts(found, chain), *hanging],
        "told": back_channel.ids(session, [*apps, *lasting]),
        "kept": [names[app.client_id] for app in lasting],
        "others": found.others,
        "position": session.ended_entry,
        "each_request": delivery.reads_each_time(),
        "nodes": asdict(confirmation) if confirmation else None,
        "everywhere": ended is not None,
        "ended": ended,
    }


def prove(access: str | None, refresh: str | None) -> list[dict[str, Any]]:
    """Present the ended tokens to our own API and token endpoint, and note the answers. Leave out a token that could
    not be judged, as without a database.
    """
    tried = []
    if access:
        tried.append(("access token", "GET /api/me", own_server.read_me(access), (401, "invalid_token")))
    if refresh:
        tried.append(("refresh token", "POST /oauth/token", own_server.refresh(refresh), (400, "invalid_grant")))
    return [_proof(*each) for each in tried if each[2].status < 500]


def save(content: dict[str, Any]) -> str:
    """Store a receipt; return the id that shows it. Must run inside `db.writing`."""
    receipt_id, now = secrets.token_urlsafe(32), clock.now()
    if is_time_to_trim(Receipt):
        prebuilt.write(_TRIM, old=now - SECONDS)
    prebuilt.write(_SAVE, of=seal.digest(receipt_id), at=now, said=json.dumps(content))
    return receipt_id


def find(receipt_id: str) -> SimpleNamespace | None:
    """Return the receipt of this id, or None if there is none or it has expired. Jinja reads attributes faster than keys."""
    row = prebuilt.look(_FIND, of=seal.digest(receipt_id), since=clock.now() - SECONDS)
    found: SimpleNamespace | None = (
        json.loads(row[0], object_hook=lambda part: SimpleNamespace(**part)) if row else None
    )
    return found


def _parts(ended: EndedSession, chain: Sequence[Link]) -> list[dict[str, Any]]:
    """Describe the session, its refresh token, and its access tokens that had not expired yet."""
    session = ended.session
    newest = [_part("refresh token", link.issued_at, session.ends_at, link.hash.hex()) for link in chain[:1]]
    tokens = [
        _part("access token", link.issued_at, link.access_expires_at)
        for link in reversed(chain)
        if link.access_expires_at > ended.ended_at
    ]
    return [_part("session", session.began_at, session.ends_at, session.id), *newest, *tokens]


def _part(what: str, began_at: int, expires_at: int, id_: str | None = None, **more: str) -> dict[str, Any]:
    return {"what": what, "id": id_ and words.shorten(id_), "began_at": began_at, "expires_at": expires_at, **more}


def _proof(what: str, where: str, exchange: Exchange, expected: tuple[int, str]) -> dict[str, Any]:
    refused = (exchange.status, exchange.error) == expected
    return {"what": what, "where": where, "refused": refused, "exchange": exchange.describe()}
