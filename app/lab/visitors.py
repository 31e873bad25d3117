"""Visitors of the lab: the one run of each, and what they predicted. A random cookie names a visitor, and opens no account."""

import hashlib
import json
import re
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from flask import g, request
from markupsafe import Markup
from sqlalchemy import Index, String, delete, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import InstrumentedAttribute, Mapped, mapped_column
from werkzeug.wrappers import Response

from app import clock
from app.capacity import executor
from app.capacity.throttle import Quota
from app.config import DAY, settings
from app.crypto import seal
from app.lab.run import Run
from app.store.db import Model, db, writing
from app.web import cookies

KEPT_SECONDS = 30 * DAY
STEPS = ("signed in", "copied the tokens", "signed out", "tried the copy")  # of the experiment
PRESS = "press"
_PRESSED = re.compile("[A-Za-z0-9_-]{32}")
MOST_VISITORS = 20_000  # visitors; beyond, those that were not touched for longest go
Column = InstrumentedAttribute[Any]
_GOING = 20  # at once: more than come at once, and no long wait for those who want to write
made = Quota("visitors made by place", "2000 per 10 minutes")  # a classroom has one address
begun = Quota("experiments by place", "2000 per 10 minutes")


class Visitor(Model):
    """One visitor of the lab. *id*: the SHA-256 of the cookie, in hex, cut to 128 bits.

    *moved_at*: when it last came further, in the experiment or on the path. *pressed*: the id of the form that it acted on last.
    """

    __tablename__ = "lab_visitors"
    __table_args__ = (Index("lab_visitors_by_age", "seen_at"),)
    id: Mapped[str] = mapped_column(String(32), primary_key=True)
    room: Mapped[str | None] = mapped_column(String(12), index=True)
    nickname: Mapped[str | None] = mapped_column(String(40))
    made_at: Mapped[int]
    seen_at: Mapped[int]
    run: Mapped[str | None]
    answers: Mapped[str] = mapped_column(default="{}")
    moved_at: Mapped[int | None]
    pressed: Mapped[str | None] = mapped_column(String(32))

    def read_run(self) -> Run | None:
        return Run.from_json(self.run)

    def read_answers(self) -> dict[str, Any]:
        answers: dict[str, Any] = json.loads(self.answers)
        return answers

    def steps(self) -> dict[str, bool]:
        """Return which of STEPS are done."""
        run = self.read_run()
        done = (True, run.copied, run.ended_at is not None, run.outcome is not None) if run else [False] * 4
        return dict(zip(STEPS, done, strict=True))

    def has_acted(self) -> bool:
        """Return whether the form of this request was acted on before, and only the answer was lost."""
        return self.pressed is not None and self.pressed == _press()

    def progress(self) -> tuple[object, ...]:
        """Return what differs once its visitor has come further."""
        return self.room, *self.steps().values(), len(self.read_answers())


def current() -> str:
    """Return the id of the visitor who sent this request, or whom its form makes; empty if there is neither."""
    known = _held() or _given()
    return name(known) if known else ""


def here() -> Visitor | None:
    """Return the visitor who sent this request, or whom its form made; None if there is none yet."""
    given = _given()
    return find(current()) or (find(name(given)) if given else None)


def run(visitor_id: str) -> Run | None:
    """Return the run of the visitor of this id, if there is one."""
    visitor = find(visitor_id)
    return visitor.read_run() if visitor else None


def find(visitor_id: str) -> Visitor | None:
    return db.session.get(Visitor, visitor_id) if visitor_id else None


@contextmanager
def locked(visitor_id: str, *, durable: bool = True) -> Iterator[Visitor | None]:
    """Lock the visitor of this id, if there is one, for a change. *durable*: see `db.writing`."""
    with writing(durable=durable):
        yield db.session.get(Visitor, visitor_id, with_for_update=True, populate_existing=True)


def make(secret: str) -> Visitor:
    """Add the visitor of a cookie, unless another request has; return it, locked. Must run inside `db.writing`."""
    forget(Visitor.id, Visitor.seen_at, KEPT_SECONDS, MOST_VISITORS)
    now = clock.now()
    added = insert(Visitor).values(id=name(secret), made_at=now, seen_at=now, answers="{}")
    db.session.execute(added.on_conflict_do_nothing())
    return db.session.get_one(Visitor, name(secret), with_for_update=True, populate_existing=True)


def forget(key: Column, age: Column, seconds: int, most: int) -> None:
    """Delete some of the rows that are older, or more, than may be kept: the oldest, by the index on their *age*."""
    last = db.session.scalar(select(age).order_by(age.desc()).offset(most - 1).limit(1)) or 0
    going = select(key).where(age <= max(clock.now() - seconds, last)).order_by(age).limit(_GOING)
    gone = delete(key.class_).where(key.in_(going))
    db.session.execute(gone, execution_options={"synchronize_session": False})


@contextmanager
def changing(*, durable: bool = True) -> Iterator[Visitor]:
    """Lock the visitor who sent this request, for a change. A new one gets a cookie with the answer. Raises TooMuch.

    A form that is sent again, as its answer was lost with the cookie, finds the same visitor.
    """
    executor.warm()  # those who act will soon present a copy
    held, secret = _held(), _given() or secrets.token_urlsafe(24)
    if here() is None:
        made.spend()
    with locked(current(), durable=durable) as visitor:
        if visitor is None:
            held, visitor = "", make(secret)
        visitor.seen_at, before = clock.now(), visitor.progress()
        yield visitor
        visitor.pressed = _press() or visitor.pressed
        if visitor.progress() != before:
            visitor.moved_at = clock.now()
    if not held:
        g.lab_cookie = secret


def spend(quota: Quota) -> None:
    """Count what the form of this request begins, unless it was acted on before. Raises TooMuch.

    Must run outside `db.writing`: every writer would wait for a slow Redis.
    """
    visitor = here()
    if visitor is None or not visitor.has_acted():
        quota.spend()


def hand_over(response: Response) -> Response:
    """Give the browser the cookie of a visitor that was made in this request."""
    if "lab_cookie" in g:
        cookies.put(response, cookies.LAB, g.lab_cookie, seconds=KEPT_SECONDS)
    return response


def press(doing: str) -> Markup:
    """Return the hidden field that makes a resent form count once. *doing*: the button's text meanwhile."""
    field = Markup('<input type="hidden" name="{}" value="{}" data-doing="{}">')
    return field.format(PRESS, secrets.token_urlsafe(24), doing)


def _press() -> str | None:
    sent = request.form.get(PRESS, "")
    return sent if _PRESSED.fullmatch(sent) else None


def _held() -> str:
    """Return the cookie of the visitor who sent this request; empty if there is none."""
    return g.get("lab_cookie") or cookies.read(cookies.LAB) or ""


def _given() -> str:
    """Return the cookie of the visitor that the form of this request makes: the same whenever it is sent."""
    sent = _press()
    return seal.derive(settings().secret_key, f"the visitor of {sent}").hex() if sent else ""


def name(secret: str) -> str:
    """Return the id of the visitor whose cookie this is."""
    return hashlib.sha256(secret.encode()).hexdigest()[:32]
