"""The experiment: sign in, keep a copy, sign out, replay. One page that reads downward, and a button for each act."""

from contextlib import suppress
from functools import cache
from typing import Any

from flask import Blueprint, abort, redirect, render_template, request
from flask.typing import ResponseReturnValue

from app.capacity import executor, memo
from app.capacity.admission import Full
from app.config import settings
from app.lab import acts, parties, replay, run_view, visitors
from app.lab.player import FAULTS, LIES, Story
from app.lab.replay import Replay
from app.lab.rooms import room
from app.lab.run import WAYS, Run

bp = Blueprint("experiment", __name__)
REMEMBERED = 128  # replays that need not be played again: a page is often asked for more than once


@bp.get("")
def show() -> ResponseReturnValue:
    """Show the visitor's run. Without a run, show the answer; in a room, where the teacher asks first, only the steps."""
    mine = visitors.run(visitors.current())
    if mine is None:
        return render_template("lab/begin.html") if room.of(visitors.here()) else _answer(*_example())
    stage, found = mine.play(), _find(mine)
    given = {"run": mine, "stage": stage, "tokens": run_view.tokens(stage), "rows": run_view.rows(stage)}
    if mine.at_once and found:
        return _answer(mine, found, **given)
    pictures = replay.draw(mine, found) if found and mine.ended_at is not None else None
    return render_template("lab/experiment.html", found=found, pictures=pictures, **given)


@bp.post("/sign-in")
def sign_in() -> ResponseReturnValue:
    visitors.spend(visitors.begun)
    return _act(lambda mine: mine, "copy", anew=True)


@bp.post("/answer")
def answer() -> ResponseReturnValue:
    """Do all of it in one press: sign in, keep a copy, sign out, and present the copy everywhere."""
    visitors.spend(visitors.begun)
    mine = acts.act(visitors.current(), visitors.changing(), Run.sign_out_at_once, anew=True)
    if mine:
        with suppress(Full):  # then the page has a button that presents the copy
            _present(mine)
    return redirect("/lab#result", 303)


@bp.post("/copy")
def copy() -> ResponseReturnValue:
    return _act(lambda mine: mine.do("copy"), "copy")


@bp.post("/sign-out")
def sign_out() -> ResponseReturnValue:
    """End the run's session in one of the ways. In each of them, the browser forgets its tokens."""
    way = request.form.get("way", "")
    if way not in WAYS:
        abort(400)
    return _act(lambda mine: mine.leave(way) if mine.ended_at is None else None, "replay")


@bp.post("/refresh")
def refresh() -> ResponseReturnValue:
    """Exchange the browser's refresh token, or the copied one if the form says *old*."""
    old = "old" in request.form
    return _act(lambda mine: mine.do("refresh", "thief" if old else "laptop"), "replay" if old else "sign-in")


@bp.post("/replay")
def present() -> ResponseReturnValue:
    mine = visitors.run(visitors.current())
    if mine is None or not run_view.tokens(mine.play()):
        return redirect("/lab", 303)
    _present(mine)
    return redirect("/lab#result" if mine.at_once else "/lab#answers", 303)


@bp.post("/time")
def move() -> ResponseReturnValue:
    """Move the run's clock: a minute, to the next poll, or past the expiry of the copied access token."""
    step = request.form.get("step", "")

    def on(mine: Run) -> None:
        left = max(1, mine.expires_at - mine.time)
        mine.wait({"minute": 60, "poll": mine.next_poll, "expiry": left}.get(step, 0))

    return _act(on, "replay")


@bp.post("/faults")
def switch() -> ResponseReturnValue:
    """Cut a part or mend it, as the button said: another tab may have pressed its own. Without an *act*, do the other."""
    fault, act = request.form.get("fault"), request.form.get("act", "")
    if fault not in FAULTS + LIES or act not in ("cut", "mend", ""):
        abort(400)
    return _act(lambda mine: mine.do(act or ("mend" if fault in mine.play().world.cut else "cut"), fault), "faults")


@bp.post("/receipt")
def show_receipt() -> ResponseReturnValue:
    """Show the verifier the receipt that the issuer gave the user at the sign-out."""
    return _act(lambda mine: mine.do("show-receipt"), "faults")


@bp.post("/reset")
def reset() -> ResponseReturnValue:
    with visitors.changing() as visitor:
        visitor.run = None
    return redirect("/lab", 303)


def _present(mine: Run) -> None:
    """Play the replay outside any transaction. Then note in the run how many designs accepted the copy."""
    mine.presented = [len(mine.acts), mine.now]
    found = _find(mine)
    said = parties.present(parties.token(mine)) if settings().relying_parties else []
    with visitors.changing(durable=False) as here:
        now = here.read_run()
        if now and now.acts == mine.acts:  # else the visitor has gone on, and this is the answer to an older question
            now.presented, now.parties = mine.presented, said
            if found and now.ended_at is not None:
                now.outcome = [found.accepted, len(found.rows)]
            here.run = now.to_json()


def _act(change: acts.Change, place: str, *, anew: bool = False) -> ResponseReturnValue:
    """Change the visitor's run, or one that begins *anew*; then show it at *place* on the page."""
    acts.act(visitors.current(), visitors.changing(), change, anew=anew)
    return redirect(f"/lab#{place}", 303)


def _answer(mine: Run, found: Replay, **given: Any) -> str:
    """Show the question, its answer, and what the one button has found, or will find."""
    return render_template("lab/answer.html", found=found, pictures=replay.draw(mine, found), **{"run": None, **given})


@cache
def _example() -> tuple[Run, Replay]:
    """Play what one press does, once in this process: starting a helper would take longer."""
    example = Run("example", began_at=0, seed="example").sign_out_at_once()
    return example, replay.everywhere(example.story(), example.now, example.now)


def _find(mine: Run) -> Replay | None:
    """Return the result of the visitor's last replay, played in another process so that no other request waits."""
    if mine.presented is None:
        return None
    acts, now = mine.presented
    return _replay(mine.story(acts), now, None if mine.ended_at is None else mine.ended)


@memo.shared(REMEMBERED)
def _replay(story: Story, now: int, ended: int | None) -> Replay:
    return executor.run("lab", visitors.current(), replay.everywhere, story, now, ended)
