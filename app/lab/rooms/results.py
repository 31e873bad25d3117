"""What a teacher takes home of a room: a table and a JSON document."""

import csv
import io
from itertools import chain
from typing import Any

from app.lab.rooms.board import STEPS, Attendee, Board
from app.lab.rooms.room import Room

_FORMULA = ("=", "+", "-", "@", "\t", "\r")  # with which a spreadsheet begins to compute (OWASP, CSV injection)


def as_csv(board: Board) -> str:
    """Return a line for each attendee."""
    text = io.StringIO()
    writer = csv.writer(text)
    asked = [f"{tally.id} {what}" for tally in board.tallies for what in ("chosen", "was")]
    writer.writerow(["nickname", *STEPS, "signed out by", "still accepted", "of designs", *asked])
    for one in board.attendees:
        steps = ("yes" if done else "no" for done in one.steps)
        predictions = chain.from_iterable(one.predictions.values())
        writer.writerow(map(_cell, (one.nickname, *steps, one.ended, *(one.outcome or ("", "")), *predictions)))
    return text.getvalue()


def as_json(room: Room, board: Board) -> dict[str, Any]:
    """Return everything that the board shows."""
    return {
        "room": room.name,
        "code": room.code,
        "attendees": [_attendee(one) for one in board.attendees],
        "questions": [
            {"id": tally.id, "claim": tally.claim, "tally": tally.marks, "chosen": tally.choices}
            for tally in board.tallies
        ],
    }


def _cell(value: object) -> str:
    text = str(value)
    return f"'{text}" if text.startswith(_FORMULA) else text


def _attendee(one: Attendee) -> dict[str, Any]:
    accepted, of = one.outcome or (None, None)
    return {
        "nickname": one.nickname,
        "steps": dict(zip(STEPS, one.steps, strict=True)),
        "ended": one.ended or None,
        "accepted": accepted,
        "of": of,
        "question": one.question or None,
        "answers": {
            name: {"chosen": chosen, "was": mark} for name, (chosen, mark) in one.predictions.items() if chosen
        },
    }
