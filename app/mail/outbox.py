"""The outbox of mail: written in the transaction it reports, sealed, and erased once delivered.

Without `SMTP_URL` nothing is sent: the operator reads it (`flask mail`), or the browser at /mail.
"""

import json
import secrets
from collections.abc import Collection
from typing import Any

from flask import Flask
from sqlalchemy import ColumnElement, Index, LargeBinary, String, func, select, text, update
from sqlalchemy.orm import Mapped, mapped_column, synonym

from app import clock, context
from app.config import DAY, settings
from app.crypto import seal
from app.mail import links, smtp
from app.mail.letter import Letter
from app.outbox.answer import Answer, Outcome
from app.outbox.courier import Courier
from app.outbox.outgoing import Outgoing
from app.store.db import Model, after_commit, db
from app.telemetry import metrics, security_log

KEPT_SECONDS = DAY  # of what is not sent, where no mail server is set
_SEALED = "a mail in the outbox"


class Mail(Outgoing, Model):
    """One mail to a user. *sealed*: recipient and text, until it is delivered or given up. *link*: the hash of its link."""

    __tablename__ = "mails"
    __table_args__ = (Index("mails_settled", text("coalesce(delivered_at, given_up_at)")),)
    user_id: Mapped[str] = mapped_column(String(64), index=True)
    sealed: Mapped[bytes | None]
    link: Mapped[bytes | None] = mapped_column(LargeBinary(32))
    lane = synonym("id")

    def open(self) -> dict[str, str] | None:
        """Return its recipient, subject and both texts; None if they are erased, or SECRET_KEY is another."""
        content = seal.reveal(settings().secret_key, _SEALED, self.sealed) if self.sealed else None
        return json.loads(content) if content else None

    def note(self, answer: Answer) -> Outcome | None:
        outcome = super().note(answer)
        if outcome is Outcome.DELIVERED:
            links.begin(self.link)
        return outcome

    def also(self, outcome: Outcome) -> dict[str, Any]:
        return {} if outcome is Outcome.FAILED else {"sealed": None}


def init_app(app: Flask) -> None:
    """Give *app* the courier of its mail, if there is a server to bring it to."""
    is_sent = settings().smtp_url
    app.extensions["postman"] = Courier(app, Mail, "mails", _send, _report, seconds=smtp.SECONDS) if is_sent else None


def start(app: Flask) -> None:
    """Begin to deliver in this process."""
    postman: Courier[Mail] | None = app.extensions["postman"]
    if postman:
        postman.start()


def post(letter: Letter, to: str, user_id: str) -> None:
    """Put a letter to *to* into the outbox. Without a user, only the work is done: its time tells nothing.

    Must run inside `db.writing`.
    """
    _put(letter, to, user_id, is_real=bool(user_id))


def post_last(letter: Letter, to: str) -> None:
    """Put a letter into the outbox for a person whose account is deleted, unless it could never be sent.

    It names no account, and is erased like any other once it is delivered. Must run inside `db.writing`.
    """
    if settings().smtp_url:
        _put(letter, to, "", is_real=True)


def _put(letter: Letter, to: str, user_id: str, *, is_real: bool) -> None:
    now, is_sent = clock.now(), bool(is_real and settings().smtp_url)
    content = {"to": to, "subject": letter.subject, "text": letter.text, "html": letter.html}
    sealed = seal.close(settings().secret_key, _SEALED, json.dumps(content))
    db.session.add(
        Mail(
            id=secrets.token_urlsafe(16),
            user_id=user_id,
            sealed=sealed if is_real else None,
            link=links.hash_of(letter.link) if letter.link else None,
            made_at=now,
            attempts=0,
            claimed_until=0,
            next_at=now if is_sent else None,
            given_up_at=None if is_real else now,
        )
    )
    postman: Courier[Mail] | None = context.app().extensions["postman"]
    if postman:
        after_commit(postman.wake, once="wake the postman")


def waiting(user_ids: Collection[str] | None = None) -> list[Mail]:
    """Return what was not delivered and not given up, of these users or of all, the newest first."""
    found = select(Mail).where(Mail.sealed.is_not(None)).order_by(Mail.made_at.desc(), Mail.id)
    return list(db.session.scalars(found if user_ids is None else found.where(Mail.user_id.in_(user_ids))))


def hurry() -> int:
    """Make waiting mail due at once; return how many. Must run inside `db.writing`."""
    now = clock.now()
    return db.change(update(Mail).where(Mail.next_at > now, Mail.claimed_until <= now).values(next_at=now))


def find(mail_id: str) -> Mail | None:
    """Return the mail with this id, delivered or not."""
    return db.session.get(Mail, mail_id)


def is_old(then: int) -> ColumnElement[bool]:
    """Return the condition that a mail was settled before *then* (Unix seconds), or was never to be sent and is a day old."""
    settled = func.coalesce(Mail.delivered_at, Mail.given_up_at) < then
    never_sent = Mail.next_at.is_(None) & Mail.delivered_at.is_(None) & Mail.given_up_at.is_(None)
    return settled | (never_sent & (Mail.made_at < clock.now() - KEPT_SECONDS))


def _send(app: Flask, mail: Mail) -> Answer:
    with app.app_context():
        content, found = mail.open(), settings()
        made_at = mail.made_at
    if content is None:
        return Answer(Outcome.REFUSED, "it was sealed under another SECRET_KEY")
    return smtp.send(found, mail.id, made_at, content)


def _report(mail: Mail, answer: Answer, outcome: Outcome) -> None:
    """Count the attempt; tell the operator of what was given up."""
    metrics.count_mail(outcome.value)
    if outcome in (Outcome.REFUSED, Outcome.GIVEN_UP):
        security_log.line(f"mail_{outcome}", user=mail.user_id, mail=mail.id, answer=answer.words)
