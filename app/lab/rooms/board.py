"""What the teacher's board shows: how far each attendee is, who is stuck, and what was predicted."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from app import clock
from app.lab.questions.question import Question as Asked
from app.lab.run import Run, Way
from app.lab.visitors import Visitor

STEPS = ("signed in", "copied the tokens", "signed out", "tried the copy")
STUCK_SECONDS = 3 * 60
_ENDED = {
    Way.CLIENT: "the browser forgot",
    Way.EXPIRY: "it expired",
    Way.SIGN_OUT: "the server revoked",
    Way.ELSEWHERE: "from another device",
    Way.ALL: "everywhere at once",
    Way.PASSWORD: "the password was changed",
    Way.DISABLED: "the account was disabled",
}


class Mark(StrEnum):
    """What became of one prediction."""

    RIGHT = "right"
    WRONG = "wrong"
    NOT_YET = "not yet"


@dataclass(frozen=True)
class Found:
    """What the last replay after the sign-out found: so many *accepted* the copy, *of* so many designs."""

    accepted: int
    of: int


@dataclass(frozen=True)
class Row:
    """One attendee. *steps*: which of STEPS they have taken. *ended*: in which way they signed out, in words.

    *question*: the one that they are at, once they are on the path. *moved_at*: when they last came further.
    *answers*: for each question of the board the name of their choice, if there is one, and what became of it.
    """

    id: str
    nickname: str
    steps: tuple[bool, ...]
    ended: str
    found: Found | None
    question: str
    moved_at: int
    answers: Mapping[str, tuple[str, Mark]]

    @property
    def marks(self) -> tuple[Mark, ...]:
        return tuple(mark for _, mark in self.answers.values())

    def count(self, mark: str) -> int:
        return self.marks.count(Mark(mark))

    @property
    def place(self) -> str:
        """Return how far the attendee is, in a word or two."""
        done = [step for step, is_done in zip(STEPS, self.steps, strict=True) if is_done]
        return self.question or (done[-1] if done else "has not begun")

    @property
    def is_stuck(self) -> bool:
        """Return whether the attendee has not moved for long, with something left to do."""
        return clock.now() - self.moved_at >= STUCK_SECONDS and not (all(self.steps) and not self.question)


@dataclass(frozen=True)
class Choice:
    """One answer that a question offers, and how many in the room predicted it."""

    words: str
    count: int


@dataclass(frozen=True)
class Question:
    """One question of the path that an attendee has answered; how many were right about it, and what was chosen."""

    id: str
    claim: str
    tally: Mapping[Mark, int]
    choices: tuple[Choice, ...]


@dataclass(frozen=True)
class Board:
    """*reached*: for each of STEPS how many have taken it."""

    rows: tuple[Row, ...]
    reached: tuple[tuple[str, int], ...]
    questions: tuple[Question, ...]

    @property
    def stuck(self) -> list[Row]:
        """Return the attendees who are stuck, the longest first."""
        return sorted((row for row in self.rows if row.is_stuck), key=lambda row: row.moved_at)


def draw(attendees: Iterable[Visitor], asked: Mapping[str, Asked]) -> Board:
    """Draw the board. *asked*: every question by its id, in their order. Answers to others are left out."""
    given = {visitor: visitor.read_answers() for visitor in attendees}
    names = [name for name in asked if any(name in answers for answers in given.values())]
    rows = tuple(_row(visitor, answers, names, list(asked)) for visitor, answers in given.items())
    return Board(
        rows,
        tuple((step, sum(row.steps[at] for row in rows)) for at, step in enumerate(STEPS)),
        tuple(_question(asked[name], [row.answers[name] for row in rows]) for name in names),
    )


def _row(visitor: Visitor, answers: Mapping[str, Any], names: Sequence[str], path: Sequence[str]) -> Row:
    run = visitor.read_run()
    return Row(
        visitor.id,
        visitor.nickname or "",
        visitor.steps(),
        _ended(run) if run else "",
        _found(run) if run else None,
        next((name for name in path if name not in answers), "") if answers else "",
        visitor.moved_at or visitor.made_at,
        {name: _answer(answers.get(name, {})) for name in names},
    )


def _found(run: Run) -> Found | None:
    """Return what the replay found after the sign-out, if it was one after it."""
    return Found(*run.found) if run.found and run.is_answered else None


def _ended(run: Run) -> str:
    if run.ended_by is None:
        return ""
    return _ENDED[Way(run.ended_by)] if run.ended_by in list(Way) else "an old token was used again"


def _answer(answer: Mapping[str, Any]) -> tuple[str, Mark]:
    if not answer:
        return "", Mark.NOT_YET
    return answer["guess"], Mark.RIGHT if answer["right"] else Mark.WRONG


def _question(asked: Asked, answers: Sequence[tuple[str, Mark]]) -> Question:
    guesses, marks = [guess for guess, _ in answers], [mark for _, mark in answers]
    choices = tuple(Choice(words, guesses.count(name)) for name, words in asked.choices.items())
    return Question(asked.id, asked.claim, {mark: marks.count(mark) for mark in Mark}, choices)
