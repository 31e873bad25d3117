"""`flask purge`: what has been kept for long enough is forgotten."""

from typing import Any

import click
from flask.cli import with_appcontext
from sqlalchemy import CursorResult, Delete, delete, func, select

from app import clock
from app.config import DAY
from app.db import db, writing
from app.identity.activity import Event
from app.identity.refresh_token import RefreshToken
from app.identity.session import Session
from app.oauth.code import Code
from app.oauth.logout import message as messages
from app.revocation import log
from app.web import receipt

ENDED_DAYS = 30
ACTIVITY_DAYS = 90
CODE_DAYS = 1  # so long a code that comes back ends what it gave


@click.command("purge")
@with_appcontext
def purge() -> None:
    """Forget old receipts, sessions that ended 30 days ago, and activity of 90 days ago; entries of the log never."""
    old = clock.now() - ENDED_DAYS * DAY
    with writing():
        ended_at = func.coalesce(log.LogEntry.at, Session.expires_at)
        over = select(Session.id).outerjoin(Session.ending).where(ended_at < old)
        _execute(delete(RefreshToken).where(RefreshToken.session_id.in_(over)))
        gone = _execute(delete(Session).where(Session.id.in_(over)))
        receipts = _execute(delete(receipt.Receipt).where(receipt.Receipt.made_at < clock.now() - receipt.SECONDS))
        _execute(delete(Code).where(Code.expires_at < clock.now() - CODE_DAYS * DAY))
        messages.forget(old)
        events = _execute(delete(Event).where(Event.at < clock.now() - ACTIVITY_DAYS * DAY))
    click.echo(f"{gone} sessions, {events} events and {receipts} receipts forgotten.")


def _execute(statement: Delete) -> int:
    done: CursorResult[Any] = db.session.execute(statement, execution_options={"synchronize_session": False})  # type: ignore[assignment]
    return done.rowcount
