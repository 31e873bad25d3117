"""What the endpoints for clients have in common: how a request is read, and how it is answered."""

import json
from collections.abc import Callable, Sequence
from typing import Any
from urllib.parse import parse_qsl

from authlib.consts import default_json_headers
from authlib.oauth2 import OAuth2Error
from authlib.oauth2.rfc6749 import InvalidRequestError
from flask import Response
from flask.globals import request_ctx

from app.identity.dpop.presented import Unproved
from app.revocation import log

Form = dict[str, str]
Body = dict[str, Any]
_KIND = "application/x-www-form-urlencoded"


def answer(act: Callable[[Form], Body], status: int = 200) -> Response:
    """Answer what *act* makes of the request, or the error that it raises (RFC 6749, section 5.2). Raises LogCut for an
    error: in a log that was cut, the code, the token or the client may be lost too.
    """
    try:
        return _answer(status, act(_form()))
    except OAuth2Error as error:
        return _refuse(error)
    except Unproved as problem:
        return _refuse(OAuth2Error(problem.description, error=problem.error))


def _form() -> Form:
    """Return the parameters of the body, never of the query. None may be given twice (section 3.2), and one without a
    value counts as left out."""
    asked = request_ctx.request
    if asked.mimetype != _KIND:
        raise InvalidRequestError(f"The body must be {_KIND}.")
    given = parse_qsl(asked.get_data(as_text=True), keep_blank_values=True)
    form = dict(given)
    if len(form) < len(given):
        raise InvalidRequestError("A parameter is given twice.")
    return {name: value for name, value in form.items() if value}


def _refuse(error: OAuth2Error) -> Response:
    log.head()
    return _answer(*error())


def _answer(status: int, body: Body, headers: Sequence[tuple[str, str]] = default_json_headers) -> Response:
    return Response(json.dumps(body), status, headers)
