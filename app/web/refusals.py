"""A line for each refusal with 403 or 429, as long as visitors cannot fill the log with them."""

from flask import Flask, Response, request

from app import metrics, security_log
from app.throttle import Throttle, address

EVENTS = {403: "forbidden", 429: "held_off"}

# Beyond these, refusals are counted and no longer listed: anonymous visitors cause them.
_by_address = Throttle("lines about refusals by address", "10 per 10 minutes")
_in_all = Throttle("lines about refusals", "1000 per 10 minutes")


def init_app(app: Flask) -> None:
    """Note what *app* refuses."""
    app.after_request(_note)


def _note(response: Response) -> Response:
    event = EVENTS.get(response.status_code)
    if event:
        _write(event)
    return response


def _write(event: str) -> None:
    if _by_address.count(address()) and _in_all.count():
        # The rule, not the path: what a visitor puts into a path may be a secret.
        security_log.line(event, rule=str(request.url_rule), method=request.method, address=address())
    else:
        metrics.events.labels(event).inc()
