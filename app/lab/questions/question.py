"""The shape of a question: a claim, what one would predict, the experiment that decides, and what explains it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from app.lab import player
from app.lab.evidence import Found, Row
from app.lab.player import Answer

HOUR = 60 * 60
_QUESTIONS = ("look-ups", "requests", "fetches")


class Link(NamedTuple):
    """Where one can go on trying."""

    path: str
    words: str


@dataclass(frozen=True)
class Question:
    """*choices*: the predictions by name. *experiment* says which of them is right, from what really happens.
    *also*: a template with something to touch."""

    id: str
    claim: str
    why: str
    ask: str
    choices: Mapping[str, str]
    experiment: Callable[[], Found]
    explain: str
    go_on: tuple[Link, ...]
    also: str = ""


LAB = Link("/lab", "Do it by hand in the lab")
COSTS = Link("/lab/costs", "See what each design costs on a simulated day")
DEVICES = Link("/devices", "See it on your own devices page")
SIGN_OUT = Link("/sign-out", "Sign out of this site, and read the receipt")


def design(slug: str, words: str) -> Link:
    """Link to the page of a design."""
    return Link(f"/lab/designs/{slug}", words)


def bearers() -> list[str]:
    """Return the designs whose tokens are good in the hands of any holder."""
    return [found.slug for found in player.every() if found.present == "token"]


def asked(row: Row) -> int:
    """Return how many questions the verifier asked for this answer, of whatever kind."""
    return sum((row.asked or {}).get(kind, 0) for kind in _QUESTIONS)


def row(what: str, answer: Answer, *, slug: str = "", over: bool = False) -> Row:
    """Return an answer as a row of a table."""
    return Row(what, answer.status, answer.accepted, over, answer.why, slug, asked=dict(answer.asked))


def some(count: int, thing: str) -> str:
    """Return a number with its noun."""
    return f"{count} {thing}" if count == 1 else f"{count} {thing}s"
