"""The shape of a question: a claim, what one would predict, the experiment that decides, and what explains it."""

import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from app.config import PROJECT
from app.lab import player
from app.lab.evidence import Found, Row

HOUR = 60 * 60
WORDS = PROJECT / "templates" / "lab" / "questions"
_ASKED = ("look-ups", "requests", "fetches")
_USUAL = {
    "/lab": "Do it by hand in the lab",
    "/lab/costs": "See what each design costs on a simulated day",
    "/devices": "See it on your own devices page",
    "/sign-out": "Sign out of this site, and read the receipt",
}


class Link(NamedTuple):
    """Where one can go on trying."""

    path: str
    words: str


@dataclass(frozen=True)
class Question:
    """*choices*: the predictions by name. *experiment* says which of them is right, from what really happens.
    *hints*: where to look, and then what to consider. *also*: a template with something to try."""

    id: str
    experiment: Callable[[], Found]
    claim: str
    why: str
    ask: str
    choices: Mapping[str, str]
    hints: tuple[str, str]
    explain: str
    go_on: tuple[Link, ...]
    also: str = ""


def read(module: str, **experiments: Callable[[], Found]) -> tuple[Question, ...]:
    """Return the questions of a module: its experiments, and the words of each from the file of the same name."""
    words = tomllib.loads((WORDS / f"{module.rpartition('.')[2]}.toml").read_text())
    return tuple(_question(name, experiments.pop(name), **said) for name, said in words.items())


def _question(
    name: str, experiment: Callable[[], Found], *, go_on: dict[str, str], hints: list[str], **said: Any
) -> Question:
    links = tuple(Link(path, words or _USUAL[path]) for path, words in go_on.items())
    first, second = hints
    texts: dict[str, Any] = {
        key: " ".join(text.split()) if isinstance(text, str) else text for key, text in said.items()
    }
    return Question(name, experiment, go_on=links, hints=(first, second), **texts)


def bearers() -> list[str]:
    return [found.slug for found in player.every() if found.is_bearer]


def bound() -> list[str]:
    """Return the designs that want more than a token."""
    return [found.slug for found in player.every() if not found.is_bearer]


def asked(row: Row) -> int:
    """Return how many questions the verifier asked for this answer, of whatever kind."""
    return sum((row.asked or {}).get(kind, 0) for kind in _ASKED)
