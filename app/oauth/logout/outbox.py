"""The outbox: whatever ends a session writes, in the same transaction, whom to tell. If that fails, so does the other."""

from flask import Flask, current_app
from sqlalchemy import ColumnElement, and_, or_, select

from app.db import after_commit, db

# Before ours runs, its projection of the log has marked what an entry ends: a projection runs after those that were
# there when it came.
from app.identity.session import SITE, Session
from app.oauth.client import Client
from app.oauth.logout import message
from app.oauth.logout.courier import Courier
from app.revocation import log
from app.revocation.entries import Entry, Kind, Scope


def init_app(app: Flask) -> None:
    """Give *app* the courier that delivers what is written here."""
    app.extensions["courier"] = Courier(app)


@log.projection
def _write(entry: Entry) -> None:
    if entry.kind is not Kind.REVOKED or entry.scope is Scope.TOKEN:
        return
    told = (
        select(Session.id, Session.user_id, Client)
        .join(Client, Client.id == Session.client_id)
        .where(Session.client_id != SITE, Client.backchannel_logout_uri.is_not(None))
        .where(Session.idle_until > entry.at, Session.expires_at > entry.at)  # else it had timed out before
        .where(Session.id != (entry.actor or ""))  # an app that let go of its own session knows
        .where(_touched_by(entry))
        .order_by(Session.opened)
    )
    rows = [(sid, user_id, client) for sid, user_id, client in db.session.execute(told)]
    if message.add(entry, rows):
        courier: Courier = current_app.extensions["courier"]
        after_commit(courier.wake, once="wake the courier")


def _touched_by(entry: Entry) -> ColumnElement[bool]:
    """What the entry ended; and, under a browser that it ended, what lives on: the app is to let go of that browser."""
    ended = Session.ended_entry == entry.position
    if entry.scope is Scope.USER:
        return and_(Session.user_id == entry.subject, ended)
    lives_on = and_(Session.parent_id == entry.subject, Session.ended_entry.is_(None))
    return or_(and_(Session.id == entry.subject, ended), lives_on)
