"""A line for each refusal with 403 or 429, as long as visitors cannot fill the log with them."""

from flask import Flask, Response, request

from app.capacity.throttle import PlaceThrottle, Throttle
from app.network import address
from app.telemetry import metrics, security_log

EVENTS = {403: "forbidden", 429: "held_off"}

# Beyond these, refusals are counted and no longer listed: anonymous visitors cause them.
_by_place = PlaceThrottle("lines about refusals by place", "10 per 10 minutes")
_in_all = Throttle("lines about refusals", "1000 per 10 minutes")


def init_app(app: Flask) -> None:
    """Note what *app* refuses."""
    app.after_request(_note)


def _note(response: Response) -> Response:
    event = EVENTS.get(response.status_code)
    if event and "Secure-Session-Challenge" not in response.headers:  # which asks the browser and refuses nothing
        _write(event)
    return response


def _write(event: str) -> None:
    if _by_place.count() and _in_all.count():
        # The rule, not the path: what a visitor puts into a path may be a secret.
        security_log.line(event, rule=str(request.url_rule), method=request.method, address=address.here())
    else:
        metrics.count_event(event)
