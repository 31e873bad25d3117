"""`flask purge`: forget what was kept long enough, in short transactions with gaps, so that the site writes in between."""

import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import click
from flask.cli import with_appcontext
from sqlalchemy import ColumnElement, Select, and_, delete, inspect, select

from app import clock, context
from app.cli.plain import Command
from app.config import DAY
from app.identity import activity, known_place, sessions
from app.identity.activity import NO_ACCOUNT, Event
from app.identity.chains import RefreshToken
from app.identity.half import HalfSignIn
from app.identity.known_place import KnownPlace
from app.identity.session import Session
from app.identity.spent import Spent
from app.identity.users import User
from app.lab import log as lab_log
from app.mail import outbox
from app.mail.links import Link
from app.mail.outbox import Mail
from app.oauth.code import Code
from app.oauth.logout import messages
from app.oauth.logout.messages import Message
from app.oauth.pushed import Pushed
from app.revocation import delivery
from app.store.db import Model, analyze, db, maintaining, writing
from app.web import form_claims
from app.web.sign_out import receipt

ENDED_DAYS = 30
ACTIVITY_DAYS = 90
OWNERLESS_DAYS = 7  # of events are looked through: older nodes are replaced within days, and a purge is daily
TIMES_AS_PATIENT = 12  # as a request
CODE_DAYS = 1  # a code that comes back within this time ends what it gave

Batch = Callable[[int], Counter[str]]


class Pace:
    """How many rows one transaction deletes: as many as take *SECONDS*, judged by the last one's time."""

    SECONDS = 0.1
    GAP_SECONDS = 0.02
    FIRST_ROWS, MAX_ROWS = 100, 5000

    def __init__(self) -> None:
        self.rows = self.FIRST_ROWS

    def adapt(self, took: float) -> None:
        """Note how many seconds the last transaction took."""
        fitting = int(self.rows * self.SECONDS / max(took, 0.001))
        self.rows = max(1, min(fitting, self.rows * 2, self.MAX_ROWS))

    def rest(self, took: float) -> None:
        """Leave the lock to other writers for as long as it was held."""
        time.sleep(max(took, self.GAP_SECONDS))


@click.command("purge", cls=Command)
@with_appcontext
def purge() -> None:
    """Delete sessions that ended 30 days ago, and other old rows. Stop it at any time: the next run goes on.

    Entries of the log are kept for ever.
    """
    delivery.check_clock()  # by a clock that is ahead, live sessions are old
    with maintaining(), _patiently():
        for names, batch in _steps():
            _forget(names, batch)
        analyze()


@contextmanager
def _patiently() -> Iterator[None]:
    """Wait for a turn to write longer than a request does: a nightly command must not fail on a busy site."""
    usual = context.app().config["BUSY_SECONDS"]
    context.app().config["BUSY_SECONDS"] = usual * TIMES_AS_PATIENT
    try:
        yield
    finally:
        context.app().config["BUSY_SECONDS"] = usual


def _steps() -> list[tuple[tuple[str, ...], Batch]]:
    """Return each kind of row to delete: its name in the output, and how to delete a batch. Rows that refer to others
    come first."""
    now = clock.now()
    ended = now - ENDED_DAYS * DAY
    simple: dict[str, tuple[type[Model], ColumnElement[bool]]] = {
        "deleted accounts": (User, _is_bare()),
        "events": (Event, _happened_before(now - ACTIVITY_DAYS * DAY)),
        "events of deleted accounts": (Event, _ownerless(now)),
        "messages to apps": (Message, messages.settled_before(ended)),
        "mails": (Mail, outbox.is_old(ended)),
        "links": (Link, Link.until < now),
        "codes": (Code, Code.expires_at < now - CODE_DAYS * DAY),
        "pushed requests": (Pushed, Pushed.until <= now),
        "receipts": (receipt.Receipt, receipt.Receipt.made_at < now - receipt.SECONDS),
        "known places": (KnownPlace, KnownPlace.at <= now - known_place.KEPT_SECONDS),
        "revocations of the lab": (lab_log.Ended, lab_log.Ended.until < now),
        "half sign-ins": (HalfSignIn, HalfSignIn.until <= now),
        "spent challenges": (Spent, Spent.until < now),
        "forms": (form_claims.Sent, form_claims.Sent.at < now - form_claims.SPENT_SECONDS),
    }
    return [
        (("refresh tokens", "sessions"), lambda rows: _forget_sessions(sessions.over_before(ended, rows), rows)),
        *(((name,), _rows(name, model, is_old)) for name, (model, is_old) in simple.items()),
    ]


def _is_bare() -> ColumnElement[bool]:
    """Return the condition that an account was deleted and has no session left."""
    return and_(User.deleted_at.is_not(None), ~select(Session.id).where(Session.user_id == User.id).exists())


def _happened_before(then: int) -> ColumnElement[bool]:
    """Return the condition that an event is older. Its id finds it, and its time decides."""
    return and_(Event.id < activity.first_since(then), Event.at < then)


def _ownerless(now: int) -> ColumnElement[bool]:
    """Return the condition that an older node noted an event, during an upgrade, of an account that is deleted."""
    owner = select(User.id).where(User.id == Event.user_id, User.deleted_at.is_(None)).exists()
    return and_(Event.id >= activity.first_since(now - OWNERLESS_DAYS * DAY), Event.user_id != NO_ACCOUNT, ~owner)


def _forget(names: tuple[str, ...], batch: Batch) -> None:
    """Run *batch* until it finds nothing, and report each table in one line, which counts up on a terminal."""
    pace, total = Pace(), Counter(dict.fromkeys(names, 0))
    while True:
        with writing():
            began = time.perf_counter()
            done = batch(pace.rows)
        took = time.perf_counter() - began
        if not done.total():
            break
        total += done
        if sys.stdout.isatty():
            click.echo(f"\r\x1b[K{_said(names, total)}", nl=False)
        pace.adapt(took)
        pace.rest(took)
    click.echo("\r\x1b[K" * sys.stdout.isatty() + "\n".join(f"{name}: {total[name]} forgotten" for name in names))


def _said(names: tuple[str, ...], total: Counter[str]) -> str:
    return ", ".join(f"{name}: {total[name]}" for name in names)


def _forget_sessions(ids: list[str], rows: int) -> Counter[str]:
    """Delete refresh tokens of these sessions, and, once none is left, the sessions."""
    if not ids:
        return Counter()
    tokens = _delete(RefreshToken, RefreshToken.session_id.in_(ids), rows)
    gone = _delete(Session, Session.id.in_(ids), rows) if tokens < rows else 0
    return Counter({"refresh tokens": tokens, "sessions": gone})


def _rows(name: str, model: type[Model], is_old: ColumnElement[bool]) -> Batch:
    return lambda rows: Counter({name: _delete(model, is_old, rows)})


def _delete(model: type[Model], which: ColumnElement[bool], rows: int) -> int:
    """Delete up to *rows* of these. Rows that another purge is deleting are left to it."""
    [key] = inspect(model).primary_key
    some: Select[Any] = select(key).where(which).limit(rows).with_for_update(skip_locked=True)
    keys = list(db.session.scalars(some))
    return db.change(delete(model).where(key.in_(keys))) if keys else 0
