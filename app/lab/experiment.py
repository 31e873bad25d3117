"""The experiment: sign in, keep a copy, sign out, replay. One page that reads downward, and a button for each act."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from flask import Blueprint, abort, redirect, render_template, request
from flask.typing import ResponseReturnValue

from app import executor
from app.lab import bench, issuer, lanes, leaving, news, replay, shown
from app.lab.bench import Bench
from app.lab.designs import ALL, Fault
from app.lab.issuer import Unwritten
from app.lab.run import Run, Way

bp = Blueprint("experiment", __name__)
MOST_SECONDS = 24 * 60 * 60  # a run's clock goes on at most so far


@bp.get("")
def show() -> ResponseReturnValue:
    found = bench.here()
    run = found.read_run() if found else None
    if run is None:
        return render_template("lab/begin.html")
    last = run.replays[-1] if run.replays else None
    return render_template(
        "lab/experiment.html",
        run=run,
        now_there=issuer.now(run),
        designs=ALL,
        tokens=shown.tokens(run),
        rows=shown.rows(run),
        last=last,
        lanes=lanes.draw(run, last, ALL, issuer.now(run)) if last and run.ended_at is not None else None,
        is_down={fault.value: run.is_down(fault, issuer.now(run)) for fault in Fault},
        poll_in=news.next_poll(run, issuer.now(run)) - issuer.now(run),
    )


@bp.post("/sign-in")
def sign_in() -> ResponseReturnValue:
    bench.begin_experiment()
    with bench.changing() as (found, secret):
        found.run = issuer.sign_in(found.id).to_json()
    return bench.hand_over(redirect("/lab#copy", 303), secret)


@bp.post("/copy")
def copy() -> ResponseReturnValue:
    def keep(_found: Bench, run: Run) -> None:
        if run.held:
            run.copied, run.copied_at = run.held, issuer.now(run)

    return _act(keep, "copy")


@bp.post("/sign-out")
def sign_out() -> ResponseReturnValue:
    """End the run's session in one of the ways; what the browser held is forgotten in each of them."""
    way = _choice(Way, "way")

    def leave(_found: Bench, run: Run) -> None:
        if run.ended_at is not None:
            return
        run.copied = run.copied or run.held
        leaving.leave(run, way)
        run.refused_write = False

    return _act(leave, "replay")


@bp.post("/refresh")
def refresh() -> ResponseReturnValue:
    """Exchange the refresh token: the browser's own, or, if *old* is asked for, the one that was copied."""

    def exchange(found: Bench, run: Run) -> None:
        held = run.copied if "old" in request.form else run.held
        if held is None:
            return
        pocket = issuer.refresh(run, found.id, held.refresh)
        run.reused = pocket is None
        if pocket and "old" in request.form:
            run.copied = replace(pocket, cookie=held.cookie)
        elif pocket:
            run.held = replace(pocket, cookie=held.cookie)
        elif run.ended_at is None:
            run.ended_at, run.ended_by, run.held = issuer.now(run), "reuse", None

    return _act(exchange, "sign-in" if "old" not in request.form else "replay")


@bp.post("/replay")
def present() -> ResponseReturnValue:
    """Present the copy everywhere. The requests are sent outside of any transaction; what they found is noted after."""
    found = bench.here()
    run = found.read_run() if found else None
    if run is None or not (run.copied or run.held):
        return redirect("/lab", 303)
    seen = executor.run("lab", bench.visitor(), replay.of, run.to_json())

    def note(_found: Bench, now: Run) -> None:
        if (now.user, now.ended_at) == (run.user, run.ended_at):  # else it answers what nobody asks any more
            now.replays = [seen]  # the last is all that is shown, and every request of a replay reads the run

    return _act(note, "answers", durable=False)


@bp.post("/time")
def move() -> ResponseReturnValue:
    """Move the run's clock: a minute, to the next poll, or past the expiry of the copied access token."""
    step = request.form.get("step")

    def on(_found: Bench, run: Run) -> None:
        now = issuer.now(run)
        steps = {
            "minute": 60,
            "poll": news.next_poll(run, now) - now,
            "expiry": max(1, run.laptop.access_until - now),
            "hour": 60 * 60,
        }
        run.offset = min(run.offset + steps.get(step or "", 0), MOST_SECONDS)

    return _act(on, "replay")


@bp.post("/faults")
def switch() -> ResponseReturnValue:
    fault = _choice(Fault, "fault")
    return _act(lambda _found, run: run.switch(fault, issuer.now(run)), "faults")


@bp.post("/reset")
def reset() -> ResponseReturnValue:
    with bench.changing() as (found, secret):
        found.run = None
    return bench.hand_over(redirect("/lab", 303), secret)


def _act(change: Callable[[Bench, Run], None], place: str, *, durable: bool = True) -> ResponseReturnValue:
    """Change the visitor's run, then show it at *place* on the page. *durable*: see `db.writing`."""
    with bench.changing(durable=durable) as (found, secret):
        run = found.read_run()
        if run is not None:
            try:
                change(found, run)
            except Unwritten:
                run.refused_write = True
            found.run = run.to_json()
    return bench.hand_over(redirect(f"/lab#{place}", 303), secret)


def _choice(kind: Any, name: str) -> Any:
    try:
        return kind(request.form.get(name, ""))
    except ValueError:
        abort(400)
