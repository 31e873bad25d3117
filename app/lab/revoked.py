"""The entries of the lab's log, for relying parties: at once, or as soon as there are any."""

from flask import Flask, abort, jsonify, request
from flask.typing import ResponseReturnValue

from app import context
from app.lab import log
from app.lab.log import State
from app.machines import Machines
from app.network import address
from app.revocation import log as site_log
from app.serving.held import HELD, Held
from app.store.db import StoreUnavailable

bp = Machines("revoked", __name__, beneath=("/lab/revoked",))
MOST_POSITIONS = 1000  # positions that one answer goes through
LONGEST_WAIT = 25  # seconds; proxies give up a minute after the last byte
LOOK_SECONDS = 0.02
MOST_SUBJECTS = 3


@bp.get("/revoked")
def revoked() -> ResponseReturnValue:
    """List what has ended *after* a position; of some *subject* alone, if any are named.

    Hold the answer for up to *wait* seconds, until something ends. What was ended while its push channel
    was cut neither comes with such an answer nor brings it about, but the position goes on.
    """
    site_log.head()  # where entries of the site are lost, ours may be lost, too
    subjects = tuple(request.args.getlist("subject"))
    if len(subjects) > MOST_SUBJECTS:
        abort(400)
    known, asked = log.state(), _whole("after")
    wait = 0 if subjects else min(_whole("wait"), LONGEST_WAIT)
    held: Held | None = request.environ.get(HELD)
    if wait and held and known.announced <= asked <= known.size and _holds(held, wait, known.epoch, asked):
        return "", 204  # it is asked again
    after = max(min(asked, known.size), known.size - log.MAX_ENTRIES)
    upto = known.size if subjects else min(known.size, after + MOST_POSITIONS)
    return jsonify(
        epoch=known.epoch,
        size=known.size,
        after=after,
        position=upto,
        waited=round(held.waited, 3) if held else 0,
        entries=log.read(after, upto, subjects, pushed=bool(wait)),
    )


def _holds(held: Held, seconds: int, epoch: str, after: int) -> bool:
    def is_news(state: State) -> bool:
        return state.epoch != epoch or state.announced > after or state.size < after

    app = context.app()
    held.shelf.look_for_news(lambda: _look(app), LOOK_SECONDS)
    return held.wait(seconds, address.subnet(address.here()), is_news)


def _look(app: Flask) -> State | None:
    """Look once for everyone who waits in this process."""
    with app.app_context():
        try:
            return log.state()
        except StoreUnavailable:
            return None


def _whole(name: str) -> int:
    text = request.args.get(name, "")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 19 else 0
