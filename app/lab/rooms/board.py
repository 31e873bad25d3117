"""What the teacher's board shows: how far each attendee is, who is stuck, and what was predicted."""

from collections import Counter
from collections.abc import Iterable, Mapping
from enum import StrEnum
from typing import Any, NamedTuple

from app import clock
from app.lab.questions.question import Question
from app.lab.run import Way
from app.lab.visitors import Visitor

STEPS = ("signed in", "copied the tokens", "signed out", "tried the copy")
STUCK_SECONDS = 3 * 60
_ENDED: Mapping[str, str] = {
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


class Outcome(NamedTuple):
    """What the last replay after the sign-out showed: so many *accepted* the copy, *of* so many designs."""

    accepted: int
    of: int


class Prediction(NamedTuple):
    """*chosen*: the name of the choice; empty before there is one."""

    chosen: str
    mark: Mark


class Attendee(NamedTuple):
    """*steps*: which of STEPS are done. *ended*: in which way the attendee signed out, in words.

    *question*: the one that the attendee is at, once on the path. *moved_at*: the time of the last step forward.
    *predictions*: one for each question of the board.
    """

    id: str
    nickname: str
    steps: tuple[bool, ...]
    ended: str
    outcome: Outcome | None
    question: str
    moved_at: int
    predictions: Mapping[str, Prediction]

    @property
    def marks(self) -> list[Mark]:
        return [prediction.mark for prediction in self.predictions.values()]

    @property
    def place(self) -> str:
        """Return how far the attendee is, in a word or two."""
        done = [step for step, is_done in zip(STEPS, self.steps, strict=True) if is_done]
        return self.question or (done[-1] if done else "has not begun")

    @property
    def is_stuck(self) -> bool:
        """Return whether the attendee has not moved for long, with something left to do."""
        return clock.now() - self.moved_at >= STUCK_SECONDS and not (all(self.steps) and not self.question)


class Tally(NamedTuple):
    """A question that an attendee has answered: how many were right about it, and how many chose what."""

    id: str
    claim: str
    marks: Mapping[Mark, int]
    choices: Mapping[str, int]


class Board(NamedTuple):
    """*reached*: for each of STEPS how many have done it."""

    attendees: list[Attendee]
    reached: Mapping[str, int]
    tallies: list[Tally]


def draw(visitors: Iterable[Visitor], asked: Mapping[str, Question]) -> Board:
    """Draw the board. *asked*: every question by its id, in their order. Answers to others are left out."""
    given = {visitor: visitor.read_answers() for visitor in visitors}
    names = [name for name in asked if any(name in answers for answers in given.values())]
    attendees = [_attendee(visitor, answers, names, asked) for visitor, answers in given.items()]
    reached = {step: sum(attendee.steps[at] for attendee in attendees) for at, step in enumerate(STEPS)}
    return Board(attendees, reached, [_tally(asked[name], attendees) for name in names])


def _attendee(
    visitor: Visitor, answers: Mapping[str, Any], names: Iterable[str], asked: Mapping[str, Question]
) -> Attendee:
    run = visitor.read_run()
    return Attendee(
        visitor.id,
        visitor.nickname or "",
        visitor.steps(),
        _ENDED.get(run.ended_by, "an old token was used again") if run and run.ended_by else "",
        Outcome(*run.outcome) if run and run.outcome and run.is_answered else None,
        next((name for name in asked if name not in answers), "") if answers else "",
        visitor.moved_at or visitor.made_at,
        {name: _prediction(answers.get(name)) for name in names},
    )


def _prediction(answer: Mapping[str, Any] | None) -> Prediction:
    if answer is None:
        return Prediction("", Mark.NOT_YET)
    return Prediction(answer["guess"], Mark.RIGHT if answer["right"] else Mark.WRONG)


def _tally(question: Question, attendees: Iterable[Attendee]) -> Tally:
    predictions = [attendee.predictions[question.id] for attendee in attendees]
    chosen, marks = (Counter(each) for each in zip(*predictions, strict=True))
    choices = {words: chosen[name] for name, words in question.choices.items()}
    return Tally(question.id, question.claim, {mark: marks[mark] for mark in Mark}, choices)
