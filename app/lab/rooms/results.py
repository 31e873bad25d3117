"""What a teacher takes home of a room: a table and a JSON document."""

import csv
import io
from collections.abc import Iterator
from typing import Any

from app.lab.rooms.board import STEPS, Board, Row
from app.lab.rooms.room import Room

_FORMULA = ("=", "+", "-", "@", "\t", "\r")  # with which a spreadsheet begins to compute (OWASP, CSV injection)


def as_csv(board: Board) -> str:
    """Return a line for each attendee."""
    text = io.StringIO()
    writer = csv.writer(text)
    names = [question.id for question in board.questions]
    writer.writerow(["nickname", *STEPS, "signed out by", "still accepted", "of designs", *_columns(names)])
    for row in board.rows:
        writer.writerow([_cell(value) for value in _values(row)])
    return text.getvalue()


def as_json(room: Room, board: Board) -> dict[str, Any]:
    """Return everything that the board shows."""
    return {
        "room": room.name,
        "code": room.code,
        "attendees": [_attendee(row) for row in board.rows],
        "questions": [
            {
                "id": question.id,
                "claim": question.claim,
                "tally": question.tally,
                "chosen": {choice.words: choice.count for choice in question.choices},
            }
            for question in board.questions
        ],
    }


def _columns(names: list[str]) -> Iterator[str]:
    for name in names:
        yield f"{name} chosen"
        yield f"{name} was"


def _values(row: Row) -> Iterator[object]:
    yield row.nickname
    yield from ("yes" if done else "no" for done in row.steps)
    yield row.ended
    yield from (row.found.accepted, row.found.of) if row.found else ("", "")
    for chosen, mark in row.answers.values():
        yield from (chosen, mark)


def _cell(value: object) -> str:
    text = str(value)
    return f"'{text}" if text.startswith(_FORMULA) else text


def _attendee(row: Row) -> dict[str, Any]:
    return {
        "nickname": row.nickname,
        "steps": dict(zip(STEPS, row.steps, strict=True)),
        "ended": row.ended or None,
        "accepted": row.found.accepted if row.found else None,
        "of": row.found.of if row.found else None,
        "question": row.question or None,
        "answers": {name: {"chosen": chosen, "was": mark} for name, (chosen, mark) in row.answers.items() if chosen},
    }
