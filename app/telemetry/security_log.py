"""The security log: one JSON line for each security event, for the operator."""

import json
import logging
from typing import Any

from flask import Flask
from flask.logging import has_level_handler, wsgi_errors_stream

from app import clock
from app.telemetry import metrics

_log = logging.getLogger("signed_out.security")
_encoder = json.JSONEncoder(separators=(",", ":"))


class _ToServer(logging.Handler):
    """Writes to the server's error output. A `StreamHandler` would ask for it eight times a line, and take twice as long."""

    def emit(self, record: logging.LogRecord) -> None:
        try:
            errors = wsgi_errors_stream._get_current_object()
            errors.write(f"{self.format(record)}\n")
            errors.flush()
        except Exception:
            self.handleError(record)


def init_app(_app: Flask) -> None:
    """Write the lines to the server's error output, unless the operator's own logging takes them."""
    _log.setLevel(logging.INFO)
    if not has_level_handler(_log):
        _log.addHandler(_ToServer())


def line(event: str, **details: Any) -> None:
    """Write one line about *event*: ids and addresses, never a token, a password or a cookie."""
    metrics.count_event(event)
    known = {name: value for name, value in details.items() if value is not None}
    _log.info(_encoder.encode({"event": event, "at": clock.now(), **known}))
