"""The shape of a question: a claim, what one would predict, the story that decides, and what explains it."""

import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from app.config import PROJECT

FILES = PROJECT / "templates" / "lab" / "questions"
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
    """All of a question, as its file has it.

    *choices*: the predictions by name. *right*: for each choice the condition under which it is the right one; the first that
    holds counts. *hints*: where to look, and then what to consider. *story*: see `Experiment.play`. *says*: what happened, as
    a template. *facts*: (what, a template). *tables*: captions. *grid*: the words of one. *names*: what some designs are called
    here. *also*: a template with something to try.
    """

    id: str
    claim: str
    why: str
    ask: str
    choices: Mapping[str, str]
    right: Mapping[str, str]
    hints: tuple[str, str]
    explain: str
    says: str
    go_on: tuple[Link, ...]
    story: tuple[str, ...] = ()
    facts: tuple[tuple[str, str], ...] = ()
    tables: Mapping[str, str] = field(default_factory=dict)
    grid: Mapping[str, Any] = field(default_factory=dict)
    names: Mapping[str, str] = field(default_factory=dict)
    also: str = ""


def read(*files: str) -> Iterator[Question]:
    """Return the questions of these files."""
    for file in files:
        for name, said in tomllib.loads((FILES / f"{file}.toml").read_text()).items():
            words: dict[str, Any] = {
                key: " ".join(text.split()) if isinstance(text, str) else text for key, text in said.items()
            }
            links = tuple(Link(path, text or _USUAL[path]) for path, text in words.pop("go_on").items())
            yield Question(name, go_on=links, **words)
