"""What a teacher takes home of a room: a table."""

import csv
import io
from itertools import chain

from app.lab.rooms.board import STEPS, Board

_FORMULA = ("=", "+", "-", "@", "\t", "\r")  # with which a spreadsheet begins to compute (OWASP, CSV injection)


def as_csv(board: Board) -> str:
    """Return a line for each attendee."""
    text = io.StringIO()
    writer = csv.writer(text)
    asked = [f"{question.id} {what}" for question in board.questions for what in ("chosen", "was")]
    writer.writerow(["nickname", *STEPS, "signed out by", "still accepted", "of designs", *asked])
    for one in board.attendees:
        steps = ("yes" if done else "no" for done in one.steps.values())
        answers = (vars(one.answer(question.id)).values() for question in board.questions)
        row = one.nickname, *steps, one.ended, one.accepted, one.of, *chain.from_iterable(answers)
        writer.writerow(f"'{cell}" if str(cell).startswith(_FORMULA) else cell for cell in row)
    return text.getvalue()
