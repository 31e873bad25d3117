"""A sign-out that the store could not take: the browser keeps its tokens sealed, and any visit tries again."""

import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

from flask import Response, g, make_response, render_template, request
from werkzeug.wrappers import Response as AnyResponse

from app import clock
from app.config import settings
from app.crypto import seal
from app.store.db import StoreUnavailable
from app.web import cookies
from app.web.errors import RETRY_SECONDS
from app.web.presented_tokens import PresentedTokens
from app.web.sign_out import revocation

PENDING_SECONDS = 60 * 60
MOST_PENDING = 3  # sign-outs that wait in one cookie, for which a browser has 4,096 characters
_PURPOSE = "tokens that may only be ended"


def pending() -> list[PresentedTokens]:
    """Return the tokens that earlier sign-outs could not end, the newest first."""
    cookie = cookies.read(cookies.ENDING)
    opened = [PresentedTokens(access, refresh, at) for at, access, refresh in _open(cookie)] if cookie else []
    return [tokens for tokens in opened if clock.now() - tokens.at < PENDING_SECONDS]


def put_off(tokens: Sequence[PresentedTokens]) -> AnyResponse:
    """Return a page that says that the server could not end these, and keep the tokens sealed, good only to end them.
    *tokens*: the newest first. A cookie has room for a few; older ones are given up, and the page says so.
    """
    given_up = max(0, len(tokens) - MOST_PENDING)
    page = render_template("web/sign_out_failed.html", retry_after=RETRY_SECONDS, given_up=given_up)
    response = make_response(page, 503, {"Retry-After": str(RETRY_SECONDS)})
    cookies.sign_out(response)
    cookies.put(response, cookies.ENDING, _seal(tokens[:MOST_PENDING]), seconds=PENDING_SECONDS)
    return response


def retry() -> None:
    """Try it again before the page looks at anything else.

    A form may sign out of a later session of this browser, and takes this cookie away with it. Where the browser holds
    nothing else, the form itself is the new try, and earns the receipt.
    """
    if cookies.read(cookies.ENDING) and (request.method == "GET" or PresentedTokens.here()):
        with suppress(StoreUnavailable):
            for tokens in pending():
                revocation.end(tokens)
            g.ended_late = True


def settle(response: Response) -> Response:
    """Take the cookie away once it has done its work."""
    if g.get("ended_late"):
        cookies.drop(response, cookies.ENDING)
    return response


def _seal(tokens: Sequence[PresentedTokens]) -> str:
    content = json.dumps([[one.at, one.access, one.refresh] for one in tokens])
    return urlsafe_b64encode(seal.close(settings().secret_key, _PURPOSE, content)).decode()


def _open(cookie: str) -> list[list[Any]]:
    try:
        opened = seal.reveal(settings().secret_key, _PURPOSE, urlsafe_b64decode(cookie))
    except ValueError:
        return []
    found: list[list[Any]] = json.loads(opened) if opened else []
    return found
