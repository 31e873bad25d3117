"""A form sent twice counts once: the second request gets the first one's answer, with the same cookies.

A browser that sends a form again drops the first answer, whose cookies it then lacks. So each page has a random id, which its
forms carry. What came with the id (path, body, cookies) names a claim, which one request holds, and is the key under which
its answer is sealed: the database holds neither. Only results are kept, which are redirects (303) to anything but a question.
"""

import hmac
import json
import re
import secrets
import time
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any
from urllib.parse import parse_qs, urlsplit

from flask import Flask, Response, g, make_response, render_template, request
from markupsafe import Markup
from sqlalchemy import CursorResult, LargeBinary, delete, select, text, update
from sqlalchemy.orm import Mapped, mapped_column

from app import admission, clock, seal
from app.config import settings
from app.db import Model, StoreUnavailable, db, let_go, writing
from app.identity import refresh_token
from app.oauth import code
from app.web import cookies, guard, local
from app.web.held import Held

FIELD = "once"
KEPT_SECONDS = 60
PATIENCE_SECONDS = 5  # a process that holds a claim for longer has died
SPENT_SECONDS = KEPT_SECONDS + PATIENCE_SECONDS  # after which a row is of no use
PURGED = 50  # rows at a time
_POLL_SECONDS = 0.02
_QUESTIONS = ("/confirm", "/sign-in?next=", "/sign-in?rest=", "/sign-in?email=")
_WITHOUT_STORE = ("/sign-out", "/oauth/end-session")  # a dead store keeps no browser from forgetting its tokens
_NOBODY = ""
_OLDER = re.compile(r"[A-Za-z0-9_-]{32}")
_PURPOSE = "the answer to a form"


class Sent(Model):
    """A form that was sent, under a hash of its id and what came with it.

    *claim*: which request acts on it; *at*: since when, or when it was answered; *answer*: sealed, if there is a result.
    """

    __tablename__ = "forms_sent"
    name: Mapped[bytes] = mapped_column(LargeBinary(32), primary_key=True)
    claim: Mapped[bytes] = mapped_column(LargeBinary(16))
    at: Mapped[int] = mapped_column(index=True)
    answer: Mapped[bytes | None]


@dataclass(frozen=True)
class Form:
    """What this request has sent. *id*: that of the page; *secret*: all that makes it the same form sent again."""

    id: str
    secret: str

    @classmethod
    def here(cls, form_id: str, jar: dict[str, str]) -> "Form":
        body = [*request.form.items(multi=True)]
        return cls(form_id, json.dumps([form_id, request.path, local.query(), body, sorted(jar.items())]))

    @property
    def name(self) -> bytes:
        return seal.derive(self.secret, "the name of a form that was sent")


@dataclass(frozen=True)
class Found:
    """The row of a form, as it was a moment ago."""

    claim: bytes
    at: int
    answer: bytes | None

    @property
    def is_under_way(self) -> bool:
        return self.answer is None and clock.now() - self.at <= PATIENCE_SECONDS

    @property
    def is_kept(self) -> bool:
        return self.answer is not None and clock.now() - self.at < KEPT_SECONDS


def init_app(app: Flask) -> None:
    """Keep what *app* answers. Must come before the guard, whose cookies are a part of it: hooks run last to first."""
    app.after_request(_keep)


def field(doing: str) -> Markup:
    """Return the hidden field of a form. *doing* says what is under way once it was sent, such as "Signing in"."""
    return Markup('<input type="hidden" name="{}" value="{}" data-doing="{}">').format(FIELD, _page_id(), doing)


def begin() -> Response | None:
    """Give the kept answer of this form again, or claim the form for this request. A program sends no id, and acts."""
    form_id = request.form.get(FIELD) if request.method == "POST" else None
    if not form_id:
        return None
    try:
        return _repeat_or_claim(Form.here(form_id, cookies.sent()))
    except StoreUnavailable:
        if request.path not in _WITHOUT_STORE:
            raise
        g.store_is_away = True
        return None


def _purge() -> None:
    """Forget some of what is of no more use, so that `flask purge` finds little."""
    old = select(Sent.name).where(Sent.at < clock.now() - SPENT_SECONDS).limit(PURGED)
    _execute(delete(Sent).where(Sent.name.in_(old.with_for_update(skip_locked=True))))


def _repeat_or_claim(form: Form) -> Response | None:
    while True:
        found = _await(form)
        answer = _open(form, found) if found and found.is_kept else None
        if answer:
            guard.leave()  # the answer has its cookies
            return answer
        if not _is_for_visitor(form.id):
            return _refuse()
        claim = _claim(form, found)
        if claim:
            g.form, g.claim = form, claim
            return None


def _await(form: Form) -> Found | None:
    """Return the row of this form, once no other request is acting on it, or none that still lives."""
    found = _read(form)
    if found is None or not found.is_under_way:
        return found
    until = time.monotonic() + PATIENCE_SECONDS
    with admission.turn("forms"):
        while found and found.is_under_way and time.monotonic() < until:
            let_go()
            time.sleep(_POLL_SECONDS)
            found = _read(form)
    return found


