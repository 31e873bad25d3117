"""Errors: a page that tells what went wrong, what is safe and what to do; JSON for programs."""

import logging
from dataclasses import dataclass
from functools import partial
from typing import NamedTuple

from flask import Flask, Response, abort, jsonify, make_response, render_template, request
from flask.typing import ResponseReturnValue
from markupsafe import escape
from sqlalchemy.exc import NoResultFound
from sqlalchemy.orm.exc import ObjectDeletedError
from werkzeug.exceptions import HTTPException, Unauthorized

from app import context, machines, stillness
from app.capacity.admission import Full
from app.capacity.throttle import TooManyMails, TooMuch
from app.identity.refresh_token import StoodStill
from app.revocation.clocks import ClockApart
from app.revocation.tree import TreeDamaged
from app.revocation.witness import LogCut
from app.serving.reading import REFUSAL
from app.store.db import StoreUnavailable, db
from app.web import guard

_log = logging.getLogger("signed_out.errors")


@dataclass(frozen=True)
class Words:
    """The text of an error page, and what Sign Out does now."""

    title: str
    happened: str
    safe: str
    do: str
    sign_out: str = "It works even now."


_NOTHING_CHANGED = "Nothing was changed."
_LATER = "This browser forgets you at once, and the server ends your session as soon as it can."
_WORDS = {
    400: Words("We could not read that request", "Your browser sent something that this page does not take.", _NOTHING_CHANGED, "Go back and try again from the page itself."),
    403: Words("This came from another site", "Another site asked your browser to do something here. It was refused.", _NOTHING_CHANGED, "If you meant to do it, do it from the page on this site."),
    404: Words("There is no such page", "The address leads nowhere, or to something that is not yours.", _NOTHING_CHANGED, "Check the address, or start from the home page."),
    405: Words("This address works another way", "It can be used by a form here, but not opened like this.", _NOTHING_CHANGED, "Start from the home page."),
    413: Words("This is too much at once", "More was sent than any form here can hold.", _NOTHING_CHANGED, "Send less."),
    414: Words("This address is too long", "Your browser asked for an address longer than any of this site.", _NOTHING_CHANGED, "Start from the home page. If a link brought you here, report it to the site it is on."),
    429: Words("Too many wrong attempts", "There were too many failed attempts from here, so we are not looking at more for now.", "This ends by itself, and sessions that are signed in go on.", "Wait a little, then try again."),
    431: Words("Your browser sent too much with its request", "Its cookies, or other headers, are more than this site reads.", _NOTHING_CHANGED, "Delete this site’s cookies in your browser, then sign in again."),
    501: Words("This is not built", "What was asked for is part of a standard, and not of this site.", _NOTHING_CHANGED, "Ask without it."),
    500: Words("Something broke on our side", "Our mistake stopped this page. It has been noted.", "What had been saved before is still saved. Sign Out still works.", "Try again. If it happens again, tell the operator."),
    503: Words("The database does not answer", "This site never accepts a sign-in that it cannot check, so it waits.", "You are not signed out by this, and nothing was half done.", "Wait a few seconds, then try again.", _LATER),
}  # fmt: skip

_REST = "Nothing was changed, and the rest of the site goes on."
_AGAIN = "Wait a few seconds, go back and press the button again."
_RELOAD = "Wait a few seconds, then load the page again."
FULL = {  # by kind of work
    "passwords": Words("Many people are signing in at this moment", "Passwords are checked a few at a time, and the line is full.", _REST, _AGAIN),
    "lab": Words("Many experiments are running at this moment", "They run one after the other, and the line is full.", _REST, _AGAIN),
    "acts": Words("The lab is full at this moment", "Its pages and buttons are served one at a time, and the line is full.", _REST, _AGAIN),
    "days": Words("Many days are being simulated at this moment", "They are simulated one at a time, and the line is full.", _REST, _RELOAD),
    "proofs": Words("Many proofs are being made at this moment", "They are made a few at a time, and the line is full.", _REST, _RELOAD),
    "forms": Words("This was sent already", "Your first request is still being worked on, and many others wait for theirs.", _REST, _AGAIN),
    "endings": Words("Many sessions are being ended at this moment", "They are ended a few people at a time, and the line is full.", "None of yours was ended yet, and you are still signed in here.", _AGAIN),
}  # fmt: skip
_OWN = Words("You have asked for this already", "What you asked for before is still being worked on.", _REST, "Wait until it is done, then try again.")  # fmt: skip
_CUT = Words("The operator of this site has to act", "An older copy of its database was put back, which lacks the latest sign-outs. Until that is settled, this site accepts no sign-in at all.", "No session that was signed out can be used. Nothing was changed.", "Try again later. You will then have to sign in again.", _LATER)  # fmt: skip
_TOO_MUCH = Words("Too much has come from your network", "More was begun from your network, such as accounts, experiments or rooms, than one network may begin in a while.", "Nothing was changed, and sessions that are signed in go on.", "Wait, then try again, or use another network.")  # fmt: skip
_MAILS = Words("Too many mails were asked for", "In the last hour as many mails were asked for as one person needs.", "Nothing was changed, and the links in the mails that you got still work.", "Look in your inbox and your spam folder, or wait an hour.")  # fmt: skip
_OFTEN: dict[type, Words] = {TooMuch: _TOO_MUCH, TooManyMails: _MAILS}
_APART = Words("The clock of this server is wrong", "Until it is right again, it starts and renews no sign-in, as it could take you for a thief.", "You are not signed out by this, and nothing was changed.", "Wait a few seconds, then try again: another server may answer.")  # fmt: skip
_DAMAGED = Words("The operator of this site has to act", "The log of sign-outs on its disk does not agree with itself, so nothing is proven or published from it.", "What was ended stays ended. Nothing was changed.", "Try again later.")  # fmt: skip
RETRY_SECONDS = 5
BUSY_SECONDS = 3
CUT_SECONDS = 60
_STOOD_STILL = Words(
    "This server stood still for a moment",
    "Your request waited here meanwhile, so we cannot tell whether what it carries is still current.",
    "You are not signed out by this, and nothing was changed.",
    "Wait a few seconds, then try again.",
)


