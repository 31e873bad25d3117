"""What the teacher's board shows: how far each attendee is, who is stuck, and what was predicted."""

import csv
import io
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import chain
from unicodedata import normalize

from app import clock
from app.lab.questions.question import Question
from app.lab.run import WAYS
from app.lab.visitors import STEPS, Visitor

MARKS = ("right", "wrong", "not yet")  # the outcome of a prediction
STUCK_SECONDS = 3 * 60
# With these a spreadsheet begins to compute (OWASP, CSV injection); some spreadsheets also with their full-width forms.
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")


@dataclass(frozen=True)
class Answer:
    """*chosen*: the name of the choice that was predicted; empty before there is one. *was*: one of MARKS."""

    chosen: str = ""
    was: str = "not yet"


@dataclass(frozen=True)
class Attendee:
    """*steps*: which of STEPS are done. *ended*: in which way the attendee signed out, in words. *accepted*: how many designs
    accepted the copy in the last replay after that, *of* how many. *question*: the one that the attendee is at, once on the
    path. *moved_at*: the time of the last step forward. *answers*: those to the questions of the board."""

    id: str
    nickname: str
    steps: Mapping[str, bool]
    ended: str | None
    accepted: int | None
    of: int | None
    question: str | None
    moved_at: int
    answers: Mapping[str, Answer]

    def answer(self, question: str) -> Answer:
        return self.answers.get(question, Answer())

    def count(self, mark: str) -> int:
        return sum(answer.was == mark for answer in self.answers.values())

    @property
    def place(self) -> str:
        """Return how far the attendee is, in a word or two."""
        done = [step for step, is_done in self.steps.items() if is_done]
        return self.question or (done[-1] if done else "has not begun")

    @property
    def is_stuck(self) -> bool:
        """Return whether the attendee has not moved for long, with something left to do."""
        return clock.now() - self.moved_at >= STUCK_SECONDS and not (all(self.steps.values()) and not self.question)


@dataclass(frozen=True)
class Tally:
    """A question that an attendee has answered: how many were right about it, and how many chose what."""

    id: str
    claim: str
    tally: Mapping[str, int]
    chosen: Mapping[str, int]


@dataclass(frozen=True)
class Board:
    """*reached*: for each of STEPS how many have done it. *questions*: those that an attendee has answered."""

    attendees: list[Attendee]
    reached: Mapping[str, int]
    questions: list[Tally]


def draw(visitors: Iterable[Visitor], asked: Mapping[str, Question]) -> Board:
    """Draw the board. *asked*: every question by its id, in their order. Answers to others are left out."""
    attendees = [_attendee(visitor, asked) for visitor in visitors]
    reached = {step: sum(attendee.steps[step] for attendee in attendees) for step in STEPS}
    answered = [question for name, question in asked.items() if any(name in one.answers for one in attendees)]
    return Board(attendees, reached, [_tally(question, attendees) for question in answered])


def as_csv(board: Board) -> bytes:
    """Return the board as a table, with a line for each attendee.

    It begins with a byte order mark, without which Excel takes it for another encoding. Text is quoted, as some spreadsheets
    separate cells at a semicolon.
    """
    text = io.StringIO()
    writer = csv.writer(text, quoting=csv.QUOTE_NONNUMERIC)
    asked = [f"{question.id} {what}" for question in board.questions for what in ("chosen", "was")]
    writer.writerow(["nickname", *STEPS, "signed out by", "still accepted", "of designs", *asked])
    for one in board.attendees:
        steps = ("yes" if done else "no" for done in one.steps.values())
        answers = (vars(one.answer(question.id)).values() for question in board.questions)
        row = one.nickname, *steps, one.ended, one.accepted, one.of, *chain.from_iterable(answers)
        writer.writerow(f"'{cell}" if normalize("NFKC", str(cell)).startswith(_FORMULA) else cell for cell in row)
    return text.getvalue().encode("utf-8-sig")


def _attendee(visitor: Visitor, asked: Mapping[str, Question]) -> Attendee:
    run, given = visitor.read_run(), visitor.read_answers()
    accepted, of = (run and run.outcome) or (None, None)
    answers = {name: given[name] for name in asked if name in given}
    return Attendee(
        visitor.id,
        visitor.nickname or "",
        visitor.steps(),
        WAYS.get(run.ended_by, "an old token was used again") if run and run.ended_by else None,
        accepted,
        of,
        next((name for name in asked if name not in given), None) if given else None,
        visitor.moved_at or visitor.made_at,
        {name: Answer(one["guess"], "right" if one["right"] else "wrong") for name, one in answers.items()},
    )


def _tally(question: Question, attendees: Iterable[Attendee]) -> Tally:
    answers = [attendee.answer(question.id) for attendee in attendees]
    marks, chosen = Counter(answer.was for answer in answers), Counter(answer.chosen for answer in answers)
    choices = {words: chosen[name] for name, words in question.choices.items()}
    return Tally(question.id, question.claim, {mark: marks[mark] for mark in MARKS}, choices)