def _read(form: Form) -> Found | None:
    row = db.session.execute(select(Sent.claim, Sent.at, Sent.answer).where(Sent.name == form.name)).one_or_none()
    return Found(*row) if row else None


_CLAIM = text(
    "INSERT INTO forms_sent (name, claim, at) VALUES (:name, :claim, :at) ON CONFLICT (name) DO UPDATE"
    " SET claim = excluded.claim, at = excluded.at, answer = NULL WHERE forms_sent.claim = :seen"
)


def _claim(form: Form, seen: Found | None) -> bytes | None:
    """Claim the form, unless another request did so since it was *seen*."""
    claim = secrets.token_bytes(16)
    values = {"name": form.name, "claim": claim, "at": clock.now(), "seen": seen.claim if seen else b""}
    with writing():
        _purge()
        return claim if _execute(_CLAIM, values) else None


def _keep(response: Response) -> Response:
    """Keep the answer, if it is a result; else let go of the claim, so that the form can be sent again."""
    form: Form | None = g.pop("form", None)
    if form is None:
        return response
    try:
        if _is_result(response):
            _save(form, response)
        else:
            with writing():
                _execute(delete(Sent).where(Sent.name == form.name, Sent.claim == g.claim))
    except StoreUnavailable:
        db.session.rollback()  # the answer stands, and the claim runs out
    return response


def _is_result(response: Response) -> bool:
    return response.status_code == HTTPStatus.SEE_OTHER and not response.location.startswith(_QUESTIONS)


_COPY = text(
    "INSERT INTO forms_sent (name, claim, at, answer) VALUES (:name, :claim, :at, :answer) ON CONFLICT (name) DO UPDATE"
    " SET claim = excluded.claim, at = excluded.at, answer = excluded.answer"
)


def _save(form: Form, response: Response) -> None:
    """Keep the answer for this form, and for the same one sent with the cookies that the answer brings: a browser may
    have taken these already when its user presses once more."""
    again = Form.here(form.id, cookies.after(response))
    content = json.dumps([*response.headers])
    answer = {one: seal.close(one.secret, _PURPOSE, content) for one in (form, again)}
    with writing():
        held = update(Sent).where(Sent.name == form.name, Sent.claim == g.claim)
        kept = _execute(held.values(at=clock.now(), answer=answer[form]))
        if kept and again != form:
            _execute(_COPY, {"name": again.name, "claim": g.claim, "at": clock.now(), "answer": answer[again]})


def _open(form: Form, found: Found) -> Response | None:
    content = seal.reveal(form.secret, _PURPOSE, found.answer or b"")
    if content is None:
        return None
    answer = Response(status=HTTPStatus.SEE_OTHER)
    answer.headers.clear()
    answer.headers.extend([(name, value) for name, value in json.loads(content) if name != "Content-Length"])
    return answer if _gives_what_lives(answer) else None


def _gives_what_lives(answer: Response) -> bool:
    """Check that what the answer gave, if anything, is still as it was given: a session's tokens, or a code."""
    token = cookies.given(answer).get(cookies.REFRESH)
    session = refresh_token.owner(token) if token else None
    if token and not (session and session.goes_on() and refresh_token.is_newest(token)):
        return False
    codes = parse_qs(urlsplit(answer.location or "").query).get("code", [])
    return all(code.is_unused(one) for one in codes)


def _page_id() -> str:
    """Return the id of the page that is being made, and of all its forms."""
    if "page_id" not in g:
        visit, chosen = guard.visit(), secrets.token_urlsafe(24)
        g.page_id = f"{chosen}.{_mark(chosen, visit.user.id if visit else _NOBODY)}"
    found: str = g.page_id
    return found


def _mark(chosen: str, whose: str) -> str:
    """Return a mark that says for whom a page was made, to us alone."""
    key = seal.derive(settings().secret_key, "for whom a page was made")
    return hmac.digest(key, f"{chosen} {whose}".encode(), "sha256").hex()[:32]


def _is_for_visitor(form_id: str) -> bool:
    """Return whether the page was made for the user who is signed in now, or for nobody, or nobody is signed in now.

    An id without a mark is of a page from before an upgrade. It is no weaker than none, which a program sends.
    """
    if _OLDER.fullmatch(form_id):
        return True
    chosen, _, mark = form_id.partition(".")
    here = {session.user_id for session in Held.here().sessions() if session.goes_on()}
    return not here or any(hmac.compare_digest(mark.encode(), _mark(chosen, one).encode()) for one in (*here, _NOBODY))


def _refuse() -> Response:
    """Say that the page was made for another person, and offer it anew."""
    page = local.came_from()
    again = local.address("/sign-in", page)
    return make_response(render_template("errors/another.html", page=page, again=again), HTTPStatus.CONFLICT)


def _execute(statement: Any, values: dict[str, Any] | None = None) -> int:
    done: CursorResult[Any] = db.session.execute(  # type: ignore[assignment]
        statement, values, execution_options={} if values else {"synchronize_session": False}
    )
    return done.rowcount
