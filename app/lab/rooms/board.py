"""What the teacher's board shows: how far each attendee is, what they found, and whether their predictions came true."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from app.lab.bench import Bench
from app.lab.run import Run, Way

STEPS = ("signed in", "copied the tokens", "signed out", "tried the copy")
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
    *marks*: one for each question of the board."""

    id: str
    nickname: str
    steps: tuple[bool, ...]
    ended: str
    found: Found | None
    marks: tuple[Mark, ...]

    def count(self, mark: str) -> int:
        return self.marks.count(Mark(mark))


@dataclass(frozen=True)
class Question:
    """One question of the path that somebody has answered, and how many of those in the room were right about it."""

    id: str
    claim: str
    tally: Mapping[Mark, int]


@dataclass(frozen=True)
class Board:
    """*reached*: for each of STEPS how many have taken it."""

    rows: tuple[Row, ...]
    reached: tuple[tuple[str, int], ...]
    questions: tuple[Question, ...]


def draw(attendees: Iterable[Bench], asked: Mapping[str, str] | None = None) -> Board:
    """Draw the board. *asked*: the claim of each question by its id, in their order; unknown ones come after them."""
    answers = {bench: bench.read_answers() for bench in attendees}
    claims = asked or {}
    answered = {name for given in answers.values() for name in given}
    names = [*(name for name in claims if name in answered), *sorted(answered - claims.keys())]
    rows = tuple(_row(bench, [_mark(given, name) for name in names]) for bench, given in answers.items())
    return Board(
        rows,
        tuple((step, sum(row.steps[at] for row in rows)) for at, step in enumerate(STEPS)),
        tuple(_question(name, claims.get(name, ""), [row.marks[at] for row in rows]) for at, name in enumerate(names)),
    )


def _row(bench: Bench, marks: Sequence[Mark]) -> Row:
    run = bench.read_run()
    steps = (run is not None, bool(run and run.copied), bool(run and run.ended_at is not None))
    found, ended = (_found(run), _ended(run)) if run else (None, "")
    return Row(bench.id, bench.nickname or "", (*steps, found is not None), ended, found, tuple(marks))


def _found(run: Run) -> Found | None:
    """Return what it found; what was accepted before the sign-out says nothing."""
    return Found(*run.found) if run.found and run.is_answered else None


def _ended(run: Run) -> str:
    if run.ended_by is None:
        return ""
    return _ENDED[Way(run.ended_by)] if run.ended_by in list(Way) else "an old token was used again"


def _mark(answers: Mapping[str, Any], name: str) -> Mark:
    return {True: Mark.RIGHT, False: Mark.WRONG}.get(answers.get(name, {}).get("right"), Mark.NOT_YET)


def _question(name: str, claim: str, marks: Sequence[Mark]) -> Question:
    return Question(name, claim, {mark: marks.count(mark) for mark in Mark})
