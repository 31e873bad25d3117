"""The outbox: the transaction that ends a session also writes which apps to tell. If one fails, so does the other."""

from collections.abc import Callable, Sequence
from typing import Any

from flask import Flask
from sqlalchemy import bindparam, select, union_all

from app import context
from app.identity.session import SITE, Reason, Session
from app.oauth.clients import Client
from app.oauth.logout import messages, network, token
from app.oauth.logout.messages import Message, NewMessage
from app.outbox.answer import Answer, Outcome
from app.outbox.courier import Courier
from app.revocation import log
from app.revocation.entries import Entry, Kind
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
    # An app that revoked its own tokens knows, and nothing hangs on its session.
    ending = [entry for entry in entries if entry.kind is Kind.REVOKED and entry.reason != Reason.REVOKED]
    if not ending:
        return
    first, last = ending[0].position, ending[-1].position
    rows = prebuilt.rows(_OF_ONE, only=first) if first == last else prebuilt.rows(_OF_MANY, first=first, last=last)
    if messages.add(NewMessage(*row) for row in rows):
        courier: Courier[Message] = context.app().extensions["courier"]
        after_commit(courier.wake, once="wake the courier")


def _select_apps(is_new: Callable[[Any], Any]) -> Any:
    """Select whom to tell of the entries whose position *is_new*: the apps whose sessions ended, and those whose
    sessions outlive a browser that ended: they should let go of it.

    Each part begins with the sessions that ended just now. Where that is left to the database, SQLite may read all sessions.
    """
    entry, session, app = map(prebuilt.table, (log.LogEntry, Session, Client))
    browser, just_ended = session.alias("browser"), session.alias("just_ended")
    columns = entry.c.position, entry.c.at, session.c.id, session.c.user_id, session.c.client_id
    concerned = (
        select(*columns, app.c.backchannel_logout_uri, app.c.may_be_private)
        .select_from(session)
        .join(app, app.c.id == session.c.client_id)
        .where(session.c.client_id != SITE, app.c.backchannel_logout_uri.is_not(None))
        .where(session.c.idle_until > entry.c.at, session.c.expires_at > entry.c.at)  # else it had timed out before
        .where(log.IS_REVOKED, entry.c.reason.is_distinct_from(Reason.REPLACED))  # else its user did not sign out
    )
    ended = concerned.join(entry, entry.c.position == session.c.ended_entry).where(is_new(session.c.ended_entry))
    browsers = select(just_ended.c.id).where(is_new(just_ended.c.ended_entry))
    lives_on = (
        concerned.join(browser, browser.c.id == session.c.parent_id)
        .join(entry, entry.c.position == browser.c.ended_entry)
        # Not `=`, by which PostgreSQL may walk through the index of all subjects.
        .where(entry.c.subject.is_not_distinct_from(browser.c.id))
        .where(session.c.ended_entry.is_(None), session.c.parent_id.in_(browsers))
    )
    return union_all(ended, lives_on).order_by("position")


# PostgreSQL plans the second one anew each time, as a range of unknown length may be long.
_OF_ONE = _select_apps(lambda position: position == bindparam("only"))
_OF_MANY = _select_apps(lambda position: position.between(bindparam("first"), bindparam("last")))
