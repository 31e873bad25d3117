"""Evidence: the answer to each request, and the templates and conditions with which a question sums them up."""

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
    """The answer to one request.

    *what*: what was presented. *over*: the session had ended before, so accepting is a fault. *slug*: the design that answered,
    if one did. *reaction*: how the policy judged the place. *asked*: what the server asked for to answer, if it was counted.
    """

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
        """Return how many questions of any kind the server asked for this answer."""
        return sum((self.asked or {}).get(kind, 0) for kind in ("look-ups", "requests", "fetches"))


class Findings(list[Finding]):
    """Several findings, each named by its design, or else by what was presented."""

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
