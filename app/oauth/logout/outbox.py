"""The outbox: the transaction that ends a session also writes which apps to tell. If one fails, so does the other."""

from collections.abc import Sequence
from typing import Any

from flask import Flask, current_app
from sqlalchemy import and_, bindparam, func, or_, select

from app.identity.session import SITE, Reason, Session
from app.oauth.clients import Client
from app.oauth.logout import messages, network, token
from app.oauth.logout.messages import Message, NewMessage
from app.outbox.answer import Answer, Outcome
from app.outbox.courier import Courier
from app.revocation import log
from app.revocation.entries import Entry, Kind, Scope
from app.store import prebuilt
from app.store.db import after_commit
from app.telemetry import metrics, security_log


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
        security_log.line(f"logout_message_{outcome}", **about, answer=answer.words)


def tell_apps(entries: Sequence[Entry]) -> None:
    """Write a message to each app concerned by these ends, in the transaction that appends them."""
    ending = [entry for entry in entries if entry.kind is Kind.REVOKED and entry.scope is not Scope.TOKEN]
    if not ending:
        return
    rows = prebuilt.rows(_APPS_TO_TELL, first=ending[0].position, last=ending[-1].position)
    if messages.add(NewMessage(*row) for row in rows):
        courier: Courier[Message] = current_app.extensions["courier"]
        after_commit(courier.wake, once="wake the courier")


def _select_apps() -> Any:
    """Select whom to tell of the entries from *first* to *last*: the apps whose sessions ended, and those whose
    sessions outlive a browser that ended: they should let go of it."""
    entry, session, app = map(prebuilt.table, (log.LogEntry, Session, Client))
    ended = session.c.ended_entry == entry.c.position  # itself, or all of its user's
    lives_on = and_(session.c.parent_id == entry.c.subject, session.c.ended_entry.is_(None))
    columns = entry.c.position, entry.c.at, session.c.id, session.c.user_id, session.c.client_id
    return (
        select(*columns, app.c.backchannel_logout_uri, app.c.may_be_private)
        .select_from(entry)
        .join(session, or_(ended, lives_on))
        .join(app, app.c.id == session.c.client_id)
        .where(log.IS_REVOKED, entry.c.position.between(bindparam("first"), bindparam("last")))
        .where(session.c.client_id != SITE, app.c.backchannel_logout_uri.is_not(None))
        .where(session.c.idle_until > entry.c.at, session.c.expires_at > entry.c.at)  # else it had timed out before
        .where(session.c.id != func.coalesce(entry.c.actor, ""))  # an app that ended its own session knows
        .where(entry.c.reason.is_distinct_from(Reason.REPLACED))  # its user did not sign out
        .order_by(entry.c.position, session.c.opened)
    )


_APPS_TO_TELL = _select_apps()
