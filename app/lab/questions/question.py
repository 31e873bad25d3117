"""The shape of a question: a claim, the predictions, the story that decides between them, and the explanation."""

import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from app.config import PROJECT

FILES = PROJECT / "templates" / "lab" / "questions"


@dataclass(frozen=True)
class Question:
    """A question, as its file declares it.

    *choices*: the predictions by name. *right*: for each choice the condition that makes it right; the first that holds counts.
    *hints*: where to look, and then what to consider. *story*: see `Trial.play`. *experiment*: the function in
    `experiments` that goes on from there. *says*: a template that tells what happened.
    *facts*: pairs of a label and a template. *tables*: captions by the names that the story gives. *grid*: the words of a table
    with two dimensions. *names*: what this question calls some designs. *also*: a page template with something to try. *go_on*: the words of links to try next, by their paths; empty where the usual ones do.
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
    go_on: Mapping[str, str]
    story: tuple[str, ...] = ()
    experiment: str = ""
    facts: tuple[tuple[str, str], ...] = ()
    tables: Mapping[str, str] = field(default_factory=dict)
    grid: Mapping[str, Any] = field(default_factory=dict)
    names: Mapping[str, str] = field(default_factory=dict)
    also: str = ""


def read(*files: str) -> Iterator[Question]:
    """Return the questions of these files, with each text on one line."""
    for file in files:
        for name, said in tomllib.loads((FILES / f"{file}.toml").read_text()).items():
            words: dict[str, Any] = {
                key: " ".join(text.split()) if isinstance(text, str) else text for key, text in said.items()
            }
            yield Question(name, **words)
