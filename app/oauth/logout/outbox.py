"""The outbox: whatever ends a session writes, in the same transaction, whom to tell. If that fails, so does the other."""

from collections.abc import Sequence

from flask import Flask, current_app
from sqlalchemy import Select, and_, func, or_, select

from app import metrics
from app.db import after_commit, db
from app.identity import activity

# Before ours runs, its projection of the log has marked what an entry ends: a projection runs after those that were
# there when it came.
from app.identity.session import SITE, Reason, Session
from app.oauth.client import Client
from app.oauth.logout import message, network, token
from app.oauth.logout.message import Message
from app.outbox.answer import Answer, Outcome
from app.outbox.courier import Courier
from app.revocation import log
from app.revocation.entries import Entry, Kind, Scope
from app.revocation.log import LogEntry


def init_app(app: Flask) -> None:
    """Give *app* the courier that delivers what is written here."""
    app.extensions["courier"] = Courier(app, Message, "logout messages", _send, _report, seconds=network.SECONDS)


def _send(app: Flask, to_send: Message) -> Answer:
    with app.app_context():
        form = {"logout_token": token.sign(to_send)}
    return network.post(to_send.uri, form, may_be_private=to_send.may_be_private)


def _report(sent: Message, answer: Answer, outcome: Outcome) -> None:
    """Count the attempt; tell the operator of what was given up."""
    metrics.count_logout(outcome.value)
    if outcome in (Outcome.REFUSED, Outcome.GIVEN_UP):
        about = {"client": sent.client_id, "user": sent.user_id, "session": sent.session_id}
        activity.line(f"logout_message_{outcome}", **about, answer=answer.words)


@log.projection
def _write(entries: Sequence[Entry]) -> None:
    ending = [entry for entry in entries if entry.kind is Kind.REVOKED and entry.scope is not Scope.TOKEN]
    if not ending:
        return
    rows = db.session.execute(_told(ending[0].position, ending[-1].position)).all()
    if message.add((entry, sid, user_id, client) for entry, sid, user_id, client in rows):
        courier: Courier[Message] = current_app.extensions["courier"]
        after_commit(courier.wake, once="wake the courier")


def _told(first: int, last: int) -> Select[LogEntry, str, str, Client]:
    """Select whom to tell of the entries from *first* to *last*: the apps whose sessions these ended; and, under a
    browser that they ended, those whose sessions live on: the app is to let go of that browser."""
    ended = Session.ended_entry == LogEntry.position
    named = and_(LogEntry.subject == Session.id, ended), and_(LogEntry.subject == Session.user_id, ended)
    lives_on = and_(Session.parent_id == LogEntry.subject, Session.ended_entry.is_(None))
    return (
        select(LogEntry, Session.id, Session.user_id, Client)
        .join(Session, or_(*named, lives_on))
        .join(Client, Client.id == Session.client_id)
        .where(LogEntry.position.between(first, last), LogEntry.kind == Kind.REVOKED)
        .where(Session.client_id != SITE, Client.backchannel_logout_uri.is_not(None))
        .where(Session.idle_until > LogEntry.at, Session.expires_at > LogEntry.at)  # else it had timed out before
        .where(Session.id != func.coalesce(LogEntry.actor, ""))  # an app that let go of its own session knows
        .where(LogEntry.reason.is_distinct_from(Reason.REPLACED))  # its user did not sign out
        .order_by(LogEntry.position, Session.opened)
    )
