"""What a verifier elsewhere is told: revocations of lab tokens, as a stream and as a list. Never an entry of the site's own.

An answer says from which position on it is complete. What it concerns are random ids, which name nobody.
"""

import json
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any, NamedTuple

from flask import Blueprint, Flask, Response, abort, current_app, jsonify, request
from flask.typing import ResponseReturnValue
from sqlalchemy import select

from app import address, admission, clock
from app.db import StoreUnavailable, db
from app.lab.issuer import PREFIX
from app.revocation import delivery, log, nodes
from app.revocation.entries import Kind
from app.revocation.log import LogEntry

bp = Blueprint("feed", __name__)
LIFE_SECONDS = 300
HEARTBEAT_SECONDS = 1.0
LOOK_SECONDS = 0.05
LONGEST = 10_000  # positions that one answer goes through
MOST_SUBJECTS = 3
RETRY_SECONDS = 2

_goes_on: Callable[[], bool] = lambda: True  # noqa: E731 - replaced by `end_with`


def end_with(alive: Callable[[], bool]) -> None:
    """End every stream of this process once it is not *alive* any more, so that nobody waits for them when it stops."""
    global _goes_on
    _goes_on = alive


class News(NamedTuple):
    """All *entries* up to *position*, as this process knew the log at the moment *clock*."""

    position: int
    clock: float
    entries: list[dict[str, Any]]


@bp.get("/revoked")
def revoked() -> ResponseReturnValue:
    """List what was revoked *after* a position, or lately; of some *subject* alone, if any are named."""
    size, epoch = log.head()
    subjects = tuple(request.args.getlist("subject"))
    if len(subjects) > MOST_SUBJECTS:
        abort(400)
    after = min(_whole(request.args.get("after"), max(0, size - LONGEST)), size)
    upto = size if subjects else min(size, after + LONGEST)
    with admission.turn("proofs"):
        entries = _read(after, upto, subjects)
    return jsonify(epoch=epoch, size=size, after=after, position=upto, entries=entries)


@bp.get("/feed")
def feed() -> ResponseReturnValue:
    """Tell of each revocation as it comes (server-sent events), from `Last-Event-ID` on, or from lately."""
    known = delivery.head()
    if known is None:
        return jsonify(error="temporarily_unavailable"), 503, {"Retry-After": str(RETRY_SECONDS)}
    size, epoch = known
    after = min(max(_whole(request.headers.get("Last-Event-ID"), 0), size - LONGEST), size)
    place = ExitStack()
    place.enter_context(admission.turn("feeds", address.subnet(address.here())))  # every subscriber holds a thread
    told = _tell(current_app._get_current_object(), after, epoch)  # type: ignore[attr-defined]
    response = Response(told, content_type="text/event-stream", headers={"X-Accel-Buffering": "no"})
    response.call_on_close(place.close)  # not in the generator: one that never began never ends
    return response


def _tell(app: Flask, position: int, epoch: str) -> Iterator[bytes]:
    """Write the stream. Between two looks it holds no connection; a look costs no query while nothing has happened.

    *clock* runs steadily, so that the other end can tell how old the news are, whatever the network did to them.
    """
    end, beat = time.monotonic() + LIFE_SECONDS, 0.0
    yield _event("begin", position, {"after": position, "epoch": epoch, "clock": nodes.now()})
    while _goes_on() and time.monotonic() < end:
        news = _look(app, position, epoch)
        if news is None:
            return
        position = news.position
        for entry in news.entries:
            yield _event("revoked", entry["position"], entry)
        if news.entries or time.monotonic() >= beat:
            yield _event("alive", position, {"position": position, "clock": news.clock})
            beat = time.monotonic() + HEARTBEAT_SECONDS
        time.sleep(LOOK_SECONDS)


def _look(app: Flask, position: int, epoch: str) -> News | None:
    """Return what is new; None if it cannot be told, or if the log is another than it was."""
    with app.app_context():
        try:
            as_of = nodes.now() - (delivery.lease_age() or 0)  # before the look: it may be fresher, never older
            known = delivery.head()
            if known is None or known[1] != epoch or known[0] < position:
                return None
            return News(known[0], as_of, _read(position, known[0], ()) if known[0] > position else [])
        except StoreUnavailable:
            return None


def _read(after: int, upto: int, subjects: tuple[str, ...]) -> list[dict[str, Any]]:
    """Read revocations of the lab that may still concern a token. Positions are the table's key, subjects its index."""
    fields = ("position", "scope", "subject", "opened", "until")
    rows = select(*(getattr(LogEntry, name) for name in fields)).where(
        LogEntry.kind == Kind.REVOKED,
        LogEntry.position > after,
        LogEntry.position <= upto,
        LogEntry.subject.startswith(PREFIX),
        LogEntry.until > clock.now(),
    )
    if subjects:
        rows = rows.where(LogEntry.subject.in_(subjects))
    return [dict(row._mapping) for row in db.session.execute(rows.order_by(LogEntry.position))]


def _event(name: str, position: int, data: dict[str, Any]) -> bytes:
    return f"event: {name}\nid: {position}\ndata: {json.dumps(data, separators=(',', ':'))}\n\n".encode()


def _whole(text: str | None, otherwise: int) -> int:
    return int(text) if text and text.isascii() and text.isdigit() and len(text) < 19 else otherwise
