"""Forms that were sent: which request acts on each, what it has ended, and its answer, sealed under what came with it."""

import json
import secrets
from collections.abc import Mapping
from dataclasses import astuple, dataclass
from functools import cached_property

from sqlalchemy import LargeBinary, bindparam, delete, select, text
from sqlalchemy.orm import Mapped, mapped_column
from werkzeug.wrappers import Response

from app import clock, context
from app.crypto import seal
from app.store import prebuilt
from app.store.db import Model, is_time_to_trim, writing
from app.web import cookies, next_page

KEPT_SECONDS = 60
PATIENCE_SECONDS = 5  # a process that holds a claim for longer has died
SPENT_SECONDS = KEPT_SECONDS + PATIENCE_SECONDS  # after which a row is of no use
PURGED = 1000  # rows at a time
_ANSWER = "the answer to a form"
_ENDED = "what a form has ended"


class Sent(Model):
    """A form that was sent, under a hash of its id and what came with it.

    *claim*: which request acts on it; *at*: since when, or when it last did something; *answer*: sealed, if there is a
    result; *ended*: sealed, if it has ended the session of its browser, and its answer is still to be made.
    """

    __tablename__ = "forms_sent"
    name: Mapped[bytes] = mapped_column(LargeBinary(32), primary_key=True)
    claim: Mapped[bytes] = mapped_column(LargeBinary(16))
    at: Mapped[int] = mapped_column(index=True)
    answer: Mapped[bytes | None]
    ended: Mapped[bytes | None]


@dataclass(frozen=True)
class Ended:
    """The sessions that a form has ended: that of its browser, or all *count* of the user's.

    *then*: where its answer leads, if not to the receipt.
    """

    sid: str
    count: int | None = None
    then: str | None = None


@dataclass(frozen=True)
class Form:
    """A form as it was sent. *id*: of its page; *secret*: derived from all that makes it the same form sent again."""

    id: str
    secret: str

    @classmethod
    def here(cls, form_id: str, jar: Mapping[str, str]) -> "Form":
        request = context.request()
        body = [*request.form.items(multi=True)]
        return cls(form_id, json.dumps([form_id, request.path, next_page.query(), body, sorted(jar.items())]))

    @cached_property
    def name(self) -> bytes:
        return seal.derive(self.secret, "the name of a form that was sent")

    def read(self) -> "FormRow | None":
        """Return the row of this form as it is now."""
        row = prebuilt.look(_READ, of=self.name)
        return FormRow(*row) if row else None

    def open(self, found: "FormRow | None") -> list[tuple[str, str]] | None:
        """Return the headers of the answer that is kept for this form, if one is."""
        opened = seal.reveal(self.secret, _ANSWER, found.answer) if found and found.answer and found.is_kept else None
        return json.loads(opened) if opened else None

    def seal(self, headers: str) -> bytes:
        """Return the headers of its answer as they are kept."""
        return seal.close(self.secret, _ANSWER, headers)

    def claim(self, seen: "FormRow | None") -> "Claim | None":
        """Claim the form for this request, unless another one did something to it since it was *seen*."""
        ended, token = seen.ended if seen and not seen.is_spent else None, secrets.token_bytes(16)
        values = {
            "name": self.name,
            "claim": token,
            "at": clock.now(),
            "ended": ended,
            "seen": seen.claim if seen else b"",
            "was_answered": bool(seen and seen.answer),
            "had_ended": bool(seen and seen.ended),
        }
        with writing(durable=False):
            is_ours = prebuilt.write(_CLAIM, **values)
        return Claim(self, token, self._reveal(ended)) if is_ours else None

    def claim_late(self) -> "Claim":
        """Claim the form only with what `Claim.note` writes. It costs no separate transaction."""
        return Claim(self, secrets.token_bytes(16), is_late=True)

    def _reveal(self, ended: bytes | None) -> Ended | None:
        said = seal.reveal(self.secret, _ENDED, ended) if ended else None
        return Ended(*json.loads(said)) if said else None


