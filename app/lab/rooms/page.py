"""The pages of a workshop: a teacher opens a room, attendees join it, and the teacher's board shows who has found what."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict

import segno
from flask import Blueprint, abort, make_response, redirect, render_template, request
from flask.typing import ResponseReturnValue
from wtforms import StringField

from app.capacity.throttle import PlaceThrottle, Quota
from app.config import is_loopback, settings
from app.lab import questions, visitors
from app.lab.rooms import board, room
from app.lab.rooms.room import CannotJoin, Room
from app.store.db import writing
from app.web import forms
from app.web.forms import Form, name_field

bp = Blueprint("rooms", __name__, url_prefix="/rooms")
_guesses = PlaceThrottle("wrong room codes by place", "60 per 10 minutes")
openings = Quota("rooms opened by place", "12 per 1 hour")


class Opening(Form):
    name = name_field("Name of the room", "Give the room a name.", longest=80)


class Door(Form):
    code = StringField("Code")


class Join(Form):
    nickname = name_field("Nickname", "Enter a nickname.", longest=40)


@bp.before_request
def only_in_a_workshop() -> None:
    if not settings().workshop:
        abort(404)


@bp.route("", methods=["GET", "POST"])
def lobby() -> ResponseReturnValue:
    """Lead to the room of a code, or open one."""
    if "code" in request.args:
        return redirect(f"/lab/rooms/{_find(request.args['code']).code}/join")
    form = Opening(request.form)
    if form.validate_on_submit():
        visitors.spend(openings)
        with visitors.changing() as mine:
            opened = room.taught_by(mine)[0] if mine.has_acted() else Room.open(forms.text(form.name), mine)
        return redirect(f"/lab/rooms/{opened.code}", 303)
    return _lobby(form)


@bp.get("/<code>")
def show(code: str) -> ResponseReturnValue:
    """Show the board to its teacher, and the door to all others."""
    found = _find(code)
    if not _teaches(found):
        return redirect(f"/lab/rooms/{found.code}/join")
    link = f"{settings().site_url}/lab/rooms/{found.code}/join"
    qr = segno.make(link, error="m", micro=False)
    return render_template(
        "lab/board.html",
        room=found,
        board=_board(found),
        link=link,
        qr=qr.svg_inline(dark="#000", light="#fff", omitsize=True, svgclass="qr"),
        only_here=is_loopback(settings().site_url),
    )


@bp.get("/<code>/board")
def inner(code: str) -> ResponseReturnValue:
    """Return the part of the board that changes, for an open page."""
    found = _taught(code)
    return render_template("lab/_board.html", room=found, board=_board(found))


@bp.get("/<code>/results.<any(csv, json):kind>")
def download(code: str, kind: str) -> ResponseReturnValue:
    """Return what the board shows, as a spreadsheet or a JSON document."""
    found = _taught(code)
    shown, named = _board(found), {"room": found.name, "code": found.code}
    answer = make_response(board.as_csv(shown) if kind == "csv" else named | asdict(shown))
    answer.mimetype = "text/csv" if kind == "csv" else "application/json"
    answer.headers.set("Content-Disposition", "attachment", filename=f"room-{found.code}.{kind}")
    return answer


@bp.route("/<code>/join", methods=["GET", "POST"])
def join(code: str) -> ResponseReturnValue:
    found, mine = _find(code), visitors.here()
    form = Join(request.form, nickname=mine.nickname if mine else None)
    if form.validate_on_submit():
        try:
            with visitors.changing() as mine:
                locked = room.lock(found.code) or abort(404)
                locked.join(mine, forms.text(form.nickname))
            return redirect("/lab", 303)
        except CannotJoin as refusal:
            form.nickname.errors = [str(refusal)]
    return forms.page("lab/join.html", form, room=found, mine=visitors.here(), teaches=_teaches(found))


@bp.post("/<code>/reset")
def reset(code: str) -> ResponseReturnValue:
    """Let one attendee, or all, start afresh."""
    one = _named()
    with _changing(code) as found:
        found.reset(one)
    return redirect(f"/lab/rooms/{found.code}?done={'reset-all' if one is None else 'reset'}", 303)


@bp.post("/<code>/remove")
def remove(code: str) -> ResponseReturnValue:
    one = _named() or abort(400)
    with _changing(code) as found:
        found.remove(one)
    return redirect(f"/lab/rooms/{found.code}?done=remove", 303)


@bp.post("/<code>/close")
def close(code: str) -> ResponseReturnValue:
    with _changing(code) as found:
        found.close()
    return redirect("/lab/rooms", 303)


def _board(found: Room) -> board.Board:
    return board.draw(found.attendees(), questions.ALL)


def _lobby(form: Opening, door: Door | None = None) -> tuple[str, int]:
    return forms.page("lab/rooms.html", form, door=door or Door(), rooms=room.taught_by(visitors.here()))


def _find(code: str) -> Room:
    """Return the room of *code*, or answer that there is none.

    A right code is never refused: a class has one address, and the code stands on its wall. It opens no run.
    """
    found = room.find(room.spelled(code))
    if found is None:
        _guesses.check()
        _guesses.count()
        door = Door(code=code[:20])
        door.code.errors = ["There is no room with this code, or it was closed."]
        page, _ = _lobby(Opening(), door)
        abort(make_response(page, 404))
    return found


def _teaches(found: Room) -> bool:
    mine = visitors.here()
    return mine is not None and mine.id == found.teacher


def _taught(code: str) -> Room:
    found = _find(code)
    return found if _teaches(found) else abort(404)


def _named() -> str | None:
    """Return the id of the attendee that the form names; None if it names none, and so means all."""
    name = request.form.get("attendee")
    return name if name is None or name.isalnum() else abort(400)


@contextmanager
def _changing(code: str) -> Iterator[Room]:
    """Lock the teacher's room for a change."""
    name = _taught(code).code
    with writing():
        yield room.lock(name) or abort(404)
