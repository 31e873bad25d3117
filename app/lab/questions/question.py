"""The shape of a question: a claim, what one would predict, the experiment that decides, and what explains it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from app.lab.evidence import Found


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