@dataclass(frozen=True)
class FormRow:
    """The row of a form, as it was a moment ago."""

    claim: bytes
    at: int
    answer: bytes | None
    ended: bytes | None

    @property
    def is_under_way(self) -> bool:
        return self.answer is None and clock.now() - self.at <= PATIENCE_SECONDS

    @property
    def is_kept(self) -> bool:
        return self.answer is not None and clock.now() - self.at < KEPT_SECONDS

    @property
    def is_spent(self) -> bool:
        return clock.now() - self.at >= SPENT_SECONDS


@dataclass(frozen=True)
class Claim:
    """A request's claim on a form.

    *ended*: what another request has ended by it, whose process then died. *is_late*: the row is not written yet.
    """

    form: Form
    token: bytes
    ended: Ended | None = None
    is_late: bool = False

    def note(self, ended: Ended) -> bool:
        """Note what this transaction ends; return False if the claim was taken over. Must run inside `db.writing`."""
        sealed = seal.close(self.form.secret, _ENDED, json.dumps(astuple(ended)))
        return prebuilt.write(_NOTE, name=self.form.name, claim=self.token, at=clock.now(), ended=sealed) > 0

    def keep(self, response: Response) -> bool:
        """Keep the answer for this form, and for the same one sent with the cookies that the answer brings: a browser
        may have taken these already when its user presses once more.

        Return False if the claim was taken over. Must run inside `db.writing`.
        """
        again = Form.here(self.form.id, cookies.after(response))
        headers, now = json.dumps([*response.headers]), clock.now()
        if is_time_to_trim(Sent):  # so that `flask purge` finds few
            prebuilt.write(_PURGE, spent=now - SPENT_SECONDS)
        kept = {"name": self.form.name, "claim": self.token, "at": now, "answer": self.form.seal(headers)}
        if again == self.form:
            return prebuilt.write(_KEEP, **kept) == 1
        return prebuilt.write(_KEEP_BOTH, **kept, again=again.name, copy=again.seal(headers)) == 2

    def let_go(self) -> None:
        """Treat the form as not sent, unless it has done something."""
        if not self.is_late:
            with writing(durable=False):
                prebuilt.write(_UNDO, of=self.form.name, by=self.token)


_FORMS = prebuilt.table(Sent)
_READ = select(_FORMS.c.claim, _FORMS.c.at, _FORMS.c.answer, _FORMS.c.ended).where(_FORMS.c.name == bindparam("of"))
_OURS = _FORMS.c.name == bindparam("of"), _FORMS.c.claim == bindparam("by")
_UNDO = delete(_FORMS).where(*_OURS, _FORMS.c.answer.is_(None), _FORMS.c.ended.is_(None))
_OLD = select(_FORMS.c.name).where(_FORMS.c.at < bindparam("spent")).limit(PURGED)
_PURGE = delete(_FORMS).where(_FORMS.c.name.in_(_OLD.with_for_update(skip_locked=True)))
# A request that waited for the row of another sees what that one did meanwhile.
_CLAIM = text(
    "INSERT INTO forms_sent (name, claim, at, ended) VALUES (:name, :claim, :at, :ended) ON CONFLICT (name) DO UPDATE"
    " SET claim = excluded.claim, at = excluded.at, answer = NULL, ended = excluded.ended"
    " WHERE forms_sent.claim = :seen AND (forms_sent.answer IS NOT NULL) = :was_answered"
    " AND (forms_sent.ended IS NOT NULL) = :had_ended"
)
_NOTE = text(
    "INSERT INTO forms_sent (name, claim, at, ended) VALUES (:name, :claim, :at, :ended) ON CONFLICT (name) DO UPDATE"
    " SET at = excluded.at, ended = excluded.ended WHERE forms_sent.claim = excluded.claim"
)
# Nothing is written where the row is gone or another's. The last condition sees a takeover for which this statement waited.
_KEPT = (
    "INSERT INTO forms_sent (name, claim, at, answer) SELECT column1, claim, :at, column2"
    " FROM forms_sent, (VALUES (:name, :answer){}) AS kept WHERE name = :name AND claim = :claim"
    " ON CONFLICT (name) DO UPDATE SET claim = excluded.claim, at = excluded.at, answer = excluded.answer, ended = NULL"
    " WHERE forms_sent.claim = excluded.claim OR forms_sent.name <> :name"
)
_KEEP, _KEEP_BOTH = (text(_KEPT.format(copy)) for copy in ("", ", (:again, :copy)"))
