"""Removal of an app, with all consents to it."""

from sqlalchemy import delete

from app.identity import activity, sessions, users
from app.identity.session import Reason
from app.oauth.clients import Client
from app.oauth.code import Code
from app.oauth.consent import Consent
from app.revocation import delivery
from app.store.db import db, writing


def remove(client: Client) -> int:
    """End every session of this app, then forget it. Return how many sessions were ended.

    One person at a time: a single transaction would keep all others from signing out meanwhile. Sessions that
    the app gets in between are ended last, when its row is gone: without it no code can be exchanged.
    """
    delivery.check_ready()  # it ends what the log and the clock say is alive
    client_id = client.id  # read before its row is let go, and gone
    count = _end_all(client_id)
    with writing():
        for given in (Code, Consent):
            db.session.execute(delete(given).where(given.client_id == client_id))
        db.session.execute(delete(Client).where(Client.id == client_id))
    count += _end_all(client_id)
    sessions.await_app(client_id)  # what another command has just ended may not be known everywhere yet
    return count


def _end_all(client_id: str) -> int:
    return sum(_end_of(user_id, client_id) for user_id in sessions.holders(client_id))


def _end_of(user_id: str, client_id: str) -> int:
    with writing():
        users.lock(user_id)
        ended = [session for session in sessions.of_app(user_id, client_id) if session.end(Reason.APP_REMOVED)]
        for session in ended:
            activity.record("app_removed", user_id, session)
        return len(ended)
