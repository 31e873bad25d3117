"""The security log: one JSON line for each security event, for the operator."""

import json
import logging
from contextlib import suppress
from typing import Any

from flask import Flask
from flask.logging import has_level_handler, wsgi_errors_stream

from app import clock
from app.telemetry import metrics

_log = logging.getLogger("signed_out.security")
_encoder = json.JSONEncoder(separators=(",", ":"))


def init_app(_app: Flask) -> None:
    """Have every line logged."""
    _log.setLevel(logging.INFO)


def line(event: str, **details: Any) -> None:
    """Write one line about *event*: ids and addresses, never a token, a password or a cookie.

    It goes to the server's error output, unless the operator's own logging takes it.
    """
    metrics.count_event(event)
    known = {name: value for name, value in details.items() if value is not None}
    text = _encoder.encode({"event": event, "at": clock.now(), **known})
    if has_level_handler(_log):
        _log.info(text)
    else:
        _write(text)


def _write(text: str) -> None:
    """Write a line without `logging`, which takes longer. The request goes on if that fails."""
    with suppress(AttributeError, OSError, ValueError):  # there is no output, or it is full or closed
        errors = wsgi_errors_stream._get_current_object()
        errors.write(f"{text}\n")
        errors.flush()
