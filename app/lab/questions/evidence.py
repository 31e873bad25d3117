"""Evidence: the answers to single requests, and the templates in which a question says what they come to."""

from dataclasses import dataclass
from typing import Any

from jinja2 import Environment, StrictUndefined

from app.lab.costs import bars
from app.lab.player import Answer
from app.web import words

_templates = Environment(undefined=StrictUndefined)  # noqa: S701 - plain text, which the page escapes
_templates.filters |= {
    "brief": bars.brief,
    "clock": words.clock,
    "many": bars.many,
    "shorten": words.shorten,
    "size": bars.size,
    "span": words.span,
}


@dataclass(frozen=True)
class Finding:
    """One answer to one request. *what* was presented; *slug*: the design that answered, if one did.
    *reaction*: what the policy had to say about the place that it came from. *asked*: what this one check asked for, where that was counted.
    *over*: the session had ended before, so that an acceptance is a fault."""

    what: str
    status: int
    accepted: bool
    over: bool
    why: str
    slug: str = ""
    reaction: str = ""
    asked: dict[str, int] | None = None

    @property
    def questions(self) -> int:
        """Return how many questions the verifier asked for this answer, of whatever kind."""
        return sum((self.asked or {}).get(kind, 0) for kind in ("look-ups", "requests", "fetches"))


class Findings(list[Finding]):
    """Several, of which each goes by its design, or else by what was presented."""

    @property
    def accepted(self) -> list[str]:
        return [found.slug or found.what for found in self if found.accepted]

    @property
    def refused(self) -> list[str]:
        return [found.slug or found.what for found in self if not found.accepted]


def finding(what: str, answer: Answer, *, slug: str = "", over: bool = False) -> Finding:
    return Finding(what, answer.status, answer.accepted, over, answer.why, slug, asked=dict(answer.asked))


def fill(template: str, known: dict[str, Any]) -> str:
    """Fill in a template of a question. Raises UndefinedError for a name that is not *known*."""
    return _templates.from_string(template).render(known)


def holds(condition: str, known: dict[str, Any]) -> bool:
    """Return whether a condition of a question holds."""
    return bool(_templates.compile_expression(condition, undefined_to_none=False)(known))