class _Known(NamedTuple):
    """How a problem that this site knows is answered, and what the log says of it."""

    retry_after: int
    words: Words | None = None
    error: str | None = None
    log: str | None = None


# A row is gone if it was removed between two looks at it: nothing was done, and the next request finds what is there now.
_GONE = (ObjectDeletedError, NoResultFound)
_KNOWN: dict[type[Exception], _Known] = {
    StoreUnavailable: _Known(RETRY_SECONDS, log="the store is unavailable: %s"),
    LogCut: _Known(CUT_SECONDS, _CUT, log="nothing is accepted: %s"),
    TreeDamaged: _Known(
        CUT_SECONDS, _DAMAGED, "log_damaged", "the log is damaged: %s; `flask log verify` names the entry"
    ),
    ClockApart: _Known(RETRY_SECONDS, _APART),
    StoodStill: _Known(int(stillness.SETTLING_SECONDS), _STOOD_STILL),
    **dict.fromkeys(_GONE, _Known(RETRY_SECONDS, log="a row is gone: %s")),
}


def init_app(app: Flask) -> None:
    """Answer every error of *app* in these words."""
    app.before_request(_refuse)
    for kind, known in _KNOWN.items():
        app.register_error_handler(kind, partial(_answer_known, known))
    app.register_error_handler(HTTPException, _http)
    app.register_error_handler(Full, _full)
    app.register_error_handler(Exception, _broken)


def _refuse() -> None:
    """Answer a request that the server could not read, before anything else looks at it."""
    code = context.request().environ.get(REFUSAL)
    if code:
        abort(code)


def _http(problem: HTTPException) -> ResponseReturnValue:
    if isinstance(problem, Unauthorized) and not _is_for_machines():
        return _ask_to_sign_in()
    code = problem.code or 500
    retry_after = getattr(problem, "retry_after", None)
    words = _OFTEN.get(type(problem))
    response = answer(code, retry_after if isinstance(retry_after, int) else None, words)
    if code == 405:
        response.headers["Allow"] = ", ".join(getattr(problem, "valid_methods", None) or ())
    return response


def _ask_to_sign_in() -> ResponseReturnValue:
    try:
        asked: ResponseReturnValue = guard.ask_to_sign_in()
    except StoreUnavailable as problem:
        return _answer_known(_KNOWN[StoreUnavailable], problem)
    return asked


def _answer_known(known: _Known, problem: Exception) -> Response:
    if known.log:
        _log.error(known.log, problem)
    return answer(503, known.retry_after, known.words, known.error)


def _full(problem: Full) -> ResponseReturnValue:
    if problem.own:
        return answer(429, BUSY_SECONDS, _OWN)
    return answer(503, BUSY_SECONDS, FULL[problem.kind])


def _broken(problem: Exception) -> ResponseReturnValue:
    _log.exception("unforeseen", exc_info=problem)
    return answer(500, None)


def answer(code: int, retry_after: int | None, words: Words | None = None, error: str | None = None) -> Response:
    """Answer with the error *code*, in its usual words or in others; *error* is the code for programs."""
    db.session.rollback()
    if code >= 500 or _is_for_machines() or not _knows_the_visitor():
        guard.hide_visitor()  # this page must not need what may be broken, and a machine has no page
    if _is_for_machines() or guard.wants_json():
        response = jsonify(error=error or _CODES.get(code, "server_error"))
        response.status_code = code
    else:
        words = words or _WORDS.get(code, _WORDS[400] if code < 500 else _WORDS[500])
        page = render_template("errors/error.html", code=code, retry_after=retry_after, **vars(words))
        response = make_response(page, code)
    if retry_after is not None:
        response.headers["Retry-After"] = str(retry_after)
    return response


def bare(problem: Exception | None, app: Flask, path: str) -> Response:
    """Answer without a template, a visitor or the database, as any of them may be what broke."""
    code = 503 if isinstance(problem, StoreUnavailable) else 500
    if machines.answer(app, path):
        return Response(f'{{"error":"{_CODES.get(code, "server_error")}"}}\n', code, content_type="application/json")
    words = _WORDS[code]
    texts = "".join(f"<p>{escape(text)}</p>" for text in (words.happened, words.safe, words.do))
    form = '<form action="/sign-out" method="post"><button>Sign Out</button></form>'
    title = escape(words.title)
    page = (
        f'<!doctype html><html lang="en"><title>{title}</title><h1>{title}</h1>{texts}{form}<p>Error {code}</p></html>'
    )
    return Response(page, code, {"Retry-After": str(RETRY_SECONDS)} if code == 503 else None)


def _is_for_machines() -> bool:
    return machines.answer(context.app(), request.path)


def _knows_the_visitor() -> bool:
    """Return whether a page can show who is signed in: their rows are read here, not in the middle of the template."""
    try:
        visit = guard.visit()
        _ = visit and visit.user.name
    except (StoreUnavailable, *_GONE):
        return False
    return True


_CODES = {
    400: "invalid_request",
    401: "sign_in_required",
    403: "forbidden",
    404: "not_found",
    405: "invalid_request",
    413: "invalid_request",
    414: "invalid_request",
    429: "slow_down",
    431: "invalid_request",
    501: "not_implemented",
    503: "temporarily_unavailable",
}
